package dynamodb

// getInput has the members of GetItem.
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
	Item             item      `json:",omitzero"`
	ConsumedCapacity *capacity `json:",omitempty"`
}

func (s *service) getItem(in getInput) (getOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := checkCapacity(in.ReturnConsumedCapacity); err != nil {
		return getOutput{}, err
	}
	_, found, err := s.get(in)
	units := readUnits(found.size(), in.ConsistentRead)
	return getOutput{found, newCapacity(in.ReturnConsumedCapacity, in.TableName, units)}, err
}

// get reads one item and returns its position in its table, also where there is
// none. The caller holds the lock.
func (s *service) get(in getInput) (position string, found item, err error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return "", nil, err
	}
	names, err := newPlaceholders(in.ExpressionAttributeNames, nil)
	if err != nil {
		return "", nil, err
	}
	paths, err := names.projectionPaths(in.ProjectionExpression)
	if err != nil {
		return "", nil, err
	}
	if err := names.refuseUnused(); err != nil {
		return "", nil, err
	}
	if err := t.key.checkKey(in.Key); err != nil {
		return "", nil, err
	}
	position = t.key.position(in.Key)
	return position, project(t.rows.get(position), paths), nil
}
