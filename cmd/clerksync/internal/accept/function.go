package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/doctor"
)

// checkTracing shows that Lambda lets both functions be traced. It looks at the role the moment that it is asked.
func (t *trial) checkTracing(ctx context.Context) verdict {
	client := lambda.NewFromConfig(t.deployment.AWS)
	for _, name := range []string{t.deployment.IngestFunction, t.deployment.SyncFunction} {
		now, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		if err != nil {
			return t.cannot(fmt.Errorf("read the configuration of %s: %w", name, err))
		}
		before := types.TracingModePassThrough
		if now.TracingConfig != nil {
			before = now.TracingConfig.Mode
		}
		// To switch it off first would show no more, and would break off traces that somebody waits for.
		if before == types.TracingModeActive {
			return pass("it is on, so Lambda has taken it: the stack's parameter Tracing is Active")
		}
		t.later(name+" must have the tracing mode "+string(before), func(ctx context.Context) error {
			return t.setTracing(ctx, name, before)
		})
		if err := t.setTracing(ctx, name, types.TracingModeActive); err != nil {
			return t.cannot(err)
		}
	}
	return pass("Lambda switched tracing on for both functions")
}

// setTracing changes the function itself and not the stack, as CloudFormation would do it.
func (t *trial) setTracing(ctx context.Context, name string, mode types.TracingMode) error {
	client := lambda.NewFromConfig(t.deployment.AWS)
	started, cancel := unbroken(ctx)
	defer cancel()
	_, err := client.UpdateFunctionConfiguration(started, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, TracingConfig: &types.TracingConfig{Mode: mode},
	})
	if err != nil {
		return fmt.Errorf("set the tracing of %s to %s: %w", name, mode, err)
	}
	// Lambda refuses the next change until this one is done.
	err = lambda.NewFunctionUpdatedV2Waiter(client).Wait(ctx, &lambda.GetFunctionInput{FunctionName: &name}, t.wait)
	if err != nil {
		return fmt.Errorf("wait for the update of %s: %w", name, err)
	}
	return nil
}

// maxStart bounds init and first invocation of ingest, with its TLS connections to SSM and SQS. docs/performance.md
// measured 98 to 118 ms with the CPU of 256 MB from the start on, to which Lambda adds its own part and the network.
// A function that parses all of the system's certificates, or loads what it does not need, takes longer.
const maxStart = time.Second

// warnings finds a function's lines at these levels.
const warnings = `{ $.level = "WARN" || $.level = "ERROR" }`

// checkColdStart looks for a start of ingest in its log, and for what it found wrong there. The change of the tracing
// has made every execution start anew.
func (t *trial) checkColdStart(ctx context.Context) verdict {
	began := time.Now()
	refused := ""
	if err := doctor.Examine(ctx, t.doctor, func(v doctor.Verdict) {
		if v.Status == doctor.Fail {
			refused += v.Check + ": " + v.Detail + ". "
		}
	}); err != nil {
		return fail("%v", err)
	}
	if refused != "" {
		return t.cannot(fmt.Errorf("doctor, once the functions had changed: %s", refused))
	}
	// The log is some seconds behind the function.
	group, err := t.deployment.PhysicalID(ctx, "IngestLogGroup")
	if err != nil {
		return t.cannot(err)
	}
	var slowest platformReport
	err = t.until(ctx, func() (bool, error) {
		lines, err := t.readLog(ctx, group, began, `"platform.report"`)
		for _, line := range lines {
			var r platformReport
			if json.Unmarshal([]byte(line), &r) == nil && r.Record.Metrics.start() > slowest.Record.Metrics.start() {
				slowest = r
			}
		}
		return slowest.Record.Metrics.InitDuration > 0, err
	})
	if err != nil {
		return t.cannot(fmt.Errorf("find a start of ingest in %s: %w", group, err))
	}
	wrong, err := t.readLog(ctx, group, began, warnings)
	if err != nil {
		return t.cannot(err)
	}
	// Neither a retry in ingest nor Lambda's own line shows what was tried in vain before: the warnings do.
	m := slowest.Record.Metrics
	said := fmt.Sprintf("init %.0f ms, first invocation %.0f ms", m.InitDuration, m.Duration)
	switch {
	case len(wrong) > 0:
		return fail("%s, and ingest warned %d times: %s", said, len(wrong), wrong[0])
	case m.start() > maxStart:
		return fail("%s, more than %s: look at the trace of this start", said, maxStart)
	}
	return pass("%s, no warning in the log", said)
}

// platformReport is Lambda's own line on an invocation; only the first of an execution has an init duration.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
type platformReport struct {
	Record struct {
		Metrics reportMetrics `json:"metrics"`
	} `json:"record"`
}

// reportMetrics are in milliseconds.
type reportMetrics struct {
	Duration     float64 `json:"durationMs"`
	InitDuration float64 `json:"initDurationMs"`
}

// start is how long the first invocation took from the start of the execution on, 0 for a later invocation.
func (m reportMetrics) start() time.Duration {
	if m.InitDuration == 0 {
		return 0
	}
	return time.Duration((m.InitDuration + m.Duration) * float64(time.Millisecond))
}
