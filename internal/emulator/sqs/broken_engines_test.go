package sqs_test

import (
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// engine is a fault and the checks that have to find it.
type engine struct {
	name    string
	over    func(http.Handler) http.Handler
	foundBy []string
	sound   bool
}

func brokenEngines() []engine {
	var all []engine
	for _, part := range [][]engine{brokenMessages(), brokenRefusals(), brokenTime(), brokenQueues(), brokenDeadLetters()} {
		all = append(all, part...)
	}
	return all
}

func brokenMessages() []engine {
	return []engine{
		{name: "trims bodies", over: onMessages(func(m object) {
			m.text("Body", strings.TrimSpace(m["Body"].(string)))
			sum := md5.Sum([]byte(m["Body"].(string)))
			m.text("MD5OfBody", hex.EncodeToString(sum[:]))
		}), foundBy: []string{"bodies come back byte for byte", "a dead letter keeps id, time, body and attributes"}},
		{name: "drops message attributes", over: onMessages(func(m object) { delete(m, "MessageAttributes") }), foundBy: []string{
			"message attributes come back exact", "message attributes are picked by name and prefix",
			"a batch is sent whole, attributes included", "a move task takes dead letters back to their source",
		}},
		{name: "gives all attributes whatever is asked", over: onRequest("ReceiveMessage", func(in object) {
			in["MessageAttributeNames"] = []string{"All"}
		}), foundBy: []string{"message attributes are picked by name and prefix"}},
		{name: "has another checksum of attributes", over: onAnswer("SendMessage", func(out object) {
			out.text("MD5OfMessageAttributes", strings.Repeat("0", 32))
		}), foundBy: []string{"checksums of attributes are SQS's"}},
		{name: "drops system attributes", over: onMessages(func(m object) { delete(m, "Attributes") }), foundBy: []string{
			"system attributes tell sender, times and trace", "a message received too often becomes a dead letter",
			"a delayed message comes after its delay",
		}},
		{name: "never raises the receive count", over: onMessages(func(m object) {
			m["Attributes"].(map[string]any)["ApproximateReceiveCount"] = "1"
		}), foundBy: []string{"the receive count rises with each receive", "changed visibility of 0 shows a message at once"}},
		{name: "has a limit of 256 KiB", over: refuseIf(func(action string, body []byte) bool {
			return strings.HasPrefix(action, "SendMessage") && len(body) > 256<<10
		}), foundBy: []string{"a mebibyte is taken", "a batch over one mebibyte is refused"}},
		{name: "loses one message of many", over: onAnswer("ReceiveMessage", func(out object) {
			messages, _ := out["Messages"].([]any)
			out["Messages"] = slices.DeleteFunc(messages, func(m any) bool { return m.(map[string]any)["Body"] == "m11" })
		}), foundBy: []string{"many messages all come, at most ten at a time"}},
	}
}

func brokenRefusals() []engine {
	keep := func(field string, clean func(string) string) func(http.Handler) http.Handler {
		return onRequest("SendMessage", func(in object) {
			if text, ok := in[field].(string); ok {
				in[field] = clean(text)
			}
		})
	}
	return []engine{
		{name: "cleans bodies instead of refusing", over: keep("MessageBody", func(s string) string {
			return strings.Map(func(r rune) rune {
				if r < ' ' || r == 0xfffe || r == 0xffff {
					return '?'
				}
				return r
			}, s)
		}), foundBy: []string{"characters that SQS does not keep are refused"}},
		{name: "fills empty bodies", over: keep("MessageBody", func(s string) string { return s + " " }), foundBy: []string{"an empty body is refused"}},
		{name: "cuts long bodies", over: keep("MessageBody", func(s string) string { return s[:min(len(s), 1024)] }), foundBy: []string{
			"the queue's size limit counts body and attributes", "a mebibyte is taken",
		}},
		{name: "drops attributes when sending", over: onRequest("SendMessage", func(in object) { delete(in, "MessageAttributes") }), foundBy: []string{
			"bad names of attributes are refused", "bad values of attributes are refused",
			"more than ten attributes are refused", "the queue's size limit counts body and attributes",
		}},
		{name: "ignores numbers out of range", over: onRequest("ReceiveMessage", func(in object) { delete(in, "MaxNumberOfMessages") }), foundBy: []string{
			"numbers out of range are refused",
		}},
		{name: "tells every refusal alike", over: onError(func(w http.Header, out object) {
			w.Set("X-Amzn-Query-Error", "ValidationError;Sender")
			out.text("__type", "com.amazonaws.sqs#ValidationError")
		}), foundBy: []string{
			"a queue that is not there is told by type", "characters that SQS does not keep are refused",
			"batches of the wrong shape are refused by type", "handles of no or another queue are refused",
			"creating a queue again needs the same attributes", "unknown attributes and bad values are refused",
			"a move task needs a dead letter queue", "changed visibility is refused where nothing is in flight",
			"a bad redrive policy is refused",
		}},
		{name: "hides failed entries of batches", over: onAnyAnswer(func(out object) { delete(out, "Failed") }), foundBy: []string{
			"a bad entry of a batch does not hold back the others", "a delete batch reports entry by entry",
			"a visibility batch reports entry by entry",
		}},
		{name: "sends only the first of a batch", over: onRequest("SendMessageBatch", func(in object) {
			if entries, _ := in["Entries"].([]any); len(entries) > 1 {
				in["Entries"] = entries[:1]
			}
		}), foundBy: []string{
			"a batch is sent whole, attributes included", "batches of the wrong shape are refused by type",
			"a batch over one mebibyte is refused",
		}},
	}
}

func brokenTime() []engine {
	none := func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write([]byte("{}")); return true }
	return []engine{
		{name: "shows messages again at once", over: onRequest("ReceiveMessage", func(in object) { in["VisibilityTimeout"] = 0 }), foundBy: []string{
			"a received message is hidden, then comes again", "a receive can ask for its own visibility",
		}},
		{name: "never shows a message again", over: onRequest("ReceiveMessage", func(in object) { in["VisibilityTimeout"] = 43_200 }), foundBy: []string{
			"a received message is hidden, then comes again", "the receive count rises with each receive",
			"a long poll ends when a message becomes visible", "the latest of several handles deletes",
		}},
		{name: "ignores a receive's own visibility", over: onRequest("ReceiveMessage", func(in object) { delete(in, "VisibilityTimeout") }), foundBy: []string{
			"a receive can ask for its own visibility",
		}},
		{name: "ignores changes of visibility", over: instead("ChangeMessageVisibility", none), foundBy: []string{
			"changed visibility extends the hiding", "changed visibility of 0 shows a message at once",
			"changed visibility is refused where nothing is in flight", "a message below its maximum stays",
		}},
		{name: "deletes nothing", over: instead("DeleteMessage", none), foundBy: []string{
			"a deleted message stays away", "the latest of several handles deletes", "handles of no or another queue are refused",
		}},
		{name: "deletes nothing of a batch", over: instead("DeleteMessageBatch", func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte(`{"Successful":[{"Id":"good"}],"Failed":[{"Id":"bad","Code":"ReceiptHandleIsInvalid","SenderFault":true}]}`))
			return true
		}), foundBy: []string{
			"a delete batch reports entry by entry",
		}},
		{name: "knows no long polls", over: onRequest("ReceiveMessage", func(in object) { in["WaitTimeSeconds"] = 0 }), foundBy: []string{
			"a long poll ends when a message is sent", "a long poll ends when a message becomes visible",
			"a long poll of an empty queue lasts its time", "the queue's own wait makes receives long polls",
		}},
		{name: "sleeps through long polls", over: sleepy, foundBy: []string{"a long poll ends when a message is sent"}},
		{name: "ignores delays", over: onRequest("SendMessage", func(in object) { delete(in, "DelaySeconds") }), foundBy: []string{
			"a delayed message comes after its delay", "numbers of messages follow", "numbers out of range are refused",
		}},
		{name: "purges nothing", over: instead("PurgeQueue", none), foundBy: []string{"a purged queue is empty"}},
	}
}

// sleepy waits a long poll's whole time before it looks.
func sleepy(next http.Handler) http.Handler {
	return onRequest("ReceiveMessage", func(in object) {
		if wait, ok := in["WaitTimeSeconds"].(float64); ok {
			time.Sleep(time.Duration(wait) * time.Second)
		}
	})(next)
}

func brokenQueues() []engine {
	return []engine{
		{name: "does not set attributes", over: instead("SetQueueAttributes", func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte("{}"))
			return true
		}), foundBy: []string{
			"attributes of a queue are set and told", "unknown attributes and bad values are refused", "a bad redrive policy is refused",
		}},
		{name: "tells no numbers", over: onAnswer("GetQueueAttributes", func(out object) {
			if all, ok := out["Attributes"].(map[string]any); ok {
				for name := range all {
					if strings.HasPrefix(name, "Approximate") {
						all[name] = "0"
					}
				}
			}
		}), foundBy: []string{"numbers of messages follow"}},
		{name: "makes queues without attributes", over: onRequest("CreateQueue", func(in object) { delete(in, "Attributes") }), foundBy: []string{
			"creating a queue again needs the same attributes", "the queue's own wait makes receives long polls",
			"a message received too often becomes a dead letter", "maxReceiveCount may be text", "a dead letter queue tells its sources",
		}},
		{name: "lists no queues", over: onRequest("ListQueues", func(in object) {
			in["QueueNamePrefix"] = "no-such-queue"
		}), foundBy: []string{"a queue is found by name and listed by prefix"}},
	}
}

func brokenDeadLetters() []engine {
	return []engine{
		{name: "makes no dead letters", over: onRequest("CreateQueue", func(in object) {
			if all, ok := in["Attributes"].(map[string]any); ok {
				delete(all, "RedrivePolicy")
			}
		}), foundBy: []string{
			"a message received too often becomes a dead letter", "a dead letter keeps id, time, body and attributes",
			"maxReceiveCount may be text", "a dead letter queue tells its sources",
		}},
		{name: "gives dead letters a new id", over: onMessages(func(m object) {
			if all, _ := m["Attributes"].(map[string]any); all["DeadLetterQueueSourceArn"] != nil {
				m.text("MessageId", "00000000-0000-4000-8000-000000000000")
			}
		}), foundBy: []string{"a message received too often becomes a dead letter", "a dead letter keeps id, time, body and attributes"}},
		{name: "makes dead letters too soon", over: onRequest("CreateQueue", func(in object) {
			if all, ok := in["Attributes"].(map[string]any); ok && all["RedrivePolicy"] != nil {
				policy := all["RedrivePolicy"].(string)
				all["RedrivePolicy"] = strings.NewReplacer(":2}", ":1}", ":3}", ":1}", `:"1"}`, ":2}").Replace(policy)
			}
		}), foundBy: []string{
			"a message received too often becomes a dead letter", "a message below its maximum stays", "maxReceiveCount may be text",
		}},
		{name: "moves nothing", over: instead("StartMessageMoveTask", func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte(`{"TaskHandle":"none"}`))
			return true
		}), foundBy: []string{
			"a move task takes dead letters back to their source", "a move task takes dead letters to another queue",
			"a move task can be slowed down and cancelled", "a move task needs a dead letter queue",
		}},
		{name: "moves as fast as it can", over: onRequest("StartMessageMoveTask", func(in object) { delete(in, "MaxNumberOfMessagesPerSecond") }), foundBy: []string{
			"a move task can be slowed down and cancelled",
		}},
	}
}
