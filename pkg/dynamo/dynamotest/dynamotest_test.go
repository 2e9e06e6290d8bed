package dynamotest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
)

// undeletable fails the deletion of tables whose name has that word in it.
type undeletable string

func (u undeletable) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DeleteTable") || !strings.Contains(string(body), string(u)) {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(`{"__type":"com.amazonaws.dynamodb.v20120810#ResourceInUseException"}`)),
	}, nil
}

// TestDelete: a table that stays behind is named, a missing one is not, and
// one that cannot be deleted does not keep the other.
func TestDelete(t *testing.T) {
	t.Parallel()
	names := dynamotest.Names{Directory: "a-directory", Deliveries: "a-deliveries"}
	for _, c := range []struct {
		name string
		keep undeletable
		want string // the table that the error names
		left int
	}{
		{"the first stays", "a-directory", "a-directory", 1},
		{"the second stays", "a-deliveries", "a-deliveries", 1},
		{"none stays", "nothing", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := emulatortest.Start(t, emulator.New(emulator.Options{}))
			admin := dynamodb.NewFromConfig(cfg)
			dynamotest.Create(t, admin, names)
			client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.HTTPClient, o.RetryMaxAttempts = c.keep, 1 })
			err := names.Delete(t.Context(), client)
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), "delete table "+c.want+":") || strings.Count(err.Error(), "delete table ") != 1) {
				t.Errorf("Delete = %v, want an error about %q alone", err, c.want)
			}
			out, err := admin.ListTables(t.Context(), &dynamodb.ListTablesInput{})
			if err != nil || len(out.TableNames) != c.left {
				t.Errorf("ListTables = %v, %v, want %d tables left", out, err, c.left)
			}
			if err := names.Delete(t.Context(), admin); err != nil {
				t.Errorf("Delete of what is left = %v, want nil, also for what is missing", err)
			}
		})
	}
}
