package dynamodb

import (
	"maps"
	"slices"
)

// Limits of the batch operations.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html and API_BatchWriteItem.html there
const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxAnswer     = 16 << 20 // bytes of items
)

type keysInput struct {
	Keys                     []item
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	ConsistentRead           bool
}

type batchGetInput struct {
	RequestItems           map[string]keysInput
	ReturnConsumedCapacity string
}

func (s *Server) batchGetItem(in batchGetInput) (any, error) {
	count := 0
	for name, request := range in.RequestItems {
		if len(request.Keys) == 0 {
			return nil, invalid("Value at 'requestItems.%s.member.keys' failed to satisfy constraint: Member must have length greater than or equal to 1", name)
		}
		count += len(request.Keys)
	}
	if count == 0 || count > maxBatchGet {
		return nil, invalid("Too many or no items requested for the BatchGetItem call")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	responses, left := map[string][]item{}, map[string]keysInput{}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		request := in.RequestItems[name]
		responses[name] = []item{}
		unread := request
		unread.Keys = nil
		seen := map[[2]string]bool{}
		for _, key := range request.Keys {
			place, found, err := s.get(getInput{
				TableName: name, Key: key,
				ProjectionExpression: request.ProjectionExpression, ExpressionAttributeNames: request.ExpressionAttributeNames,
			})
			if err != nil {
				return nil, err
			}
			if seen[place] {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			seen[place] = true
			if total += found.size(); total > maxAnswer {
				unread.Keys = append(unread.Keys, key)
			} else if found != nil {
				responses[name] = append(responses[name], found)
			}
		}
		if unread.Keys != nil {
			left[name] = unread
		}
	}
	return map[string]any{"Responses": responses, "UnprocessedKeys": left}, nil
}

type batchWriteRequest struct {
	PutRequest    *struct{ Item item }
	DeleteRequest *struct{ Key item }
}

type batchWriteInput struct {
	RequestItems                map[string][]batchWriteRequest
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

func (s *Server) batchWriteItem(in batchWriteInput) (any, error) {
	count := 0
	for _, requests := range in.RequestItems {
		count += len(requests)
	}
	if count == 0 || count > maxBatchWrite {
		return nil, invalid("Too many or no items requested for the BatchWriteItem call")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var writes []*write
	for name, requests := range in.RequestItems {
		for _, request := range requests {
			w, err := s.prepareBatch(name, request)
			if err != nil {
				return nil, err
			}
			writes = append(writes, w)
		}
	}
	if checkDistinct(writes) != nil {
		return nil, invalid("Provided list of item keys contains duplicates")
	}
	for _, w := range writes {
		// Without a condition neither a put nor a deletion can be refused here.
		next, _ := w.next(nil)
		w.table.store(w.position, next)
	}
	return map[string]any{"UnprocessedItems": struct{}{}}, nil
}

func (s *Server) prepareBatch(table string, request batchWriteRequest) (w *write, err error) {
	put := request.PutRequest != nil
	switch {
	case put == (request.DeleteRequest != nil):
		return nil, invalid("Supplied WriteRequest must contain exactly one of PutRequest and DeleteRequest")
	case put:
		w, err = s.preparePut(writeInput{TableName: table, Item: request.PutRequest.Item})
	default:
		w, err = s.prepareDelete(writeInput{TableName: table, Key: request.DeleteRequest.Key})
	}
	if err != nil {
		return nil, err
	}
	return w, w.locate(put)
}
