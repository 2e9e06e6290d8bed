package reading_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/reader"
	"github.com/clerksync/clerksync/pkg/reader/readertest"
)

// unitMeter sums the units that the answers say they consumed, as DynamoDB bills them.
type unitMeter struct{ units float64 }

func (m *unitMeter) Do(r *http.Request) (*http.Response, error) {
	out, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(out.Body)
	out.Body = io.NopCloser(bytes.NewReader(body))
	for _, units := range regexp.MustCompile(`"CapacityUnits":([0-9.]+)`).FindAllSubmatch(body, -1) {
		n, _ := strconv.ParseFloat(string(units[1]), 64)
		m.units += n
	}
	return out, err
}

// sampleAs is a sample with other ids and another address: the last digits of Jonah's are i.
func sampleAs(t *testing.T, name string, i int) string {
	t.Helper()
	body, err := events.Body(name)
	if err != nil {
		t.Fatal(err)
	}
	suffix := fmt.Sprintf("%03d", i)
	return strings.NewReplacer("user_2exampleJonahAdeyemi0000000", "user_2exampleJonahAdeyemi0000"+suffix,
		"orgmem_2example", "orgmem_2ex"+suffix, "jonah@", "jonah"+suffix+"@").Replace(string(body))
}

// TestReadUnits holds the table of docs/reading.md to what each call consumes: on the samples, of which a user is in as
// many organizations, and an organization has as many members, as its line says.
func TestReadUnits(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/reading.md")
	if err != nil {
		t.Fatal(err)
	}
	client, names := dynamotest.Open(t)
	sync := readertest.NewSync(client, names, consumer.Soft)
	bodies := []string{sampleAs(t, "organization.created", 0), sampleAs(t, "role.created", 0)}
	for i := range 100 {
		bodies = append(bodies, sampleAs(t, "user.created", i), sampleAs(t, "organizationMembership.created", i))
	}
	role := sampleAs(t, "organizationMembership.updated", 0)
	for i := range 9 { // of the first user: with the one above, ten organizations
		bodies = append(bodies, strings.ReplaceAll(role, asked().Org, fmt.Sprint("org_2exampleOther", i)))
	}
	if err := sync.Apply(t.Context(), append(bodies, role)...); err != nil {
		t.Fatal(err)
	}
	meter := &unitMeter{}
	r := reader.New(dynamodb.New(client.Options(), func(o *dynamodb.Options) { o.HTTPClient = meter }), names.Directory)
	for _, c := range unitCalls(t.Context(), r) {
		meter.units = 0
		if err := c.call(); err != nil {
			t.Errorf("%s = %v", c.name, err)
		}
		line := fmt.Sprintf("`%s` | %v |", c.name, meter.units)
		if !bytes.Contains(page, []byte(line)) {
			t.Errorf("docs/reading.md has no line with %q", line)
		}
	}
}

type unitCall struct {
	name string // as the table has it
	call func() error
}

func unitCalls(ctx context.Context, r *reader.Reader) []unitCall {
	q := asked()
	return []unitCall{
		{name: "User", call: func() error { _, err := r.User(ctx, q.User); return err }},
		{name: "UserByEmail", call: func() error {
			_, err := r.UserByEmail(ctx, "jonah000@lumenoak.example")
			return err
		}},
		{name: "Organization", call: func() error { _, err := r.Organization(ctx, q.Org); return err }},
		{name: "OrganizationBySlug", call: func() error { _, err := r.OrganizationBySlug(ctx, q.Slug); return err }},
		{name: "Membership", call: func() error { _, err := r.Membership(ctx, q.User, q.Org); return err }},
		{name: "Members", call: func() (last error) {
			for _, err := range r.Members(ctx, q.Org) {
				last = err
			}
			return last
		}},
		{name: "Members, PageSize(20)", call: func() (last error) {
			n := 0
			for _, err := range r.Members(ctx, q.Org, reader.PageSize(20)) {
				if n++; err != nil || n == 20 {
					return err
				}
			}
			return nil
		}},
		{name: "Memberships", call: func() (last error) {
			for _, err := range r.Memberships(ctx, q.User) {
				last = err
			}
			return last
		}},
		{name: "Authorize", call: func() error { _, err := r.Authorize(ctx, q.User, q.Org, q.Permission); return err }},
		{name: "Authorize, again within 30 s", call: func() error {
			_, err := r.Authorize(ctx, q.User, q.Org, q.Permission)
			return err
		}},
	}
}
