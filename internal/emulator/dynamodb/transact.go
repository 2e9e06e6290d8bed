package dynamodb

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Limits of a transaction.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const (
	maxActions     = 100
	maxTransaction = 4 << 20 // bytes of items
	tokenLife      = 10 * time.Minute
)

// spentToken is what a ClientRequestToken was used for.
type spentToken struct {
	content [sha256.Size]byte
	until   time.Time
}

type transactAction struct {
	Put            *writeInput `json:",omitempty"`
	Update         *writeInput `json:",omitempty"`
	Delete         *writeInput `json:",omitempty"`
	ConditionCheck *writeInput `json:",omitempty"`
}

type transactWriteInput struct {
	TransactItems               []transactAction
	ClientRequestToken          string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

type transactWriteOutput struct {
	ConsumedCapacity []capacity `json:",omitempty"`
}

// transactWriteItems is the operation TransactWriteItems. The token is noted only
// after success, as a transaction that failed may be sent again under its token.
func (s *service) transactWriteItems(in transactWriteInput) (out transactWriteOutput, err error) {
	if err := checkCapacity(in.ReturnConsumedCapacity); err != nil {
		return out, err
	}
	if n := len(in.TransactItems); n < 1 || n > maxActions {
		return out, unsatisfied(n, "transactItems", "Member must have length between 1 and %d", maxActions)
	}
	if len(in.ClientRequestToken) > 36 {
		return out, unsatisfied(in.ClientRequestToken, "clientRequestToken",
			"Member must have length less than or equal to 36")
	}
	content, err := digest(in.TransactItems)
	if err != nil {
		return out, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if done, err := s.spent(in.ClientRequestToken, content); done || err != nil {
		out.ConsumedCapacity = s.rereadCapacity(in)
		return out, err
	}
	if out.ConsumedCapacity, err = s.transact(in.TransactItems, in.ReturnConsumedCapacity); err != nil {
		return out, err
	}
	if in.ClientRequestToken != "" {
		s.forgetTokens()
		s.tokens[in.ClientRequestToken] = spentToken{content, s.now().Add(tokenLife)}
	}
	return out, nil
}

// forgetTokens drops, once a minute, the tokens that no longer count: the SDK
// sends a new one with every call.
func (s *service) forgetTokens() {
	now := s.now()
	if now.Before(s.swept.Add(time.Minute)) {
		return
	}
	s.swept = now
	for token, spent := range s.tokens {
		if !now.Before(spent.until) {
			delete(s.tokens, token)
		}
	}
}

// digest is the same for the same actions, however their JSON was written.
func digest(actions []transactAction) ([sha256.Size]byte, error) {
	text, err := json.Marshal(actions)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("digest the transaction: %w", err)
	}
	return sha256.Sum256(text), nil
}

// spent says whether this very request already had its effect.
func (s *service) spent(token string, content [sha256.Size]byte) (bool, error) {
	earlier, ok := s.tokens[token]
	if !ok || !s.now().Before(earlier.until) {
		return false, nil
	}
	if earlier.content != content {
		return false, refuse("IdempotentParameterMismatchException",
			"Request parameters do not match the ones used with this ClientRequestToken before")
	}
	return true, nil
}

// transact checks all actions, then writes all or none. No two of them are on
// one item, so each can be planned on the state before the transaction, and
// once all are planned none can fail any more.
func (s *service) transact(actions []transactAction, wanted string) ([]capacity, error) {
	writes := make([]*write, len(actions))
	for i, a := range actions {
		var err error
		if writes[i], err = s.prepareAction(a); err != nil {
			return nil, err
		}
	}
	if err := forEach(writes, func(_ int, w *write) error { return w.locate() }); err != nil {
		return nil, err
	}
	if !distinct(writes) {
		return nil, invalid("Transaction request cannot include multiple operations on one item")
	}
	next := make([]item, len(writes))
	total := 0
	consumed := capacities{wanted: wanted}
	if err := forEach(writes, func(i int, w *write) (err error) {
		var old item
		old, next[i], err = w.plan()
		total += next[i].size()
		consumed.add(w.tableName, transactional*writeUnits(old, next[i]))
		return err
	}); err != nil {
		return nil, err
	}
	if total > maxTransaction {
		return nil, invalid("Aggregate size of the items in the transaction cannot exceed 4 MB")
	}
	for i, w := range writes {
		w.table.store(w.position, next[i]) // of a check the item that is there
	}
	return consumed.list, nil
}

// rereadCapacity is what a transaction consumes that had its effect before, under
// the same token: the units that reading its items takes.
func (s *service) rereadCapacity(in transactWriteInput) []capacity {
	consumed := capacities{wanted: in.ReturnConsumedCapacity}
	for _, a := range in.TransactItems {
		if w, err := s.prepareAction(a); err == nil && w.locate() == nil {
			size := w.table.rows.get(w.position).size()
			consumed.add(w.tableName, transactional*readUnits(size, true))
		}
	}
	return consumed.list
}

// forEach runs a step on every write, also after one was refused: the error is
// the cancellation, which has the reason of each.
func forEach(writes []*write, step func(int, *write) error) error {
	reasons := make([]reason, len(writes))
	failed := false
	for i, w := range writes {
		err := step(i, w)
		reasons[i] = reasonOf(err)
		failed = failed || err != nil
	}
	if failed {
		return canceled(reasons)
	}
	return nil
}

// prepareAction prepares the one member that is there.
func (s *service) prepareAction(a transactAction) (*write, error) {
	members := map[kind]*writeInput{put: a.Put, update: a.Update, remove: a.Delete, check: a.ConditionCheck}
	maps.DeleteFunc(members, func(_ kind, in *writeInput) bool { return in == nil })
	if len(members) != 1 {
		return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	k := slices.Collect(maps.Keys(members))[0]
	if k == update && a.Update.UpdateExpression == nil || members[k].ReturnValues != "" {
		return nil, invalid("an Update in a transaction takes an UpdateExpression, " +
			"and no action of one takes ReturnValues")
	}
	return s.prepare(k, *members[k])
}

// distinct says whether no two writes are on one item.
func distinct(writes []*write) bool {
	type position struct {
		table *table
		key   string
	}
	seen := map[position]bool{}
	for _, w := range writes {
		seen[position{w.table, w.position}] = true
	}
	return len(seen) == len(writes)
}
