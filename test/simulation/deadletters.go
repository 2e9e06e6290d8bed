package simulation

import "time"

// redriveAfter is how long a dead letter lies until an operator redrives it.
const redriveAfter = 26 * time.Hour

// redrive does what SQS and an operator do about messages that were received
// too often: a redriven message begins anew. The limit of the plan is lower
// than SQS's own, which the promise is about.
func (s *scheduler) redrive() {
	if s.plan.MaxReceives == mostReceives {
		return
	}
	for _, c := range s.queue.visible() {
		if c.receives >= s.plan.MaxReceives && c.holders == 0 {
			c.receives, c.visible = 0, s.queue.now().Add(redriveAfter)
			c.deleted = s.mistake(redriveDeletesFirst)
			s.count(RedrivenBySQS)
			s.logf("sqs    %s is a dead letter, to be redriven in %v", c.id, redriveAfter)
		}
	}
}

// redriveDead lets an operator redrive a dead letter that sync has sent, when all
// else is done. One whose write the table refused works then; one with a permanent
// error can work as little as before.
func (s *scheduler) redriveDead(m *message) {
	if !m.invalid {
		s.count(RedrivenRefused)
		s.late = append(s.late, m)
		return
	}
	if s.random == nil || s.random.IntN(4) > 0 {
		return
	}
	s.count(RedrivenBySync)
	s.late = append(s.late, m)
}

// deadLettered checks that only permanent errors become dead letters, and what
// the table refuses at a third receive, with their reason.
func (m *monitor) deadLettered(msg *message, receives int, reason string) {
	refused := msg.refusals > 0 && receives >= 3
	if !msg.invalid && !refused || reason == "" {
		m.breaks("%s is among the dead letters for %q", msg.svixID, reason)
	}
	m.dead[msg.svixID] = true
}

// redriven notes that a message comes again that may be among the dead letters.
func (m *monitor) redriven(msg *message) {
	if !msg.invalid {
		delete(m.dead, msg.svixID)
	}
}
