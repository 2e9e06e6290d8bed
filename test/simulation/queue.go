package simulation

import (
	"slices"
	"strconv"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
)

func (d *day) arrive() {
	m := d.arrivals[0]
	d.arrivals = d.arrivals[1:]
	p := &parcel{id: "sqs-" + strconv.Itoa(len(d.queue)), message: m, visible: time.Now()}
	d.queue = append(d.queue, p)
	d.note("svix   %s %s arrives as %s", m.eventType, m.svixID, p.id)
}

func (d *day) visible() (list []*parcel) {
	for _, p := range d.queue {
		if !p.deleted && !p.visible.After(time.Now()) {
			list = append(list, p)
		}
	}
	return list
}

// receive hands a batch to an idle worker.
func (d *day) receive() {
	list := d.visible()
	d.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	list = list[:min(len(list), 1+d.random.IntN(10))]
	d.started++
	inv := &invocation{id: d.started, worker: slices.Index(d.workers, nil)}
	for _, p := range list {
		if p.holders > 0 {
			d.tally.count(EarlyRedelivery)
		}
		p.holders++
		p.receives++
		p.visible = time.Now().Add(3 * time.Minute)
		inv.records = append(inv.records, record(p))
		d.note("sqs    %s (%s %s) to batch %d", p.id, p.message.eventType, p.message.svixID, inv.id)
		if p.receives > 60 {
			d.judge.fault("%s was received more than 60 times", p.message.svixID)
		}
	}
	d.workers[inv.worker] = inv
	// Odd by a nanosecond each, so that no deadline falls on a timer.
	timeout := []time.Duration{3200 * time.Millisecond, 6 * time.Second, 30 * time.Second}[d.random.IntN(3)]
	d.start(inv, timeout+time.Duration(d.started), d.random.Float64())
}

func record(p *parcel) delivery.Record {
	m := delivery.Delivery{
		SvixID: p.message.svixID, SvixTimestamp: "1767225600", EventType: p.message.eventType,
		ReceivedAt: time.Now(), Body: p.message.body,
	}.Encode()
	r := delivery.Record{MessageID: p.id, Receives: p.receives, Body: m.Body, Attributes: map[string]delivery.Attribute{}}
	for name, text := range m.Attributes {
		r.Attributes[name] = delivery.Attribute{DataType: "String", Text: text}
	}
	return r
}

// finish is what Lambda's poller does when a batch has ended.
func (d *day) finish(inv *invocation) {
	d.settle(inv)
	d.workers[inv.worker] = nil
	for _, r := range inv.records {
		d.parcel(r.MessageID).holders--
	}
	if inv.killed {
		d.note("batch  %d is dead", inv.id)
		return
	}
	d.note("batch  %d ends, to come again: %v", inv.id, inv.failed)
	done := d.outcome(inv)
	if len(done) > 0 && d.lucky() {
		d.tally.count(PartialBatch)
		done = done[:d.random.IntN(len(done))]
	}
	d.acknowledge(done)
}

func (d *day) parcel(id string) *parcel {
	n, _ := strconv.Atoi(id[len("sqs-"):])
	return d.queue[n]
}

func (d *day) acknowledge(ids []string) {
	for _, id := range ids {
		p := d.parcel(id)
		p.deleted = true
		d.judge.acknowledged(p.message.svixID)
		d.note("sqs    %s deleted", id)
	}
}

func (d *day) delay(id string, by time.Duration) { d.parcel(id).visible = time.Now().Add(by) }
