package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/status"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/settings"
)

// maxInstanceRows bounds what is read of the Directory table for its instances.
const maxInstanceRows = 10_000

// allowedInstances are the instances whose events the endpoint keeps, none for
// all. With a stack they are its parameter's, else this environment's.
func (o Options) allowedInstances(d *deployment.Deployment) []string {
	getenv := o.Getenv
	if d.Stack != nil {
		getenv = func(string) string { return d.Stack.Parameters["ClerkInstanceId"] }
	}
	ids, _ := settings.ReadInstances(getenv) // an endpoint that cannot read its own answers nothing but 500
	return ids
}

// checkInstances checks that one table holds one instance's rows.
func checkInstances(ctx context.Context, d *deployment.Deployment, o Options) Verdict {
	seen, rows := map[string]int{}, 0
	complete, err := d.Rows().Walk(ctx, d.DirectoryTable, maxInstanceRows, func(row deployment.Record) {
		rows++
		if id := row.Text("instance_id"); id != "" {
			seen[id]++
		}
	}, "instance_id")
	if err != nil {
		return couldNotRead(d, err, "dynamodb:Scan")
	}
	looked := "all rows"
	if !complete {
		looked = fmt.Sprintf("the first %d rows", rows)
	}
	allowed := o.allowedInstances(d)
	var found, strangers []string
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		found = append(found, fmt.Sprintf("%s (%d)", id, seen[id]))
		if !slices.Contains(allowed, id) {
			strangers = append(strangers, id)
		}
	}
	switch {
	case len(seen) == 0:
		return pass("no row names an instance (%s read)", looked)
	// The endpoint ignores events of such an instance, so nothing updates these rows
	// any more: they are from before CLERK_INSTANCE_ID was set.
	case len(allowed) > 0 && len(strangers) > 0:
		return fail("delete the rows whose instance_id it is, once their secret is no longer taken",
			"rows of an instance that the endpoint does not take: %s", strings.Join(strangers, ", "))
	case len(seen) > 1 && len(allowed) == 0:
		return fail("two Clerk instances, perhaps development and production, send to one endpoint: "+
			"set ClerkInstanceId (CLERK_INSTANCE_ID) to the one that belongs here, and delete the rows of the other",
			"rows of more than one instance: %s; %s read", strings.Join(found, ", "), looked)
	}
	return pass("rows of %s; %s read", strings.Join(found, ", "), looked)
}

// checkRejections looks for messages of Clerk's that are turned away. Svix sends
// a message again for about 28 hours, so a fault that is mended the same day loses
// nothing. What any stranger can cause is a warning at most, unless no message was
// good at the same time.
func checkRejections(ctx context.Context, d *deployment.Deployment, o Options) Verdict {
	if d.Stack == nil {
		return skipStackOnly("it needs a stack's metrics")
	}
	now := o.Now()
	points, err := d.ReadMetrics(ctx, now.Add(-time.Hour), now,
		d.IngestSeries(lambdafn.MetricVerified, "Sum", time.Minute), d.RejectedSeries(ingest.ReasonInvalidSignature),
		d.RejectedSeries(ingest.ReasonNotConfigured), d.RejectedSeries(ingest.ReasonUnavailable),
		d.RejectedSeries(ingest.ReasonInvalidTimestamp))
	if err != nil {
		return couldNotRead(d, err, "cloudwatch:GetMetricData")
	}
	verified, forged := points[0].Sum(), points[1].Sum()
	unconfigured, unavailable, late := points[2].Sum(), points[3].Sum(), points[4].Sum()
	switch {
	case unconfigured > 0:
		return fail("clerksync secret check"+d.Names.Flags()+"; the function's log names what it could not read",
			"%d requests in the last hour found no secret (500 not_configured)", unconfigured)
	case unavailable > 0:
		return warn("see the function's log, and AWS's status page for SQS",
			"%d requests in the last hour found no queue (503 unavailable); Svix sends them again", unavailable)
	case forged > 0 && verified == 0:
		return fail("the secret is another endpoint's: compare it with the dashboard's, Webhooks, the endpoint, "+
			"Signing Secret; clerksync doctor signature says why one request was refused",
			"every signature of the last hour was refused, %d of them", forged)
	case forged > 0:
		return warn("someone tries the URL, or a second endpoint at it signs with a secret that is not in the list",
			"%d signatures of the last hour were refused, %d were good", forged, verified)
	case late > 0:
		return warn("nothing, if requests were replayed by hand; else the function's clock",
			"%d timestamps of the last hour were out of tolerance", late)
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

// checkSilence says when the last event came through, and what mends an outage
// of that age.
func checkSilence(ctx context.Context, d *deployment.Deployment, o Options) Verdict {
	now, limit := o.Now(), o.maxSilence(d)
	// Where the metrics know no event, or an emulator has none, the Deliveries table
	// may: it keeps a message for weeks.
	var received, applied time.Time
	if d.Stack != nil {
		var err error
		if received, applied, err = d.LastEvents(ctx, now); err != nil && !d.Emulated() {
			return couldNotRead(d, err, "cloudwatch:GetMetricData")
		}
	}
	if received.IsZero() && applied.IsZero() {
		var r status.Report
		if err := r.ReadDeliveries(ctx, d, now); err != nil {
			return couldNotRead(d, err, "dynamodb:Scan")
		}
		received, _ = time.Parse(time.RFC3339Nano, r.LastReceivedAt) // zero for none
		applied, _ = time.Parse(time.RFC3339Nano, r.LastAppliedAt)
	}
	quiet := now.Sub(applied)
	switch {
	case applied.IsZero() && received.IsZero() && d.Local:
		return pass("no event yet: clerksync send%s user.created sends one", d.Names.Flags())
	case applied.IsZero() && received.IsZero():
		return warn(fmt.Sprintf("add the endpoint in Clerk's dashboard, Webhooks, with the URL %s, and tick its events",
			d.WebhookURL), "no event came yet, or none in 90 days")
	// Both differences: events that came in within the last minutes may be on their
	// way.
	case received.Sub(applied) > patience && now.Sub(received) > patience:
		since := "was ever applied"
		if !applied.IsZero() {
			since = "is applied since " + deployment.FormatTime(applied)
		}
		return fail("nothing is lost: the queue keeps messages for 7 days, and they come through by themselves "+
			"once sync works. See the checks queue, event-source and dead-letters, and sync's log",
			"events come in (the last at %s) and none %s", deployment.FormatTime(received), since)
	case quiet <= limit || limit == 0:
		return pass("the last event was applied %s ago", terminal.FormatDuration(quiet))
	}
	return fail(recovery(quiet, applied), "the last event was applied %s ago, at %s",
		terminal.FormatDuration(quiet), deployment.FormatTime(applied))
}

// maxSilence is that of the options, else that of the stack's own alarm.
func (o Options) maxSilence(d *deployment.Deployment) time.Duration {
	if o.MaxSilence != nil {
		return *o.MaxSilence
	}
	if d.Stack != nil {
		if n, err := strconv.Atoi(d.Stack.Parameters["NoEventsHours"]); err == nil {
			return time.Duration(n) * time.Hour
		}
	}
	return DefaultMaxSilence
}

// recovery is what mends an outage of that age. The steps differ by what Svix
// still does by itself, still offers by hand, or no longer has.
func recovery(age time.Duration, since time.Time) string {
	const look = "If Clerk's dashboard (Webhooks, the endpoint) shows no message since then, all is well and it was " +
		"quiet. Else mend what the other checks say. Then: "
	replay := fmt.Sprintf("replay what failed since %s from the endpoint's page (Replay failed messages; "+
		"Replay missing ones, if it was not there or disabled)", deployment.FormatTime(since))
	switch {
	case age <= svixRetries:
		return look + "nothing, for Svix tries each message again by itself for about 28 hours"
	case age <= svixDisables:
		return look + "Svix has given up what is older than 28 hours: " + replay
	case age <= svixKeeps:
		return look + "Svix disables an endpoint that fails for 5 days: enable it on its page, then " + replay +
			". What Svix no longer keeps (90 days, or less if Clerk chose so) comes by clerksync backfill, " +
			"then clerksync diff --repair"
	}
	return look + "Svix no longer keeps messages that old: enable the endpoint, then read everything from Clerk's " +
		"API again: clerksync backfill, then clerksync diff --repair"
}
