package dynamodb

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
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

func (s *Server) transactWriteItems(in transactWriteInput) (any, error) {
	if n := len(in.TransactItems); n < 1 || n > maxActions {
		return nil, invalid("Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and %d", maxActions)
	}
	if len(in.ClientRequestToken) > 36 {
		return nil, invalid("Value at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36")
	}
	content, err := digest(in.TransactItems)
	if err != nil {
		return nil, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if done, err := s.spent(in.ClientRequestToken, content); done || err != nil {
		return struct{}{}, err
	}
	if err := s.transact(in.TransactItems); err != nil {
		return nil, err
	}
	if in.ClientRequestToken != "" {
		s.forgetTokens()
		s.tokens[in.ClientRequestToken] = spentToken{content, s.now().Add(tokenLife)}
	}
	return struct{}{}, nil
}

// forgetTokens drops, once a minute, the tokens that no longer count: the SDK
// sends a new one with every call.
func (s *Server) forgetTokens() {
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

// spent tells whether this very request already had its effect.
func (s *Server) spent(token string, content [sha256.Size]byte) (bool, error) {
	earlier, ok := s.tokens[token]
	if !ok || !s.now().Before(earlier.until) {
		return false, nil
	}
	if earlier.content != content {
		return false, &apiError{code: "IdempotentParameterMismatchException", message: "Request parameters do not match the ones used with this ClientRequestToken before"}
	}
	return true, nil
}

// transact checks all actions, then writes all or none. No two of them are on
// one item, so each can be planned on the state before the transaction.
func (s *Server) transact(actions []transactAction) error {
	writes := make([]*write, len(actions))
	reasons := make([]reason, len(actions))
	failed := false
	for i, a := range actions {
		w, put, err := s.prepareAction(a)
		if err != nil {
			return err
		}
		writes[i] = w
		reasons[i] = reasonOf(w.locate(put))
		failed = failed || reasons[i].Code != "None"
	}
	if failed {
		return canceled(reasons)
	}
	if err := checkDistinct(writes); err != nil {
		return err
	}

	next := make([]item, len(writes))
	total := 0
	for i, w := range writes {
		var err error
		_, next[i], err = w.plan()
		reasons[i] = reasonOf(err)
		failed = failed || err != nil
		total += next[i].size()
	}
	if failed {
		return canceled(reasons)
	}
	if total > maxTransaction {
		return invalid("Aggregate size of the items in the transaction cannot exceed 4 MB")
	}
	for i, w := range writes {
		if w.next != nil {
			w.table.store(w.position, next[i])
		}
	}
	return nil
}

// prepareAction prepares the one member that is there; put tells whether it is
// a Put.
func (s *Server) prepareAction(a transactAction) (w *write, put bool, err error) {
	var only *writeInput
	prepare := s.preparePut
	for _, member := range []struct {
		in      *writeInput
		prepare func(writeInput) (*write, error)
	}{
		{a.Put, s.preparePut},
		{a.Update, s.prepareUpdate},
		{a.Delete, s.prepareDelete},
		{a.ConditionCheck, s.prepareCheck},
	} {
		if member.in == nil {
			continue
		}
		if only != nil {
			return nil, false, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		only, prepare = member.in, member.prepare
	}
	if only == nil {
		return nil, false, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	if a.Update != nil && a.Update.UpdateExpression == nil {
		return nil, false, invalid("an Update in a transaction takes an UpdateExpression")
	}
	if only.ReturnValues != "" {
		return nil, false, invalid("an action of a transaction does not take the member %q", "ReturnValues")
	}
	w, err = prepare(*only)
	return w, a.Put != nil, err
}

func checkDistinct(writes []*write) error {
	type place struct {
		table    *table
		position string
	}
	seen := map[place]bool{}
	for _, w := range writes {
		here := place{w.table, w.position}
		if seen[here] {
			return invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[here] = true
	}
	return nil
}
