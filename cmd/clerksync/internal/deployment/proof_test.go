package deployment_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
)

// emptyAnswers is an HTTP client that answers one operation with 200 and `{}`, as
// a proxy or a wrong port may.
type emptyAnswers struct {
	aws.HTTPClient
	operation string
}

// Do passes on the requests for other operations.
func (e *emptyAnswers) Do(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+e.operation) {
		return e.HTTPClient.Do(r) //nolint:wrapcheck // it stands for the client
	}
	return &http.Response{
		StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
	}, nil
}

// An answer that the table did not give is an error: it would say that a row is
// not there, or that it was scrubbed.
func TestAnswersWithoutProof(t *testing.T) {
	t.Parallel()
	type call func(context.Context, *deployment.Deployment) error
	lookUp := func(f func(*deployment.Rows, context.Context, string) ([]deployment.Record, error), name string) call {
		return func(ctx context.Context, d *deployment.Deployment) error {
			_, err := f(d.Rows(), ctx, name)
			return err
		}
	}
	scrub := func(ctx context.Context, d *deployment.Deployment) error {
		s := d.NewScrub(storage("soft", "none"))
		s.OnRow, s.OnPage = func(deployment.ScrubbedRow) {}, func(int, string) {}
		return s.Run(ctx, "")
	}
	walk := func(ctx context.Context, d *deployment.Deployment) error {
		_, err := d.Rows().Walk(ctx, d.DirectoryTable, 0, func(deployment.Record) {})
		return err
	}
	for name, c := range map[string]struct {
		operation string
		call      call
		changes   bool // the row changes between read and write
	}{
		"a row":              {operation: "GetItem", call: lookUp((*deployment.Rows).User, "user_a")},
		"a delivery":         {operation: "GetItem", call: lookUp((*deployment.Rows).Delivery, "msg_a")},
		"an index":           {operation: "Query", call: lookUp((*deployment.Rows).User, "ada")},
		"children":           {operation: "Query", call: lookUp((*deployment.Rows).Memberships, "user_a")},
		"all rows":           {operation: "Scan", call: walk},
		"rows to scrub":      {operation: "Scan", call: scrub},
		"a scrubbed row":     {operation: "UpdateItem", call: scrub},
		"a row that changes": {operation: "GetItem", call: scrub, changes: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploymenttest.New(t)
			d := find(t, s)
			s.PutRow(d.DirectoryTable, liveRow())
			if err := c.call(t.Context(), d); err != nil {
				t.Fatalf("with DynamoDB's own answers: %v", err)
			}
			s.PutRow(d.DirectoryTable, liveRow()) // anew for a scrub
			d.AWS.HTTPClient = &emptyAnswers{HTTPClient: d.AWS.HTTPClient, operation: c.operation}
			if c.changes {
				d.AWS.HTTPClient = &beforeUpdate{
					HTTPClient: d.AWS.HTTPClient,
					do:         func() { s.PutRow(d.DirectoryTable, with(liveRow(), "rev", "2")) },
				}
			}
			err := c.call(t.Context(), d)
			if err == nil || !strings.Contains(err.Error(), "does not show that the table gave it") {
				t.Errorf("%s with 200 and {} = %v, want an error that says what is missing", c.operation, err)
			}
		})
	}
}
