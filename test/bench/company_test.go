package bench_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/internal/emulator"
	clerkemulator "github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// company is a Clerk instance and an AWS endpoint in this process. It counts what the command, which is another
// process, asks of them.
type company struct {
	clerk   *clerkemulator.Instance
	apiURL  string
	aws     aws.Config
	command string         // path of the command
	objects map[string]int // how many there are, by kind

	mu      sync.Mutex
	current run
	killAt  int    // writes after which kill is called
	kill    func() // not if nil
}

const companyKey = "sk_test_bench"

// startCompany makes an instance with n users, a tenth as many organizations and half as many memberships again.
// Objects are as large as the samples.
func startCompany(tb testing.TB, command string, n int) *company {
	tb.Helper()
	c := &company{
		clerk: clerkemulator.New(clerkemulator.Options{
			ID: "ins_bench", Environment: "production", Key: companyKey, Limit: -1,
		}),
		command: command,
		objects: map[string]int{
			directory.KindUser: n, directory.KindOrganization: n / 10, directory.KindMembership: n / 2 * 3,
		},
	}
	c.fill(tb)
	api := httptest.NewServer(c.counted(c.clerk, func(r *http.Request) {
		if list := strings.TrimPrefix(r.URL.Path, "/v1/"); r.URL.Query().Get("limit") == "500" {
			c.current.pages[list]++
			c.current.queries[list+"?"+r.URL.RawQuery]++
		}
	}))
	tb.Cleanup(api.Close)
	c.apiURL = api.URL + "/v1"
	tables, err := emulator.Start(tb.Context(), "127.0.0.1:0", c.counted(emulator.New(emulator.Options{}),
		func(r *http.Request) {
			_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
			c.current.operations[operation]++
			if c.kill != nil && c.current.writes() >= c.killAt {
				c.kill()
			}
		}))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(tables.Close)
	c.aws = tables.Config
	return c
}

// counted is a handler that counts each request before it is answered.
func (c *company) counted(h http.Handler, count func(*http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		if c.current.operations != nil {
			count(r)
		}
		c.mu.Unlock()
		h.ServeHTTP(w, r)
	})
}

// fill puts the objects in. A user is created each second, and its memberships when it is.
func (c *company) fill(tb testing.TB) {
	tb.Helper()
	const began = 1_600_000_000_000
	for kind, sample := range map[string]string{
		directory.KindUser: "user.created", directory.KindOrganization: "organization.created",
		directory.KindMembership: "organizationMembership.created",
	} {
		body, err := events.Body(sample)
		if err != nil {
			tb.Fatal(err)
		}
		event, err := clerk.Decode(body)
		if err != nil {
			tb.Fatal(err)
		}
		text := event.Data().String()
		created, updated := string(event.Data().Raw("created_at")), string(event.Data().Raw("updated_at"))
		for i := range c.objects[kind] {
			at := strconv.Itoa(began + i*1000)
			// A user's second membership is of the next organization.
			users, organizations := c.objects[directory.KindUser], c.objects[directory.KindOrganization]
			user, organization := i%users, (i+i/users)%organizations
			data := strings.NewReplacer(
				"user_2exampleJonahAdeyemi0000000", fmt.Sprintf("user_%027d", user),
				"org_2exampleLumenOak00000000000", fmt.Sprintf("org_%027d", organization),
				"orgmem_2exampleJonahLumenOak000000", fmt.Sprintf("orgmem_%027d", i),
				"jonah@lumenoak.example", fmt.Sprintf("user%d@lumenoak.example", user),
				"lo-0002", fmt.Sprint("lo-", user),
				"lumen-oak", fmt.Sprint("lumen-oak-", i), created, at, updated, at,
			).Replace(text)
			if err := c.clerk.Put(kind, []byte(data)); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// size is the number of all objects.
func (c *company) size() (n int) {
	for _, objects := range c.objects {
		n += objects
	}
	return n
}

// createTables makes both tables and returns the Directory table's name.
func (c *company) createTables(tb testing.TB, name string) string {
	tb.Helper()
	for _, in := range []*dynamodb.CreateTableInput{
		dynamo.DirectorySchema(name), dynamo.DeliveriesSchema(name + "-deliveries"),
	} {
		if _, err := dynamodb.NewFromConfig(c.aws).CreateTable(tb.Context(), in); err != nil {
			tb.Fatal(err)
		}
	}
	return name
}

func (c *company) table(name string) *dynamo.Table {
	return dynamo.New(dynamodb.NewFromConfig(c.aws), name, name+"-deliveries")
}
