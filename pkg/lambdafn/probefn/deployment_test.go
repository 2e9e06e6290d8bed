package probefn_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/probefn"
)

const instanceID = "ins_ours"

// deployment is a probe between an instance of Clerk and a table.
type deployment struct {
	clerk *clerk.Instance
	table *directorytest.Memory
	probe *probefn.Config
	reads int // how often the table was read
	// beforeRead may change the table before it is read for the nth time, from 1.
	beforeRead func(n int)
	readError  error
	out        strings.Builder
}

func newDeployment(o clerk.Options) *deployment {
	if o.ID == "" {
		o.ID = instanceID
	}
	o.Limit = -1
	d := &deployment{clerk: clerk.New(o), table: directorytest.NewMemory()}
	transport := emulator.HandlerClient{Handler: d.clerk}
	d.probe = &probefn.Config{
		Connect: func(context.Context) (probefn.Clerk, error) {
			return clerkapi.New(clerkapi.Options{Key: "sk_test_canary", Rate: 1e6, Transport: transport})
		},
		Table: d, Instances: []string{instanceID},
		Age: 10 * time.Minute, SecondLook: time.Millisecond, Now: time.Now,
	}
	return d
}

func (d *deployment) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	d.reads++
	if d.beforeRead != nil {
		d.beforeRead(d.reads)
	}
	if d.readError != nil {
		return nil, d.readError
	}
	return d.table.Read(ctx, keys...)
}

// create makes one object of a kind at Clerk, number n, of that age.
func (d *deployment) create(t *testing.T, kind string, n int, age time.Duration) {
	t.Helper()
	created := time.Now().Add(-age).UnixMilli()
	err := d.clerk.Put(kind, fmt.Appendf(nil, `{"id":"%s_%d","created_at":%d,"organization":{"id":"organization_%d"},`+
		`"public_user_data":{"user_id":"user_%d"}}`, kind, n, created, n, n))
	if err != nil {
		t.Fatal(err)
	}
}

// put puts a row into the table; deletedAt makes it a tombstone.
func (d *deployment) put(t *testing.T, k directory.Key, instance, deletedAt string) {
	t.Helper()
	row := directory.NewRow(k, "any")
	row[directory.AttrRev] = "1"
	row.SetText(directory.AttrInstanceID, instance)
	row.SetText(directory.AttrDeletedAt, deletedAt)
	if _, err := d.table.Write(t.Context(), directory.Write{Row: row}); err != nil {
		t.Fatal(err)
	}
}

// counts are the metrics of one probe.
type counts struct{ ProbeChecked, ProbeMissing, ProbeFailed, ProbeAgeSeconds int }

// run makes one probe and returns its metrics. ProbeAgeSeconds is rounded down to whole minutes.
func (d *deployment) run(ctx context.Context, t *testing.T) (c counts) {
	t.Helper()
	d.out.Reset()
	h := &probefn.Handler{
		Config: d.probe, Log: lambdafn.NewLogger(&d.out, slog.LevelInfo),
		Metrics: probefn.NewMetrics(&d.out, "probe", time.Now),
	}
	if _, err := h.Invoke(ctx, []byte(`{}`)); err != nil {
		t.Errorf("Invoke = %v, want no error: Lambda would repeat the probe", err)
	}
	for line := range strings.Lines(d.out.String()) {
		if strings.Contains(line, `"_aws"`) {
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				t.Fatal(err)
			}
		}
	}
	if strings.Contains(d.out.String(), "canary") {
		t.Errorf("the log holds the key: %s", d.out.String())
	}
	c.ProbeAgeSeconds -= c.ProbeAgeSeconds % 60
	return c
}

var kinds = []string{directory.KindUser, directory.KindOrganization, directory.KindMembership}

func keyOf(kind string, n int) directory.Key {
	user, org := fmt.Sprintf("user_%d", n), fmt.Sprintf("organization_%d", n)
	switch kind {
	case directory.KindUser:
		return directory.UserKey(user)
	case directory.KindOrganization:
		return directory.OrganizationKey(org)
	}
	return directory.MembershipKey(org, user)
}
