package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/settings"
)

// someRows bounds what is read of the Directory table for its instances.
const someRows = 10_000

// allowed are the instances that the endpoint keeps, none for all.
func (d *doctor) allowed() []string {
	get := d.getenv
	if d.stack != "" {
		get = func(string) string { return d.parameters["ClerkInstanceId"] }
	}
	ids, _ := settings.ReadInstances(get) // an endpoint that cannot read its own answers nothing but 500
	return ids
}

// instances checks that one table holds one instance's rows.
func (d *doctor) instances(ctx context.Context) verdict {
	seen, rows := map[string]int{}, 0
	complete, err := d.walk(ctx, d.DirectoryTable, someRows, []string{"instance_id"}, func(row record) {
		rows++
		if id := row.text("instance_id"); id != "" {
			seen[id]++
		}
	})
	if err != nil {
		return d.unknown(err, "dynamodb:Scan")
	}
	looked := "all rows"
	if !complete {
		looked = fmt.Sprintf("the first %d rows", rows)
	}
	allowed := d.allowed()
	var parts, strangers []string
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		parts = append(parts, fmt.Sprintf("%s (%d)", id, seen[id]))
		if !slices.Contains(allowed, id) {
			strangers = append(strangers, id)
		}
	}
	switch {
	case len(seen) == 0:
		return pass("no row names an instance (%s read)", looked)
	case len(allowed) > 0 && len(strangers) > 0:
		return fail("delete the rows whose instance_id it is, once their secret is no longer taken", "rows of an instance that the endpoint does not take: %s", strings.Join(strangers, ", "))
	case len(seen) > 1 && len(allowed) == 0:
		return fail("two Clerk instances, perhaps development and production, send to one endpoint: set ClerkInstanceId (CLERK_INSTANCE_ID) to the one that belongs here, and delete the rows of the other",
			"rows of more than one instance: %s; %s read", strings.Join(parts, ", "), looked)
	}
	return pass("rows of %s; %s read", strings.Join(parts, ", "), looked)
}

// rejections looks for messages of Clerk's that are turned away.
func (d *doctor) rejections(ctx context.Context) verdict {
	if d.stack == "" {
		return skip("it needs a stack's metrics")
	}
	now := d.now()
	got, err := d.read(ctx, now.Add(-time.Hour), now, d.ours(d.ingestFn, lambdafn.MetricVerified, "Sum", time.Minute),
		d.rejectedFor("invalid_signature"), d.rejectedFor("not_configured"), d.rejectedFor("unavailable"), d.rejectedFor("invalid_timestamp"))
	if err != nil {
		return d.unknown(err, "cloudwatch:GetMetricData")
	}
	verified, forged, unconfigured, unavailable, late := sum(got[0]), sum(got[1]), sum(got[2]), sum(got[3]), sum(got[4])
	switch {
	case unconfigured > 0:
		return fail("clerksync secret check; the function's log names what it could not read", "%d requests in the last hour found no secret (500 not_configured)", unconfigured)
	case unavailable > 0:
		return warn("see the function's log, and AWS's status page for SQS", "%d requests in the last hour found no queue (503 unavailable); Svix sends them again", unavailable)
	case forged > 0 && verified == 0:
		return fail("the secret is another endpoint's: compare it with the dashboard's, Webhooks, the endpoint, Signing Secret; clerksync doctor signature says why one request was refused",
			"every signature of the last hour was refused, %d of them", forged)
	case forged > 0:
		return warn("somebody tries the URL, or a second endpoint at it signs with a secret that is not in the list", "%d signatures of the last hour were refused, %d were good", forged, verified)
	case late > 0:
		return warn("nothing, if somebody replayed requests; else the function's clock", "%d timestamps of the last hour were out of tolerance", late)
	}
	return pass("none of Clerk's in the last hour")
}

// How long Svix helps: https://docs.svix.com/retries and
// https://docs.svix.com/receiving/using-app-portal/replaying-messages
const (
	svixDisables = 5 * 24 * time.Hour  // an endpoint that has failed all the time
	svixKeeps    = 90 * 24 * time.Hour // payloads, unless the sender chose less
	svixRetries  = 27*time.Hour + 35*time.Minute
)

// silence says when the last event came through, and what mends an outage of
// that age.
func (d *doctor) silence(ctx context.Context) verdict {
	var r statusReport
	if d.stack != "" {
		received, applied, err := d.last(ctx, d.now())
		if err != nil && !d.emulated {
			return d.unknown(err, "cloudwatch:GetMetricData")
		}
		r.LastReceivedAt, r.LastAppliedAt = stamp(received), stamp(applied)
	}
	if r.LastReceivedAt == "" && r.LastAppliedAt == "" {
		if err := d.recorded(ctx, d.now(), &r); err != nil {
			return d.unknown(err, "dynamodb:Scan")
		}
	}
	received, _ := time.Parse(time.RFC3339Nano, r.LastReceivedAt) // zero for none
	applied, _ := time.Parse(time.RFC3339Nano, r.LastAppliedAt)
	return d.judgeSilence(received, applied)
}

func (d *doctor) judgeSilence(received, applied time.Time) verdict {
	if applied.IsZero() && received.IsZero() {
		if d.local {
			return pass("no event yet: clerksync send user.created sends one")
		}
		return warn(fmt.Sprintf("add the endpoint in Clerk's dashboard, Webhooks, with the URL %s, and tick its events", d.webhookURL), "no event came yet, or none in 90 days")
	}
	now := d.now()
	if received.Sub(applied) > patience && now.Sub(received) > patience {
		return fail("nothing is lost: the queue keeps messages for 7 days, and they come through by themselves once sync works. See the checks queue, event-source and dead-letters, and sync's log",
			"events come in (the last at %s) and none is applied since %s", stamp(received), cmpTime(applied))
	}
	quiet := now.Sub(applied)
	if limit := d.maxSilence(); quiet <= limit || limit == 0 {
		return pass("the last event was applied %s ago", span(quiet))
	}
	return fail(recovery(quiet, applied), "the last event was applied %s ago, at %s", span(quiet), stamp(applied))
}

// maxSilence is the longest silence that is well, 0 for any: the flag's, else
// that of the stack's own alarm.
func (d *doctor) maxSilence() time.Duration {
	if !d.c.IsSet("max-silence") {
		if n, err := strconv.Atoi(d.parameters["NoEventsHours"]); err == nil {
			return time.Duration(n) * time.Hour
		}
	}
	return d.c.Duration("max-silence")
}

func cmpTime(t time.Time) string {
	if t.IsZero() {
		return "ever"
	}
	return stamp(t)
}

// recovery is what fits an outage of that age.
func recovery(age time.Duration, since time.Time) string {
	look := "If Clerk's dashboard (Webhooks, the endpoint) shows no message since then, all is well and it was quiet. Else mend what the other checks say. Then: "
	replay := fmt.Sprintf("replay what failed since %s from the endpoint's page (Replay failed messages; Replay missing ones, if it was not there or disabled)", stamp(since))
	switch {
	case age <= svixRetries:
		return look + "nothing, for Svix tries each message again by itself for about 28 hours"
	case age <= svixDisables:
		return look + "Svix has given up what is older than 28 hours: " + replay
	case age <= svixKeeps:
		return look + "Svix disables an endpoint that fails for 5 days: enable it on its page, then " + replay + ". What Svix no longer keeps (90 days, or less if Clerk chose so) needs a backfill from Clerk's API"
	}
	return look + "Svix no longer keeps messages that old: enable the endpoint, then read everything from Clerk's API again (a backfill)"
}
