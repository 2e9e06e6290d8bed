package dynamodb

import (
	"maps"
	"slices"
)

// Limits of the batch operations.
// Sources: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
// and API_BatchWriteItem.html there.
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

type batchGetOutput struct {
	Responses        map[string][]item
	UnprocessedKeys  map[string]keysInput
	ConsumedCapacity []capacity `json:",omitempty"`
}

// batchGetItem reads items up to the size of an answer; the other keys come back
// unprocessed.
func (s *service) batchGetItem(in batchGetInput) (out batchGetOutput, err error) {
	count := 0
	for name, request := range in.RequestItems {
		if len(request.Keys) == 0 {
			return out, unsatisfied("[]", "requestItems."+name+".member.keys",
				"Member must have length greater than or equal to 1")
		}
		count += len(request.Keys)
	}
	if count == 0 || count > maxBatchGet {
		return out, invalid("Too many or no items requested for the BatchGetItem call")
	}
	if err := checkCapacity(in.ReturnConsumedCapacity); err != nil {
		return out, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	consumed := capacities{wanted: in.ReturnConsumedCapacity}
	out.Responses, out.UnprocessedKeys = map[string][]item{}, map[string]keysInput{}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		request := in.RequestItems[name]
		out.Responses[name] = []item{}
		unread := request
		unread.Keys = nil
		seen := map[string]bool{}
		r, err := s.prepareRead(name, request.ProjectionExpression, request.ExpressionAttributeNames)
		if err != nil {
			return out, err
		}
		for _, key := range request.Keys {
			position, found, size, err := r.get(key)
			if err != nil {
				return out, err
			}
			if seen[position] {
				return out, invalid("Provided list of item keys contains duplicates")
			}
			seen[position] = true
			if total += size; total > maxAnswer {
				unread.Keys = append(unread.Keys, key)
				continue
			}
			consumed.add(name, readUnits(size, request.ConsistentRead))
			if found != nil {
				out.Responses[name] = append(out.Responses[name], found)
			}
		}
		if unread.Keys != nil {
			out.UnprocessedKeys[name] = unread
		}
	}
	out.ConsumedCapacity = consumed.list
	return out, nil
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

type batchWriteOutput struct {
	UnprocessedItems struct{}
	ConsumedCapacity []capacity `json:",omitempty"`
}

// batchWriteItem checks all writes and then stores each on its own: a batch is no
// transaction, but none of its writes can fail here once all are located.
func (s *service) batchWriteItem(in batchWriteInput) (out batchWriteOutput, err error) {
	if err := checkCapacity(in.ReturnConsumedCapacity); err != nil {
		return out, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var writes []*write
	consumed := capacities{wanted: in.ReturnConsumedCapacity}
	for name, requests := range in.RequestItems {
		for _, request := range requests {
			w, err := s.prepareBatch(name, request)
			if err != nil {
				return out, err
			}
			writes = append(writes, w)
			consumed.add(name, writeUnits(w.table.rows.get(w.position), w.key))
		}
	}
	if n := len(writes); n == 0 || n > maxBatchWrite {
		return out, invalid("Too many or no items requested for the BatchWriteItem call")
	}
	if !distinct(writes) {
		return out, invalid("Provided list of item keys contains duplicates")
	}
	for _, w := range writes {
		// Without a condition neither a put nor a deletion can be refused here.
		_, next, _ := w.plan()
		w.table.store(w.position, next)
	}
	out.ConsumedCapacity = consumed.list
	return out, nil
}

func (s *service) prepareBatch(table string, request batchWriteRequest) (w *write, err error) {
	switch puts, deletes := request.PutRequest != nil, request.DeleteRequest != nil; {
	case puts == deletes:
		return nil, invalid("Supplied WriteRequest must contain exactly one of PutRequest and DeleteRequest")
	case puts:
		w, err = s.prepare(put, writeInput{TableName: table, Item: request.PutRequest.Item})
	default:
		w, err = s.prepare(remove, writeInput{TableName: table, Key: request.DeleteRequest.Key})
	}
	if err != nil {
		return nil, err
	}
	return w, w.locate()
}
