package syncfn_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
)

// answer is an HTTP client that gives one answer, or fails with err.
type answer struct {
	status int
	body   io.Reader
	err    error
}

func (a answer) Do(*http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(a.body)}, nil
}

// Each kind of refusal and failure is counted, by what DynamoDB documents, and
// the SDK still reads the whole answer.
func TestTableThrottlesAndErrors(t *testing.T) {
	t.Parallel()
	const exception = `{"__type":"com.amazonaws.dynamodb.v20120810#`
	cancelled := func(reasons string) string {
		return exception + `TransactionCanceledException","CancellationReasons":[` + reasons + `]}`
	}
	for name, c := range map[string]struct {
		status            int
		body              string
		err               error
		throttles, errors int
	}{
		"done":            {status: 200, body: `{}`},
		"throttled":       {status: 400, body: exception + `ThrottlingException"}`, throttles: 1},
		"no capacity":     {status: 400, body: exception + `ProvisionedThroughputExceededException"}`, throttles: 1},
		"account's limit": {status: 400, body: `{"__type":"RequestLimitExceeded"}`, throttles: 1},
		"a write throttled": {
			status: 400, body: cancelled(`{"Code":"None"},{"Code":"ThrottlingError"}`), throttles: 1,
		},
		"no capacity for a write": {
			status: 400, body: cancelled(`{"Code":"ProvisionedThroughputExceeded"},{"Code":"None"}`), throttles: 1,
		},
		"a condition failed": {
			status: 400,
			body:   cancelled(`{"Code":"ConditionalCheckFailed","Item":{"name":{"S":"ThrottlingError"}}}`),
		},
		"denied":           {status: 400, body: exception + `AccessDeniedException","message":"ThrottlingException"}`},
		"no JSON":          {status: 400, body: `ThrottlingException`},
		"nothing":          {status: 400},
		"server's error":   {status: 500, body: exception + `InternalServerError"}`, errors: 1},
		"unavailable":      {status: 503, body: `<html>`, errors: 1},
		"no answer at all": {err: errors.New("connection reset"), errors: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			m := syncfn.NewMetrics(&out, "sync", time.Now)
			client := syncfn.CountTableRequests(answer{c.status, strings.NewReader(c.body), c.err}, m)
			resp, err := client.Do(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody))
			if !errors.Is(err, c.err) {
				t.Errorf("Do = %v, want %v", err, c.err)
			}
			if err == nil {
				got, err := io.ReadAll(resp.Body)
				if string(got) != c.body || err != nil || resp.Body.Close() != nil {
					t.Errorf("body = %q, %v, want %q", got, err, c.body)
				}
			}
			m.Flush()
			var got struct{ TableRequests, TableThrottles, TableErrors *int }
			if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
				t.Fatal(err)
			}
			one := 1
			want := got
			want.TableRequests, want.TableThrottles, want.TableErrors = &one, &c.throttles, &c.errors
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
		})
	}
}

// A refusal that breaks off is reported to the SDK as such.
func TestRefusalBreaksOff(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken off")
	body := io.MultiReader(strings.NewReader(`{"__type":`), iotest.ErrReader(broken))
	client := syncfn.CountTableRequests(answer{status: 400, body: body}, nil)
	resp, err := client.Do(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if got, err := io.ReadAll(resp.Body); string(got) != `{"__type":` || !errors.Is(err, broken) {
		t.Errorf("body = %q, %v, want its beginning and that it broke off", got, err)
	}
}
