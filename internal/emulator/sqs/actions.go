package sqs

import (
	"context"
	"encoding/json"
)

// call is what an action knows of its request beside the input.
type call struct {
	ctx     context.Context //nolint:containedctx // lives exactly as long as the request
	baseURL string
}

// action decodes its input, does the work and returns the answer to encode.
type action func(s *Server, c *call, body []byte) (any, error)

// empty is the answer of actions that only succeed.
type empty struct{}

// do makes an action of a method that takes decoded input.
func do[In, Out any](method func(*Server, *call, In) (Out, error)) action {
	return func(s *Server, c *call, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, errMalformed("request is not the JSON that this action takes: " + err.Error())
		}
		return method(s, c, in)
	}
}

// actions lists what the server can do, by the name of SQS's API.
func actions() map[string]action {
	return map[string]action{
		"CreateQueue":                  do((*Server).createQueue),
		"GetQueueUrl":                  do((*Server).getQueueURL),
		"ListQueues":                   do((*Server).listQueues),
		"DeleteQueue":                  do((*Server).deleteQueue),
		"PurgeQueue":                   do((*Server).purgeQueue),
		"GetQueueAttributes":           do((*Server).getQueueAttributes),
		"SetQueueAttributes":           do((*Server).setQueueAttributes),
		"ListDeadLetterSourceQueues":   do((*Server).listDeadLetterSourceQueues),
		"TagQueue":                     do((*Server).tagQueue),
		"UntagQueue":                   do((*Server).untagQueue),
		"ListQueueTags":                do((*Server).listQueueTags),
		"SendMessage":                  do((*Server).sendMessage),
		"SendMessageBatch":             do((*Server).sendMessageBatch),
		"ReceiveMessage":               do((*Server).receiveMessage),
		"DeleteMessage":                do((*Server).deleteMessage),
		"DeleteMessageBatch":           do((*Server).deleteMessageBatch),
		"ChangeMessageVisibility":      do((*Server).changeVisibility),
		"ChangeMessageVisibilityBatch": do((*Server).changeVisibilityBatch),
		"StartMessageMoveTask":         do((*Server).startMoveTask),
		"ListMessageMoveTasks":         do((*Server).listMoveTasks),
		"CancelMessageMoveTask":        do((*Server).cancelMoveTask),
	}
}
