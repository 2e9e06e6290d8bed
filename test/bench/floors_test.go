package bench_test

import (
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// readPages is the floor of reading: the same pages, as many at once, thrown away.
func (c *company) readPages(tb testing.TB) time.Duration {
	tb.Helper()
	began := time.Now()
	client, err := clerkapi.New(clerkapi.Options{URL: c.apiURL, Key: companyKey, Rate: 1000})
	if err != nil {
		tb.Fatal(err)
	}
	window, _, err := client.UserWindow(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	g, ctx := errgroup.WithContext(tb.Context())
	g.SetLimit(4)
	for _, w := range window.Split(8) {
		g.Go(func() (err error) {
			for _, err = range client.UserPages(ctx, w, clerkapi.Position{}) {
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		tb.Fatal(err)
	}
	for _, kind := range []string{directory.KindOrganization, directory.KindMembership} {
		for _, err := range client.Pages(tb.Context(), kind, clerkapi.Position{}) {
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
	return time.Since(began)
}

// putRows is the floor of writing: the same rows, each by its own request, from 16 workers. A membership's pointer is
// in its transaction.
func (c *company) putRows(tb testing.TB, table string) time.Duration {
	tb.Helper()
	to, project := c.table(table), projector.New(projector.StoreFull)
	began := time.Now()
	g, ctx := errgroup.WithContext(tb.Context())
	g.SetLimit(16)
	for kind := range c.objects {
		for _, data := range c.clerk.Objects(kind) {
			g.Go(func() error {
				object, _ := clerk.ParseObject(data)
				change, err := project.ProjectRead(projector.Read{
					Kind: kind, Object: object, InstanceID: "ins_bench", Began: began, Earliest: began,
				})
				if err != nil {
					return err
				}
				w := directory.Write{Row: change.Row, If: directory.IfAbsent()}
				if pointer := directory.Pointer(change.Row); pointer != nil {
					w.Put = []directory.Row{pointer}
				}
				_, err = to.Write(ctx, w)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		tb.Fatal(err)
	}
	return time.Since(began)
}
