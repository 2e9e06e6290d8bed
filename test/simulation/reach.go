package simulation

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// What a run must also have met. These are no faults of the machinery but
// unusual input and conditions; they are counted in the same way.
const (
	OddSvixID      Fault = "svix id that is not msg_ and letters"
	Base64Body     Fault = "body sent as base64"
	UnknownVersion Fault = "message of a newer version of ingest"
	MixedSettings  Fault = "consumers of all policies and object storages at once"
	ClocksOff      Fault = "clock that is wrong by hours"
	OversizedRow   Fault = "row that is too large with its object"
	UnknownType    Fault = "message of a type that only a newer version of sync keeps"
	RefusedWrite   Fault = "write that the table refuses, as one of a wrong deployment does"
)

// reachKinds are all of them, permanent errors included.
func reachKinds() []Fault {
	list := []Fault{
		MixedSettings, ClocksOff, OversizedRow, OddSvixID, Base64Body, UnknownVersion, UnknownType, RefusedWrite,
	}
	for _, k := range permanentErrors() {
		list = append(list, k.fault)
	}
	return list
}

// unkeepable is a character that JSON allows and SQS refuses.
const unkeepable = "\uFFFE"

// addOddities makes the body of some events one that SQS does not take as text.
func (b *eventBuilder) addOddities(m *message) {
	if b.clerk.reach != nil && b.clerk.reach.IntN(10) == 0 {
		b.addJSON("odd", quoted(unkeepable))
		m.reach = append(m.reach, Base64Body)
	}
	if b.clerk.reach != nil && b.clerk.reach.IntN(1000) == 0 {
		b.addJSON("much", quoted(strings.Repeat("x", directory.MaxRowBytes)))
		b.oversized = true
		m.reach = append(m.reach, OversizedRow)
	}
}

// policyOf, projectorOf and clockOf are the settings and the clock of an
// invocation: while a deployment goes on, those of both versions are at work.
func (s *scheduler) policyOf(inv *invocation) consumer.DeletionPolicy {
	if !s.plan.Mixed {
		return s.plan.Policy
	}
	s.count(MixedSettings)
	return []consumer.DeletionPolicy{consumer.Soft, consumer.Hard}[inv.id/3%2]
}

func (s *scheduler) projectorOf(inv *invocation) *projector.Projector {
	storage := s.plan.Storage
	if s.plan.Mixed {
		storage = objectStorages()[inv.id%3]
	}
	if s.projectors[storage] == nil {
		s.projectors[storage] = projector.New(storage)
	}
	return s.projectors[storage]
}

func (s *scheduler) clockOf(inv *invocation) func() time.Time {
	switch {
	case s.backup != nil:
		return s.queue.now // in which hours go by
	case !s.plan.ClocksOff:
		return time.Now
	}
	s.count(ClocksOff)
	return func() time.Time { return time.Now().Add(time.Duration(inv.id%7-3) * 5 * time.Hour) }
}

func objectStorages() []projector.ObjectStorage {
	return []projector.ObjectStorage{projector.StoreFull, projector.StorePublic, projector.StoreNone}
}

// makeUnreadable lets some messages be of a newer version, which the sync that
// receives them cannot read until the newer one is deployed: from the receive
// readableFrom on.
func (c *clerk) makeUnreadable(m *message) {
	if c.reach == nil || c.reach.IntN(30) > 0 {
		return
	}
	m.readableFrom = 2 + c.reach.IntN(4)
	if m.unknownType = c.reach.IntN(2) == 0; m.unknownType {
		m.reach = append(m.reach, UnknownType)
	} else {
		m.reach = append(m.reach, UnknownVersion)
	}
}

// makeRefused lets the table refuse the writes of some messages for some
// receives, as the tables of a wrong deployment do.
func (c *clerk) makeRefused(m *message) {
	if c.reach != nil && c.reach.IntN(40) == 0 {
		m.refusals = 1 + c.reach.IntN(5)
		m.reach = append(m.reach, RefusedWrite)
	}
}

// refuses says whether the table refuses the write. It does in the first
// invocations that try to write the message, at each of their attempts.
func (s *scheduler) refuses(c *call) bool {
	if c.write == nil || c.write.LedgerEntry == nil {
		return false
	}
	m := s.monitor.messages[c.write.LedgerEntry.SvixID]
	if m == nil || m.refusals == 0 {
		return false
	}
	if !slices.Contains(s.refusedIn[m], c.by) {
		if len(s.refusedIn[m]) == m.refusals {
			return false
		}
		s.refusedIn[m] = append(s.refusedIn[m], c.by)
	}
	return true
}

// unreadableAt says whether the sync of the time cannot read that receive.
func (m *message) unreadableAt(receive int) bool { return receive < m.readableFrom }

// bodyAt is the body as the sync of the time understands it.
func (m *message) bodyAt(receive int) []byte {
	if m.unknownType && m.unreadableAt(receive) {
		return bytes.Replace(m.body, []byte(envelopeType), []byte(envelopeType+"tomorrow."), 1)
	}
	return m.body
}

// spoilAt makes the record what the sync of the time sees of it.
func (m *message) spoilAt(r *delivery.Record, receive int) {
	if !m.unknownType && m.unreadableAt(receive) {
		withAttribute(delivery.AttrVersion, "2")(r)
	}
	if m.spoil != nil {
		m.spoil(r)
	}
}

// newMessageID makes ids that are in no order, as two of Svix's workers would.
// Any visible characters but `.` and `,` may be in them.
func (c *clerk) newMessageID() string {
	before, between := "msg_", ""
	if c.reach != nil {
		before = oneOf(c.reach, []string{"msg_", "msg_", "~", "!", "msg_-", "MSG", "zz-1-0-"})
		between = oneOf(c.reach, []string{"", "", "a", "-", "~~", "A0", `"\&<`})
	}
	return before + c.idPart + c.randomText() + between + c.messageNumber()
}

// countReach counts what is unusual about a message that is received.
func (s *scheduler) countReach(m *message) {
	for _, f := range m.reach {
		s.count(f)
	}
	if !strings.HasPrefix(m.svixID, "msg_") || strings.ContainsAny(m.svixID, "-~!\"") {
		s.count(OddSvixID)
	}
}
