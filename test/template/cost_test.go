package template_test

import (
	"fmt"
	"strings"
	"testing"
)

// List prices in USD a month, as docs/cost.md has them: https://aws.amazon.com/cloudwatch/pricing/
const (
	priceOfAlarmMetric = 0.10 // an alarm is billed by the metrics that it watches
	priceOfMetric      = 0.30
	priceOfDashboard   = 3.00
	priceOfPolling     = 0.26 // an empty queue
)

// docs/cost.md says what the monitoring of the template costs: counted here, not estimated.
func TestMonitoringCostsWhatIsDocumented(t *testing.T) {
	tmpl := load(t)
	alarms, watched := len(tmpl.OfType(alarmType)), len(alarmMetrics(tmpl))
	count := func(e emitted) (always, reasons int) {
		byDimensions, names := e.metrics(t)
		perReason := map[string]bool{}
		for dimensions, metrics := range byDimensions {
			for _, name := range metrics {
				if strings.Contains(dimensions, "Reason") {
					perReason[name] = true
				}
			}
		}
		all := map[string]bool{}
		for _, metrics := range byDimensions {
			for _, name := range metrics {
				all[name] = true
			}
		}
		return len(all), len(perReason) * len(names)
	}
	ingest, reasons := count(emittedByIngest(t))
	sync, _ := count(emittedBySync(t))
	least := float64(ingest+sync) * priceOfMetric
	idle := float64(watched)*priceOfAlarmMetric + priceOfDashboard + priceOfPolling
	page := readFile(t, "docs/cost.md")
	probe, _ := count(emittedByProbe(t))
	watchedToo := len(alarmMetrics(load(t, probing()))) - watched
	perMonth := float64(probe)*priceOfMetric + float64(watchedToo)*priceOfAlarmMetric
	for _, want := range []string{
		fmt.Sprintf("the template's %d alarms watch %d metrics: %.2f USD",
			alarms, watched, float64(watched)*priceOfAlarmMetric),
		fmt.Sprintf("CloudWatch extracts %d from ingest's and %d from sync's, and one more for each reason of "+
			"rejection that occurs (%d at most): %.2f to %.2f USD a month", ingest, sync, reasons, least,
			least+float64(reasons)*priceOfMetric),
		fmt.Sprintf("CloudWatch extracts %d metrics of it, and its %d alarms watch %d: %.2f USD a month",
			probe, watchedToo, watchedToo, perMonth),
		fmt.Sprintf("a stack without events costs %.2f USD a month", idle),
	} {
		if !strings.Contains(page, want) {
			t.Errorf("docs/cost.md does not say %q", want)
		}
	}
}
