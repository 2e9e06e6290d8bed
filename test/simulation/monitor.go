package simulation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// judge watches what happens to the tables and says what must never be, after
// every whole transaction.
type judge struct {
	memory   *Memory
	messages map[string]*message // by svix id
	byRev    map[directory.Key]map[string]*message
	effects  map[string]int                // by svix id
	recorded map[string][]consumer.Outcome // ever, expired ones included
	expired  map[string]bool
	dead     map[string]bool
	verdict  error // the first
}

func newJudge(m *Memory, messages []*message) *judge {
	j := &judge{
		memory:   m,
		messages: map[string]*message{},
		byRev:    map[directory.Key]map[string]*message{},
		effects:  map[string]int{},
		recorded: map[string][]consumer.Outcome{},
		expired:  map[string]bool{},
		dead:     map[string]bool{},
	}
	for _, msg := range messages {
		j.messages[msg.svixID] = msg
		if msg.hopeless {
			continue
		}
		if j.byRev[msg.key] == nil {
			j.byRev[msg.key] = map[string]*message{}
		}
		j.byRev[msg.key][msg.rev()] = msg
	}
	return j
}

func (j *judge) fault(format string, args ...any) {
	if j.verdict == nil {
		j.verdict = fmt.Errorf(format, args...)
	}
}

// landed judges a transaction that is visible as a whole.
func (j *judge) landed(f *flight) {
	var cause *message
	if r := f.write.Row; r != nil {
		cause = j.wrote(f, r)
	}
	if d := f.write.LedgerEntry; d != nil {
		j.noted(f, d, cause)
	} else if cause != nil {
		j.fault("%s had its effect without its Deliveries row", cause.svixID)
	}
	if f.write.Row != nil {
		j.pointed(f.write.Row)
	}
	for _, k := range f.write.Drop {
		j.dropped(k)
	}
}

// wrote judges a row and returns the message that it tells of, nil where a
// parent's deletion ended it.
func (j *judge) wrote(f *flight, r directory.Row) *message {
	k, rev := r.Key(), r.Text("rev")
	if f.before != nil && f.before.Text("rev") >= rev {
		j.fault("rev went back at %v: from %s to %s", k, f.before.Text("rev"), rev)
	}
	m := j.byRev[k][rev]
	switch {
	case m == nil && r.Text("deleted_at") == "":
		j.fault("a live row at %v with a rev of no message: %s", k, rev)
	case m == nil && f.before == nil:
		j.fault("a tombstone at %v for what was never there", k)
	case m != nil:
		j.effects[m.svixID]++
	}
	return m
}

// noted judges a Deliveries row by what its transaction did.
func (j *judge) noted(f *flight, d *directory.LedgerEntry, cause *message) {
	m := j.messages[d.SvixID]
	switch {
	case m == nil || m.hopeless:
		j.fault("a Deliveries row for %s, which can never work", d.SvixID)
		return
	case f.known != nil:
		j.fault("%s was recorded twice, as %s and %s", d.SvixID, f.known.Outcome, d.Outcome)
	case d.Entity != m.entity || d.EventType != m.eventType:
		j.fault("%s is recorded as %s of %s, want %s of %s", d.SvixID, d.EventType, d.Entity, m.eventType, m.entity)
	}
	there := j.memory.rows[m.key]
	switch consumer.Outcome(d.Outcome) {
	case consumer.Applied:
		if cause != m {
			j.fault("%s is recorded as applied without its effect", m.svixID)
		}
	case consumer.Stale:
		again := j.expired[m.svixID] && there.Text("rev") == m.rev()
		if cause != nil || there == nil || there.Text("rev") <= m.rev() && !again {
			j.fault("%s is recorded as stale and nothing newer was there", m.svixID)
		}
	default:
		j.fault("%s is recorded as %s", m.svixID, d.Outcome)
	}
	j.recorded[d.SvixID] = append(j.recorded[d.SvixID], consumer.Outcome(d.Outcome))
}

// pointed judges that a pointer is there exactly while its row is live.
func (j *judge) pointed(r directory.Row) {
	k := r.Key()
	switch r.Text("kind") {
	case "membership":
		org, user := strings.TrimPrefix(k.PK, "ORG#"), strings.TrimPrefix(k.SK, "MEMBER#")
		j.pointer(r, directory.Key{PK: "USER#" + user, SK: "MEMBERSHIP#" + org})
	case "domain":
		org := r.Text("org_id")
		for p := range j.memory.rows {
			if p.SK == k.PK && (r.Text("deleted_at") != "" || p.PK != "ORG#"+org) {
				j.fault("a pointer %v is left of %v", p, k)
			}
		}
		if org != "" {
			j.pointer(r, directory.Key{PK: "ORG#" + org, SK: k.PK})
		}
	}
}

func (j *judge) pointer(r directory.Row, at directory.Key) {
	p := j.memory.rows[at]
	switch live := r.Text("deleted_at") == ""; {
	case live && p == nil:
		j.fault("no pointer %v for the live row %v", at, r.Key())
	case live && p.Text("rev") != r.Text("rev"):
		j.fault("the pointer %v is not of the live row %v", at, r.Key())
	case !live && p != nil:
		j.fault("a pointer %v for the ended row %v", at, r.Key())
	}
}

// dropped judges that no pointer went while its row lives on.
func (j *judge) dropped(at directory.Key) {
	k := directory.Key{PK: at.SK, SK: "DOMAIN"}
	if org, ok := strings.CutPrefix(at.SK, "MEMBERSHIP#"); ok {
		k = directory.Key{PK: "ORG#" + org, SK: "MEMBER#" + strings.TrimPrefix(at.PK, "USER#")}
	}
	busy := slices.ContainsFunc(j.memory.flights, func(f *flight) bool { return f.touches(k) })
	if r := j.memory.rows[k]; r != nil && !busy {
		j.pointed(r)
	}
}

// reported judges what the consumer says became of a message.
func (j *judge) reported(r consumer.Report) {
	got := j.recorded[r.SvixID]
	var noted bool
	switch r.Outcome {
	case consumer.Failed:
		return
	case consumer.Dead:
		if !j.dead[r.SvixID] {
			j.fault("%s is reported dead and not among the dead letters", r.SvixID)
		}
		return
	case consumer.Duplicate:
		noted = len(got) > 0
	default:
		noted = slices.Contains(got, r.Outcome)
	}
	if !noted {
		j.fault("%s is reported as %s and recorded as %v", r.SvixID, r.Outcome, got)
	}
}

// acknowledged judges that what leaves the queue is done.
func (j *judge) acknowledged(svixID string) {
	if len(j.recorded[svixID]) == 0 && !j.dead[svixID] {
		j.fault("%s was acknowledged and is neither recorded nor dead", svixID)
	}
}
