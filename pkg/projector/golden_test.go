package projector_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// golden is a change as the golden files show it.
type golden struct {
	Error     string             `json:",omitempty"`
	Key       *directory.Key     `json:",omitempty"`
	Kind      string             `json:",omitempty"`
	Entity    string             `json:",omitempty"`
	Revision  directory.Revision `json:",omitempty"`
	Sent      clerk.Millis       `json:",omitempty"`
	Delete    bool               `json:",omitempty"`
	ReadFirst bool               `json:",omitempty"`
	Parents   []directory.Key    `json:",omitempty"`
	Children  projector.Children `json:",omitempty"`
	Row       map[string]any     `json:",omitempty"`
}

func goldenOf(c projector.Change, err error) golden {
	if err != nil {
		return golden{Error: err.Error()}
	}
	row := map[string]any{}
	for name, v := range c.Row {
		if n, ok := v.(directory.Number); ok {
			v = json.Number(n)
		}
		row[name] = v
	}
	return golden{
		Key: &c.Key, Kind: c.Kind, Entity: c.Entity, Revision: c.Revision, Sent: c.Sent, Delete: c.Delete,
		ReadFirst: c.ReadFirst, Parents: c.Parents, Children: c.Children, Row: row,
	}
}

func sample(t *testing.T, name string) clerk.Event {
	t.Helper()
	body, err := events.Body(name)
	if err != nil {
		t.Fatal(err)
	}
	e, err := clerk.Decode(body)
	if err != nil {
		t.Fatalf("Decode(%s) = %v, want an event", name, err)
	}
	return e
}

func checkGolden(t *testing.T, file string, storage projector.ObjectStorage, name string) {
	t.Helper()
	change, err := projector.New(storage).Project(sample(t, name), "msg_golden")
	if err != nil && !errors.Is(err, projector.ErrUnknownType) {
		t.Errorf("Project(%s) = %v, want ErrUnknownType if any error", name, err)
	}
	text, err := json.MarshalIndent(goldenOf(change, err), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	path := filepath.Join("testdata", file+".golden")
	if *update {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("Project(%s) is not as in %s (-want +got):\n%s", name, path, diff)
	}
}

// Every sample event becomes the change that its golden file shows. In these
// files `rev` is pinned for ever.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, name := range events.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkGolden(t, name, projector.StoreFull, name)
		})
	}
	for _, name := range []string{
		"user.updated", "organizationMembership.updated", "organizationInvitation.created",
		"organizationMembership.deleted", "role.updated",
	} {
		for _, storage := range []projector.ObjectStorage{projector.StorePublic, projector.StoreNone} {
			t.Run(name+"/"+string(storage), func(t *testing.T) {
				t.Parallel()
				checkGolden(t, name+"."+string(storage), storage, name)
			})
		}
	}
}
