package dynamodb

import "slices"

// kind is what an action does.
type kind string

const (
	put    kind = "put"
	update kind = "update"
	remove kind = "delete"
	check  kind = "condition check"
)

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

// checkMembers refuses what an action of this kind does not take.
func (in writeInput) checkMembers(k kind) error {
	switch {
	case k == put && in.Key != nil, k != put && in.Item != nil, k != update && in.UpdateExpression != nil:
		return invalid("a %s takes only one of Item, Key and UpdateExpression, or Key with UpdateExpression", k)
	case k == check && in.ConditionExpression == nil:
		return invalid("a %s takes a ConditionExpression", k)
	}
	return checkEnum(in.ReturnValuesOnConditionCheckFailure, "returnValuesOnConditionCheckFailure", "NONE", "ALL_OLD")
}

func checkEnum(value, member string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return unsatisfied(value, member, "Member must satisfy enum value set: %v", allowed)
}

// write is one action that was understood: where, on what condition, and what
// the item becomes.
type write struct {
	kind      kind
	table     *table
	tableName string // as the request has it: a name or an ARN
	key       item   // of a put all of the item
	position  string
	condition condition // nil for none
	returnOld bool      // a failed condition shows the item
	assign    assignments
}

// prepare compiles an action. Whatever it refuses is wrong for any data, and so
// refuses the whole transaction that the action may be part of. The caller
// holds the lock.
func (s *service) prepare(k kind, in writeInput) (*write, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := in.checkMembers(k); err != nil {
		return nil, err
	}
	names, err := newPlaceholders(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	w := &write{
		kind: k, table: t, tableName: in.TableName, key: in.Key,
		returnOld: in.ReturnValuesOnConditionCheckFailure == "ALL_OLD",
	}
	if k == put {
		w.key = in.Item
	}
	if w.condition, _, err = names.condition("ConditionExpression", in.ConditionExpression); err != nil {
		return nil, err
	}
	if w.assign, err = names.assignments(in.UpdateExpression, t.key); err != nil {
		return nil, err
	}
	return w, names.refuseUnused()
}

// locate checks the key and finds the item's position. An item that cannot be
// stored is refused here, whatever its condition says.
func (w *write) locate() error {
	check := w.table.key.checkKey
	if w.kind == put {
		check = w.table.check
	}
	if err := check(w.key); err != nil {
		return err
	}
	w.position = w.table.key.position(w.key)
	return nil
}

// plan holds the condition against the item and works out the next one; nil
// stands for no item. Nothing is written, so that a transaction can still be
// canceled for the sake of another action.
func (w *write) plan() (old, next item, err error) {
	old = w.table.rows.get(w.position)
	if w.condition != nil && !w.condition(old) {
		if w.returnOld {
			return old, nil, conditionFailed(old)
		}
		return old, nil, conditionFailed(nil)
	}
	switch w.kind {
	case check:
		return old, old, nil
	case remove:
		return old, nil, nil
	case put:
		return old, w.key, nil
	case update:
	}
	before := old
	if before == nil {
		before = w.key
	}
	if next, err = w.assign.apply(before); err != nil {
		return old, nil, err
	}
	return old, next, w.table.check(next)
}

// writeOutput has Attributes where ReturnValues asked for them.
type writeOutput struct {
	Attributes       item      `json:",omitempty"`
	ConsumedCapacity *capacity `json:",omitempty"`
}

// writeItem is the operation that runs one action on its own.
func (s *service) writeItem(k kind, returns ...string) func(writeInput) (writeOutput, error) {
	return func(in writeInput) (writeOutput, error) {
		if err := checkEnum(in.ReturnValues, "returnValues", returns...); err != nil {
			return writeOutput{}, err
		}
		if err := checkCapacity(in.ReturnConsumedCapacity); err != nil {
			return writeOutput{}, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		w, err := s.prepare(k, in)
		if err != nil {
			return writeOutput{}, err
		}
		if err := w.locate(); err != nil {
			return writeOutput{}, err
		}
		old, next, err := w.plan()
		if err != nil {
			return writeOutput{}, err
		}
		w.table.store(w.position, next)
		return writeOutput{
			Attributes:       w.returned(in.ReturnValues, old, next),
			ConsumedCapacity: newCapacity(in.ReturnConsumedCapacity, in.TableName, writeUnits(old, next)),
		}, nil
	}
}

func (w *write) returned(wanted string, old, next item) item {
	touched := []path{} // nil would mean all of the item
	for _, a := range w.assign {
		touched = append(touched, a.path)
	}
	switch wanted {
	case "ALL_OLD":
		return old
	case "ALL_NEW":
		return next
	case "UPDATED_OLD":
		return project(old, touched)
	case "UPDATED_NEW":
		return project(next, touched)
	}
	return nil
}
