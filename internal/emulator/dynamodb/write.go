package dynamodb

// writeInput has the members of PutItem, UpdateItem, DeleteItem and of the four
// actions of a transaction.
type writeInput struct {
	TableName                           string
	Item                                item
	Key                                 item
	UpdateExpression                    *string
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           item
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string
	ReturnItemCollectionMetrics         string
}

// write is one action that was understood: where, on what condition, and what
// the item becomes.
type write struct {
	table     *table
	key       item // the item whose key it is
	position  string
	condition condition // nil for none
	tellOld   bool      // a failed condition shows the item
	update    update
	next      func(old item) (item, error) // nil where nothing is written
}

// prepare compiles what all actions share. Whatever it refuses is wrong for any
// data. The caller holds the lock.
func (s *Server) prepare(in writeInput, key item) (*write, *placeholders, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, nil, err
	}
	place, err := newPlaceholders(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, nil, err
	}
	w := &write{table: t, key: key}
	switch in.ReturnValuesOnConditionCheckFailure {
	case "", "NONE":
	case "ALL_OLD":
		w.tellOld = true
	default:
		return nil, nil, invalid("Value %q at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]", in.ReturnValuesOnConditionCheckFailure)
	}
	w.condition, _, err = place.condition("ConditionExpression", in.ConditionExpression)
	return w, place, err
}

func (s *Server) preparePut(in writeInput) (*write, error) {
	if in.Key != nil || in.UpdateExpression != nil {
		return nil, invalid("a put takes an Item, not a Key or an UpdateExpression")
	}
	w, place, err := s.prepare(in, in.Item)
	if err != nil {
		return nil, err
	}
	w.next = func(item) (item, error) { return in.Item, nil }
	return w, place.finish()
}

func (s *Server) prepareUpdate(in writeInput) (*write, error) {
	if in.Item != nil {
		return nil, invalid("an update takes a Key, not an Item")
	}
	w, place, err := s.prepare(in, in.Key)
	if err != nil {
		return nil, err
	}
	if w.update, err = place.update(in.UpdateExpression, w.table.key); err != nil {
		return nil, err
	}
	w.next = func(old item) (item, error) {
		if old == nil {
			old = in.Key
		}
		return w.update.apply(old)
	}
	return w, place.finish()
}

func (s *Server) prepareDelete(in writeInput) (*write, error) {
	if in.Item != nil || in.UpdateExpression != nil {
		return nil, invalid("a deletion takes a Key, not an Item or an UpdateExpression")
	}
	w, place, err := s.prepare(in, in.Key)
	if err != nil {
		return nil, err
	}
	w.next = func(item) (item, error) { return nil, nil }
	return w, place.finish()
}

func (s *Server) prepareCheck(in writeInput) (*write, error) {
	if in.ConditionExpression == nil {
		return nil, invalid("a ConditionCheck takes a ConditionExpression")
	}
	w, err := s.prepareDelete(in)
	if err == nil {
		w.next = nil
	}
	return w, err
}

// locate checks the key and finds the item's position; put tells whether the
// key is a whole item.
func (w *write) locate(put bool) error {
	if put {
		// Before anything is looked up, as an item that cannot be stored is
		// refused whatever its condition says.
		if err := w.table.check(w.key); err != nil {
			return err
		}
	} else if err := w.table.key.checkKey(w.key); err != nil {
		return err
	}
	w.position = w.table.key.position(w.key)
	return nil
}

// plan holds the condition against the item and works out the next one, without
// writing it.
func (w *write) plan() (old, next item, err error) {
	old = w.table.rows.get(w.position)
	if w.condition != nil && !w.condition(old) {
		if w.tellOld {
			return old, nil, conditionFailed(old)
		}
		return old, nil, conditionFailed(nil)
	}
	if w.next == nil {
		return old, old, nil
	}
	if next, err = w.next(old); err != nil || next == nil {
		return old, nil, err
	}
	return old, next, w.table.check(next)
}

// writeOutput has Attributes where ReturnValues asked for them.
type writeOutput struct {
	Attributes item `json:",omitempty"`
}

// single runs one prepared action on its own.
func (w *write) single(put bool) (old, next item, err error) {
	if err := w.locate(put); err != nil {
		return nil, nil, err
	}
	if old, next, err = w.plan(); err != nil {
		return nil, nil, err
	}
	w.table.store(w.position, next)
	return old, next, nil
}

func (s *Server) putItem(in writeInput) (any, error) {
	if err := checkReturnValues(in.ReturnValues, "NONE", "ALL_OLD"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.preparePut(in)
	if err != nil {
		return nil, err
	}
	old, _, err := w.single(true)
	return returned(in.ReturnValues, old, nil, nil), err
}

func (s *Server) deleteItem(in writeInput) (any, error) {
	if err := checkReturnValues(in.ReturnValues, "NONE", "ALL_OLD"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.prepareDelete(in)
	if err != nil {
		return nil, err
	}
	old, _, err := w.single(false)
	return returned(in.ReturnValues, old, nil, nil), err
}

func (s *Server) updateItem(in writeInput) (any, error) {
	if err := checkReturnValues(in.ReturnValues, "NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.prepareUpdate(in)
	if err != nil {
		return nil, err
	}
	old, next, err := w.single(false)
	return returned(in.ReturnValues, old, next, w.update.touched()), err
}

func checkReturnValues(wanted string, allowed ...string) error {
	if wanted == "" {
		return nil
	}
	for _, a := range allowed {
		if wanted == a {
			return nil
		}
	}
	return invalid("Return values set to invalid value: %s", wanted)
}

func returned(wanted string, old, next item, touched []path) writeOutput {
	if touched == nil {
		// Nil would mean all of the item.
		touched = []path{}
	}
	switch wanted {
	case "ALL_OLD":
		return writeOutput{old}
	case "ALL_NEW":
		return writeOutput{next}
	case "UPDATED_OLD":
		return writeOutput{project(old, touched)}
	case "UPDATED_NEW":
		return writeOutput{project(next, touched)}
	}
	return writeOutput{}
}
