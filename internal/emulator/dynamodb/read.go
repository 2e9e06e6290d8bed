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
	r, err := s.prepareRead(in.TableName, in.ProjectionExpression, in.ExpressionAttributeNames)
	if err != nil {
		return getOutput{}, err
	}
	_, found, size, err := r.get(in.Key)
	if err != nil {
		return getOutput{}, err
	}
	units := readUnits(size, in.ConsistentRead)
	return getOutput{found, newCapacity(in.ReturnConsumedCapacity, in.TableName, units)}, nil
}

// read is a read of single items of one table that was understood.
type read struct {
	table *table
	paths []path // what is read of an item, nil for all
}

// prepareRead compiles what the keys of a request have in common. The caller holds
// the lock until the last item is read.
func (s *service) prepareRead(table string, projection *string, names map[string]string) (r read, err error) {
	if r.table, err = s.table(table); err != nil {
		return r, err
	}
	p, err := newPlaceholders(names, nil)
	if err != nil {
		return r, err
	}
	if r.paths, err = p.projectionPaths(projection); err != nil {
		return r, err
	}
	return r, p.refuseUnused()
}

// get reads one item and returns its position in its table, also where there is
// none, and the size of the whole item: that is what counts, whatever is read of it.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
func (r read) get(key item) (position string, found item, size int, err error) {
	if err := r.table.key.checkKey(key); err != nil {
		return "", nil, 0, err
	}
	position = r.table.key.position(key)
	if x, ok := r.table.rows.tree.Get(position); ok {
		found, size = project(x.packed.item(), r.paths), x.size
	}
	return position, found, size, nil
}
