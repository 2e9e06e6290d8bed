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

// undeletable is an HTTP client that fails the deletion of tables whose name
// holds that word.
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

// A table that is left behind is named, a missing one is not, and one that
// cannot be deleted does not keep the other: tables on a real account cost money.
func TestDelete(t *testing.T) {
	t.Parallel()
	names := dynamotest.Names{Directory: "a-directory", Deliveries: "a-deliveries"}
	for name, c := range map[string]struct {
		undeletable undeletable
		want        string // the table that the error names
		left        int
	}{
		"the first stays":  {undeletable: "a-directory", want: "a-directory", left: 1},
		"the second stays": {undeletable: "a-deliveries", want: "a-deliveries", left: 1},
		"both are deleted": {undeletable: "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := emulatortest.Start(t, emulator.New(emulator.Options{}))
			admin := dynamodb.NewFromConfig(cfg)
			dynamotest.Create(t, admin, names)
			client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
				o.HTTPClient, o.RetryMaxAttempts = c.undeletable, 1
			})
			err := names.Delete(t.Context(), client)
			var named []string
			for _, table := range []string{names.Directory, names.Deliveries} {
				if err != nil && strings.Contains(err.Error(), "delete table "+table+":") {
					named = append(named, table)
				}
			}
			if got := strings.Join(named, " "); got != c.want || (err == nil) != (c.want == "") {
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
