package dynamodb

// getInput has the members of GetItem and of a Get in a transaction.
type getInput struct {
	TableName                string
	Key                      item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	ConsistentRead           bool
	ReturnConsumedCapacity   string
}

// getOutput has no Item where there is none.
type getOutput struct {
	Item item `json:",omitempty"`
}

func (s *Server) getItem(in getInput) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, found, err := s.get(in)
	return getOutput{found}, err
}

// get reads one item; the caller holds the lock. The place it returns tells
// items apart, over all tables.
func (s *Server) get(in getInput) (place [2]string, found item, err error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return place, nil, err
	}
	paths, err := compileProjection(in.ProjectionExpression, in.ExpressionAttributeNames)
	if err != nil {
		return place, nil, err
	}
	if err := t.key.checkKey(in.Key); err != nil {
		return place, nil, err
	}
	position := t.key.position(in.Key)
	return [2]string{t.name, position}, project(t.rows.get(position), paths), nil
}

func compileProjection(text *string, names map[string]string) ([]path, error) {
	place, err := newPlaceholders(names, nil)
	if err != nil {
		return nil, err
	}
	paths, err := place.projectionPaths(text)
	if err != nil {
		return nil, err
	}
	return paths, place.finish()
}

type transactGetInput struct {
	TransactItems          []struct{ Get *getInput }
	ReturnConsumedCapacity string
}

func (s *Server) transactGetItems(in transactGetInput) (any, error) {
	if n := len(in.TransactItems); n < 1 || n > maxActions {
		return nil, invalid("Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and %d", maxActions)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := struct{ Responses []getOutput }{}
	seen := map[[2]string]bool{}
	total := 0
	for _, action := range in.TransactItems {
		if action.Get == nil {
			return nil, invalid("TransactItems can only contain a Get")
		}
		place, found, err := s.get(*action.Get)
		if err != nil {
			return nil, err
		}
		if seen[place] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[place] = true
		total += found.size()
		out.Responses = append(out.Responses, getOutput{found})
	}
	if total > maxTransaction {
		return nil, invalid("Aggregate size of the items in the transaction cannot exceed 4 MB")
	}
	return out, nil
}
