package deployed_test

import (
	"regexp"
	"testing"

	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// metrics looks for what the alarms watch: by now every condition of theirs
// that lies in the functions has been forced, so that each metric must stand in
// the deployed functions' logs, in the format that CloudWatch makes metrics of.
func (s *stack) metrics(t *testing.T) {
	for function, names := range map[string][]string{
		"IngestFunction": {
			lambdafn.MetricReceived, lambdafn.MetricVerified, lambdafn.MetricQueued, lambdafn.MetricIgnored,
			lambdafn.MetricRejected, lambdafn.MetricSecretUnreadable, lambdafn.MetricColdStart,
		},
		"SyncFunction": {
			lambdafn.MetricApplied, lambdafn.MetricStale, lambdafn.MetricDuplicate, lambdafn.MetricFailed, lambdafn.MetricDead,
			lambdafn.MetricDeletions, lambdafn.MetricLag, lambdafn.MetricBatchSize, lambdafn.MetricTableRequests, lambdafn.MetricColdStart,
		},
	} {
		log := s.logs(t, function, "CloudWatchMetrics")
		for _, name := range names {
			if !regexp.MustCompile(`"` + name + `":\[?[1-9]`).MatchString(log) {
				t.Errorf("%s never wrote a value of %s", function, name)
			}
		}
	}
	t.Log("every metric that an alarm of ours watches was written by the deployed functions")
}
