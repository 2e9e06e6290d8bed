package simulation

import (
	"maps"
	"slices"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// lucky says whether a fault strikes now, and takes it from the budget.
func (d *day) lucky() bool {
	if d.budget == 0 || d.random.IntN(1000) >= 2*d.plan.Faults {
		return false
	}
	d.budget--
	return true
}

// grant lets calls of one name go on, all in the same way.
func (d *day) grant(group []*call) {
	for _, c := range group {
		d.remove(c)
	}
	if d.abandoned(group[0]) { // its invocation is over; it may have been on its way
		if d.random.IntN(2) == 0 {
			d.ghosts = append(d.ghosts, group...)
		}
		return
	}
	way := faultKinds
	var share uint64
	if d.lucky() {
		way = []Fault{ErrorWithoutEffect, EffectWithError, Timeout, Throttle, TransactionConflict, PartialBatch}[d.random.IntN(6)]
		share = d.random.Uint64()
	}
	for _, c := range group {
		d.goOn(c, way, share)
	}
}

func (d *day) goOn(c *call, way Fault, share uint64) {
	switch {
	case way == TransactionConflict && c.write == nil, way == PartialBatch && c.part == nil:
		way = ErrorWithoutEffect
	}
	if way < faultKinds {
		d.tally.count(way)
		d.note("call   %s: %s", c.name, way)
	} else {
		d.note("call   %s", c.name)
	}
	switch way {
	case ErrorWithoutEffect:
		d.answer(c, errBroken)
	case Throttle:
		d.answer(c, errThrottled)
	case TransactionConflict:
		d.answer(c, errConflict)
	case EffectWithError:
		d.effect(c, errBroken)
	case PartialBatch:
		c.part(func(i int) bool { return share>>(i%64)&1 == 1 })
		d.answer(c, errBroken)
	case Timeout:
		h := &hanging{call: c}
		switch share % 3 {
		case 0:
			h.later = true
		case 1:
			d.effect(c, errTimeout)
			return
		}
		d.hung = append(d.hung, h)
	default:
		d.effect(c, nil)
	}
}

// effect does what the call asks and answers it, with err unless that is nil.
// A write may be on its way for a while.
func (d *day) effect(c *call, err error) {
	switch {
	case c.write != nil:
		f, result, refused := d.memory.begin(*c.write, c.rules)
		if refused == errConflict { //nolint:errorlint // made by begin, and never wrapped
			d.tally.count(TransactionConflict)
			d.note("       conflicts")
		}
		if f == nil {
			c.result = result
			if err == nil {
				err = refused
			}
			d.note("       result %d %v", result, err)
			d.answer(c, err)
			return
		}
		d.fly(f, c, err)
		return
	case c.part != nil:
		c.part(func(int) bool { return true })
	default:
		d.seen(c)
		c.run()
	}
	d.answer(c, err)
}

// fly makes a write's items visible, all at once or each in a step of its own.
func (d *day) fly(f *flight, c *call, err error) {
	c.result = directory.Written
	f.done = func() { d.answer(c, err) }
	d.random.Shuffle(len(f.items), func(i, j int) { f.items[i], f.items[j] = f.items[j], f.items[i] })
	if d.plan.Faults == 0 || d.random.IntN(3) == 0 {
		for len(f.items) > 0 {
			d.show(f)
		}
	}
}

// show makes one item visible; with the last the write is acknowledged.
func (d *day) show(f *flight) {
	f.items[0].show()
	f.items = f.items[1:]
	if len(f.items) > 0 {
		f.partly = true
		d.note("       an item of a transaction becomes visible")
		return
	}
	d.memory.land(f)
	d.judge.landed(f)
	d.note("       written")
	f.done()
}

// seen counts what a read meets.
func (d *day) seen(c *call) {
	for _, k := range c.keys {
		below := func(o directory.Key) bool { return o == k || k.SK == "" && o.PK == k.PK }
		if k.SK == "" && slices.ContainsFunc(d.memory.behind, below) {
			d.tally.count(LaggingIndex)
		}
		for _, f := range d.memory.flights {
			if f.partly && slices.ContainsFunc(f.keys, below) {
				d.tally.count(VisibleItemByItem)
			}
		}
	}
}

func (d *day) answer(c *call, err error) {
	c.err = err
	if !c.answered {
		c.answered = true
		close(c.reply)
	}
}

// giveUp ends the wait for an answer that never comes.
func (d *day) giveUp(h *hanging) {
	d.hung = slices.DeleteFunc(d.hung, func(o *hanging) bool { return o == h })
	d.note("       no answer to %s", h.call.name)
	d.answer(h.call, errTimeout)
	if h.later {
		d.ghosts = append(d.ghosts, h.call)
	}
}

// haunt has the effect of a call that nobody waits for any more.
func (d *day) haunt(c *call) {
	d.ghosts = slices.DeleteFunc(d.ghosts, func(o *call) bool { return o == c })
	d.note("late   %s", c.name)
	ghost := *c
	ghost.answered = true
	d.effect(&ghost, nil)
}

// strike does what goes wrong between calls.
func (d *day) strike() {
	if !d.lucky() {
		return
	}
	switch d.random.IntN(4) {
	case 0, 1:
		var alive []*invocation
		for _, inv := range d.workers {
			if inv != nil && !inv.killed {
				alive = append(alive, inv)
			}
		}
		if len(alive) > 0 {
			inv := alive[d.random.IntN(len(alive))]
			d.tally.count(Death)
			d.note("death  of batch %d", inv.id)
			d.kill(inv)
		}
	case 2:
		d.expire()
	case 3:
		var held []*parcel
		for _, p := range d.queue {
			if p.holders > 0 && !p.deleted {
				held = append(held, p)
			}
		}
		if len(held) > 0 {
			held[d.random.IntN(len(held))].visible = time.Now()
		}
	}
}

// expire drops a Deliveries row before its message comes once more.
func (d *day) expire() {
	ids := slices.Sorted(maps.Keys(d.memory.deliveries))
	if len(ids) == 0 {
		return
	}
	id := ids[d.random.IntN(len(ids))]
	key := directory.Key{PK: id}
	if slices.ContainsFunc(d.memory.flights, func(f *flight) bool { return f.touches(key) }) {
		return
	}
	d.tally.count(ExpiredLedgerRow)
	d.note("ttl    the record of %s expires", id)
	delete(d.memory.deliveries, id)
	d.judge.expired[id] = true
	d.late = append(d.late, d.judge.messages[id])
	if d.random.IntN(2) == 0 {
		d.arrivals = append(d.arrivals, d.judge.messages[id])
	}
}
