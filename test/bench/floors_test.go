package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/projector"
)

// floorVariable makes this test binary measure the floor that its value describes.
const floorVariable = "CLERKSYNC_BENCH_FLOOR"

// floor is the least that a backfill could do. It is a process of its own, as the command is: in the emulators' process
// its garbage would be collected with theirs, and no system call would lie between them.
type floor struct {
	APIURL, Endpoint string
	Table            string // "" for reading alone
}

// measure starts the process that measures the floor.
func (c *company) measure(tb testing.TB, table string) (took time.Duration) {
	tb.Helper()
	text, err := json.Marshal(floor{c.apiURL, *c.aws.BaseEndpoint, table})
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), floorVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(out, &took); err != nil {
		tb.Fatalf("the floor printed %q: %v", out, err)
	}
	return took
}

// runFloor is that process. It prints how long it took, in nanoseconds.
func runFloor(text string) error {
	var f floor
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return err
	}
	began := time.Now()
	objects, err := f.readPages(context.Background(), f.Table != "")
	if err == nil && f.Table != "" {
		began = time.Now()
		err = f.putRows(context.Background(), objects)
	}
	fmt.Println(int64(time.Since(began)))
	return err
}

// readPages is the floor of reading: the same pages, as many at once. They are thrown away unless keep asks for them.
func (f floor) readPages(ctx context.Context, keep bool) (map[string][]clerk.Object, error) {
	objects := map[string][]clerk.Object{}
	client, err := clerkapi.New(clerkapi.Options{URL: f.APIURL, Key: companyKey, Rate: 1000})
	if err != nil {
		return nil, err
	}
	window, _, err := client.UserWindow(ctx)
	if err != nil {
		return nil, err
	}
	pages := make(chan []clerk.Object) // of users
	g, reading := errgroup.WithContext(ctx)
	g.SetLimit(4)
	go func() {
		defer close(pages)
		for _, w := range window.Split(8) {
			g.Go(func() error {
				for page, err := range client.UserPages(reading, w, clerkapi.Position{}) {
					if err != nil {
						return err
					}
					pages <- page.Objects
				}
				return nil
			})
		}
		_ = g.Wait() // asked again below
	}()
	take := func(kind string, page []clerk.Object) {
		if keep {
			objects[kind] = append(objects[kind], page...)
		}
	}
	for page := range pages {
		take(directory.KindUser, page)
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, kind := range []string{directory.KindOrganization, directory.KindMembership} {
		for page, err := range client.Pages(ctx, kind, clerkapi.Position{}) {
			if err != nil {
				return nil, err
			}
			take(kind, page.Objects)
		}
	}
	return objects, nil
}

// putRows is the floor of writing: the same rows, each by its own request, from 16 workers. A membership's pointer is
// in its transaction.
func (f floor) putRows(ctx context.Context, objects map[string][]clerk.Object) error {
	client := dynamodb.NewFromConfig(emulator.Config(f.Endpoint))
	to, project := dynamo.New(client, f.Table, f.Table+"-deliveries"), projector.New(projector.StoreFull)
	began := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for kind, list := range objects {
		for _, object := range list {
			g.Go(func() error {
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
	return g.Wait()
}
