package simulation

import (
	"slices"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Bug is a classic mistake, planted between the consumer and its table or
// queue to see that the simulation finds it. One of its functions is set.
type Bug struct {
	Name string
	// table is the table that the consumer gets.
	table func(*tableClient) directory.Table
	// ofReaders says that it is one of readers of Clerk's API: each history that looks
	// for it has some.
	ofReaders bool
	// reads is the table that such a reader gets.
	reads func(directory.Table) directory.Table
	// queue is the queue that it gets.
	queue func(*queueClient) consumer.Queue
	// redriven changes the records of messages that were redriven.
	redriven func(*delivery.Record)
	// records are the messages that the consumer gets.
	records func([]delivery.Record) []delivery.Record
	// failed are the message ids that the consumer returns.
	failed func(all []delivery.Record, failed []string) []string
	// position is where a deletion goes on that is not done.
	position func(s *scheduler, inv *invocation, m *message, position string) string
	// mistake is one of the operator who follows the runbook.
	mistake mistake
}

// Find runs up to so many histories, from seed 1, until one breaks a promise.
// It returns how many that took, 0 where none did, and how it broke.
func (b Bug) Find(t *testing.T, histories int) (n int, how error) {
	t.Helper()
	_, how = eachHistory(1, 1, histories, func(_ uint64, r randomRun) error {
		n++
		if b.ofReaders {
			r.plan.Readers, r.plan.Mixed = true, false
			r = newRandomRun(r.plan)
		}
		r.bug = &b
		_, err := r.run(t, &Tally{})
		return err
	})
	if how == nil {
		return 0, nil
	}
	return n, how
}

// Bugs are the mistakes that the design exists to avoid.
func Bugs() []Bug {
	return slices.Concat(bugsOfWrites(), bugsOfOrder(), bugsOfFollowUps(), bugsOfMessages(), bugsOfOperators(),
		bugsOfReaders())
}

// bugsOfWrites are mistakes in what is written, and in taking it for written.
func bugsOfWrites() []Bug {
	return []Bug{
		{Name: "check-then-act ledger", table: withWrite(checkThenAct)},
		{Name: "ledger before effect", table: withWrite(ledgerFirst)},
		{Name: "effect before ledger", table: withWrite(effectFirst)},
		{Name: "pointer outside the transaction", table: withWrite(pointerAfterRow)},
		{Name: "a child deleted without its condition", table: withWrite(deleteUnconditionally)},
		{Name: "a domain's deletion by `rev` alone", table: deleteByRev(directory.KindDomain)},
		{Name: "a role's deletion by `rev` alone", table: deleteByRev(directory.KindRole)},
		{Name: "a panic taken for success", table: func(t *tableClient) directory.Table { return panicProofTable{t} }},
		{Name: "an oversized row keeps its object", table: withWrite(keepObject)},
		{Name: "an object that OBJECT_STORAGE forbids", table: withWrite(keepForbiddenObject)},
		{Name: "a refused write dead at once", table: withWrite(giveUpAtOnce)},
	}
}

// bugsOfOrder are mistakes in who wins.
func bugsOfOrder() []Bug {
	return []Bug{
		{Name: "no rev check", table: withOrder(func(_, _ string, _ *monitor) bool { return true })},
		{Name: "updated_at only", table: withOrder(func(old, rev string, _ *monitor) bool {
			return revFields(old)[3] < revFields(rev)[3]
		})},
		{Name: "`>=` for `<`", table: withOrder(func(old, rev string, _ *monitor) bool { return rev >= old })},
		{Name: "tombstone not terminal", table: withOrder(func(old, rev string, _ *monitor) bool {
			return withoutRevField(old, 2) < withoutRevField(rev, 2)
		})},
		{Name: "created and updated not ranked", table: withOrder(func(old, rev string, _ *monitor) bool {
			return withoutRevField(old, 4) < withoutRevField(rev, 4)
		})},
		{Name: "seconds not normalised", table: withOrder(func(old, rev string, m *monitor) bool {
			return unnormalised(old, m) < unnormalised(rev, m)
		})},
		{Name: "missing created_at taken as 0", records: withCreatedAtZero},
		{Name: "svix id compared up to its first dash", table: withOrder(func(old, rev string, _ *monitor) bool {
			return upToDashOfID(old) < upToDashOfID(rev)
		})},
		{Name: "the last by our own clock wins", table: withWrite(newerByClock)},
		{Name: "a row without `rev` never loses", table: withWrite(keepWhatHasNoRev)},
	}
}

// bugsOfFollowUps are mistakes in what is read after a write, and in what follows from it.
func bugsOfFollowUps() []Bug {
	return []Bug{
		{Name: "cascade by index", table: func(t *tableClient) directory.Table { return indexTable{t} }},
		{Name: "duplicate acknowledged before its follow-up", table: withoutFollowUp(
			func(r directory.Result, _ bool) bool { return r == directory.AlreadyRecorded },
		)},
		{Name: "ConditionCheck-only gate", table: withoutFollowUp(
			func(_ directory.Result, parentsChecked bool) bool { return parentsChecked },
		)},
		{Name: "a position before its page is done", position: endOfListing},
		{Name: "the position of another message", position: positionOfAnother},
		{Name: "a child before the position left to the deletion", table: func(t *tableClient) directory.Table {
			return trustingTable{t}
		}},
		{Name: "an empty page taken for the last", table: func(t *tableClient) directory.Table {
			return emptyEndTable{t}
		}},
		{Name: "a row that was not read taken for absent", table: func(t *tableClient) directory.Table {
			return halfReadTable{t}
		}},
		{Name: "two parents read at two moments, one before the write", table: func(t *tableClient) directory.Table {
			return earlyReadTable{t, new([]earlyRead)}
		}},
	}
}

// bugsOfMessages are mistakes in reading messages, and in what becomes of them.
func bugsOfMessages() []Bug {
	return []Bug{
		{Name: "batch fails as one", failed: allOrNothing},
		{Name: "unknown type dead at once", records: changedWhere(
			isUnknownType, withoutAttribute(delivery.AttrSvixID),
		)},
		{Name: "unknown version read as the known one", records: changedWhere(
			isUnknownVersion, withAttribute(delivery.AttrVersion, delivery.Version),
		)},
		{Name: "base64 taken as the body", records: changedWhere(isBase64, withoutAttribute(delivery.AttrEncoding))},
		{Name: "a dead letter acknowledged that was not sent", queue: func(q *queueClient) consumer.Queue {
			return hastyQueue{q}
		}},
		{Name: "a redriven message under an id of its own", redriven: withAttribute(delivery.AttrSvixID, "msg_again")},
	}
}

// bugsOfOperators are mistakes in following the runbook.
func bugsOfOperators() (list []Bug) {
	for _, m := range []mistake{
		redriveDeletesFirst, revKept, deliveriesKept, sameSecond, recentRowsKept, recentPointersKept,
		pointersNotWritten, replayedTooLate, lateMessagesForgotten,
	} {
		list = append(list, Bug{Name: string(m), mistake: m})
	}
	return list
}

// withCreatedAtZero gives a membership's event without created_at one of 0.
func withCreatedAtZero(records []delivery.Record) []delivery.Record {
	out := make([]delivery.Record, len(records))
	for i, r := range records {
		isMembership := strings.HasPrefix(r.Attributes[delivery.AttrEventType].Text, "organizationMembership.")
		if isMembership && !strings.Contains(r.Body, `"created_at"`) {
			r.Body = strings.Replace(r.Body, `"data":{`, `"data":{"created_at":0,`, 1)
		}
		out[i] = r
	}
	return out
}

// allOrNothing returns all messages as failed if one failed.
func allOrNothing(all []delivery.Record, failed []string) []string {
	if len(failed) == 0 {
		return nil
	}
	failed = nil
	for _, r := range all {
		failed = append(failed, r.MessageID)
	}
	return failed
}
