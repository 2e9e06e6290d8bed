package directory

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Existing is what the tables hold where a write loses. A member is zero where
// the write did not lose to it, or where the engine does not show it.
type Existing struct {
	Revision    Revision     // the row's: the result is ConditionFailed
	LedgerEntry *LedgerEntry // the message's own: the result is AlreadyRecorded
}

// WhyDuplicate says for people how the first copy of a message came out, ""
// where that is not known.
func (e Existing) WhyDuplicate() string {
	if e.LedgerEntry == nil {
		return ""
	}
	return fmt.Sprintf("first received %s UTC: %s",
		e.LedgerEntry.ReceivedAt.UTC().Format(time.DateTime), e.LedgerEntry.Outcome)
}

// WhyStale says for people which field decided that the change loses to the
// row, and what both have there. Where nothing is known of the row it is "". It is
// no part of the order: that compares texts, and this explains the result.
//
// Fields before the one that decides are equal, so they are left out. Where the
// times of two changes do not tell them apart, they are shown as equal.
func WhyStale(row, change Revision) string {
	if row == "" {
		return ""
	}
	r, ok := row.order()
	c, changeOK := change.order()
	if !ok || !changeOK {
		return "the row is newer: its rev, which was set by hand, is greater than that of the change"
	}
	return "the row is newer: " + deciding(r, c)
}

// Describe says for people what made a row of this revision: the kind of change, its
// own time, which the order goes by, and the message. Times are Clerk's, in UTC.
func (r Revision) Describe() string {
	o, ok := r.order()
	if !ok {
		return "set by hand"
	}
	at := "no time"
	if o.time() > 0 {
		at = time.UnixMilli(o.time()).UTC().Format(time.DateTime) + " UTC"
	}
	switch {
	case o.SvixID == Absence:
		return "Clerk had it no more, seen " + at
	case strings.HasPrefix(o.SvixID, ReadPrefix):
		return "read from Clerk's API, changed there " + at
	case o.Terminal:
		return "deleted " + at + " by message " + o.SvixID
	case o.Created:
		return "created " + at + " by message " + o.SvixID
	}
	return "changed " + at + " by message " + o.SvixID
}

// deciding compares the fields of two revisions from the strongest, as
// Revision's text does.
func deciding(row, change Order) string {
	rowCreated, rowID := row.Incarnation.fields()
	created, id := change.Incarnation.fields()
	switch {
	case rowCreated != created:
		return "another membership, created_at " + compareTimes(rowCreated, ">", created)
	case rowID != id:
		return "another membership, created_at " + compareTimes(rowCreated, "=", created) +
			fmt.Sprintf(", id %s > %s", rowID, id)
	case row.Terminal != change.Terminal:
		return "deleted at " + compareTimes(row.time(), "for good, the change is of", change.time())
	case row.Updated != change.Updated:
		return "updated_at " + compareTimes(row.Updated, ">", change.Updated)
	case row.Created != change.Created:
		return "updated_at " + compareTimes(row.Updated, "=", change.Updated) + ", an update > a creation"
	case row.Sent != change.Sent:
		return "sent " + compareTimes(row.Sent, ">", change.Sent)
	case row.SvixID != change.SvixID:
		return "sent " + compareTimes(row.Sent, "=", change.Sent) +
			fmt.Sprintf(", svix id %s > %s", row.SvixID, change.SvixID)
	}
	return "this very message made it, sent " + compareTimes(row.Sent, "=", change.Sent)
}

// time is when the change took place: a deletion has no updated_at, but the
// envelope's time.
func (o Order) time() int64 {
	if o.Updated > 0 {
		return o.Updated
	}
	return o.Sent
}

// compareTimes shows two times, in Unix milliseconds, with a word between them.
// The day stands there once where it is the same, and milliseconds where whole
// seconds would not tell the two apart.
func compareTimes(row int64, word string, change int64) string {
	at := func(millis int64, format string) string {
		if millis == 0 {
			return "no time"
		}
		return time.UnixMilli(millis).UTC().Format(format)
	}
	clock := time.TimeOnly
	if row != change && row/1000 == change/1000 {
		clock += ".000"
	}
	second := clock
	if at(row, time.DateOnly) != at(change, time.DateOnly) {
		second = time.DateOnly + " " + clock
	}
	return at(row, time.DateOnly+" "+clock) + " " + word + " " + at(change, second) + " UTC"
}

// order takes a revision apart. It is not ok for a text that is no revision,
// which an operator may have put there by hand.
func (r Revision) order() (o Order, ok bool) {
	f := strings.SplitN(string(r), "-", 7) // the svix id may hold the separator, an escaped id does not
	if len(f) != 7 {
		return Order{}, false
	}
	updated, updatedErr := strconv.ParseInt(f[3], 10, 64)
	sent, sentErr := strconv.ParseInt(f[5], 10, 64)
	o = Order{
		Incarnation: r.Incarnation(), Terminal: f[2] == "1", Updated: updated, Created: f[4] == "0",
		Sent: sent, SvixID: f[6],
	}
	_, err := strconv.ParseInt(f[0], 10, 64)
	return o, err == nil && len(f[0]) == 15 && updatedErr == nil && sentErr == nil && o.Revision() == r
}

// fields are the created_at of a membership, in Unix milliseconds, and its id as
// it is escaped.
func (i Incarnation) fields() (createdAt int64, id string) {
	created, id, _ := strings.Cut(string(i), "-")
	createdAt, _ = strconv.ParseInt(created, 10, 64) // order has checked it
	return createdAt, id
}
