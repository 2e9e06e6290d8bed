package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
)

// bare is an environment without variables and input.
func bare(out, err io.Writer) program {
	return program{terminal.New(context.Background(), strings.NewReader(""), out, err), func(string) string { return "" }, time.Now}
}

// exit runs a command line to its exit status.
func (p program) exit(args []string) int { return p.term.Report(p.run(context.Background(), args)) }

// The first line says that all is ready, though the queue had messages before.
func TestReadyIsTheFirstLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := newScreen(bare(&out, io.Discard), true)
	shown := make(chan struct{})
	go func() {
		s.show(step{Stage: "applied", SvixID: "msg_1"})
		close(shown)
	}()
	s.ready(&pipeline.Pipeline{WebhookURL: "http://127.0.0.1:1/webhooks/clerk"}, devSecret{"whsec_x", false}, false)
	<-shown
	var got []string
	for line := range strings.Lines(out.String()) {
		var v struct{ Event string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		got = append(got, v.Event)
	}
	if diff := cmp.Diff([]string{"ready", "message"}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// What to type next works as it is printed, on whatever port.
func TestNext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, url, endpoint string
		given               bool
		want                []string
	}{
		{"the default addresses", defaultURL, "http://" + defaultAWSAddr, false, []string{"send user.created", "get user jonah@lumenoak.example"}},
		{
			"ports that begin alike", "http://127.0.0.1:30001/webhooks/clerk", "http://127.0.0.1:45661", false,
			[]string{"send --to http://127.0.0.1:30001/webhooks/clerk user.created", "get user jonah@lumenoak.example --endpoint-url http://127.0.0.1:45661"},
		},
		{"a secret of the user's", defaultURL, "http://" + defaultAWSAddr, true, []string{"send --secret whsec_... user.created"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var words bytes.Buffer
			newScreen(bare(io.Discard, &words), false).next(&pipeline.Pipeline{WebhookURL: tt.url, Endpoint: tt.endpoint}, devSecret{"whsec_x", tt.given})
			for _, want := range tt.want {
				if !strings.Contains(words.String(), "go run ./cmd/clerksync "+want+"\n") {
					t.Errorf("next = %s, want %q in it", words.String(), want)
				}
			}
		})
	}
}

// TestDemoAcrossSeconds tells the story with a clock that moves a second at
// each look: a message that is sent twice keeps its id all the same.
func TestDemoAcrossSeconds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e := bare(&out, io.Discard)
	var looks atomic.Int64
	e.now = func() time.Time { return time.Now().Add(time.Duration(looks.Add(1)) * time.Second) }
	d := newDemo(newScreen(e, true))
	p, secrets := demoPipeline(t, d)
	d.ready(p, devSecret{"", true}, true)
	if err := d.run(t.Context(), p, secrets); err != nil {
		t.Errorf("demo = %v, want all as it should be:\n%s", err, out.String())
	}
	if looks.Load() < int64(len(story())) {
		t.Errorf("the clock was looked at %d times, want at least once a scene", looks.Load())
	}
	if len(d.ended) > 0 {
		t.Errorf("the demo keeps %d steps that nobody waits for, want none", len(d.ended))
	}
}

func demoPipeline(t *testing.T, d *demo) (*pipeline.Pipeline, *svix.Secrets) {
	t.Helper()
	secrets, err := svix.ParseSecrets(newSecret())
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.Start(t.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", Secrets: secrets,
		Storage:   settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: time.Hour},
		OnRequest: d.request, OnMessage: d.message, Warn: func(context.Context, string, error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(t.Context()) })
	return p, secrets
}

// Every scene of the story has an event, and its again is what came before.
func TestStory(t *testing.T) {
	t.Parallel()
	scenes := story()
	wants := map[string]int{}
	for i, s := range scenes {
		body, err := s.body()
		if err != nil {
			t.Errorf("scene %q: %v", s.what, err)
		}
		if got := eventType(body); got != s.eventType() {
			t.Errorf("scene %q shows %s, but sends %s", s.what, s.eventType(), got)
		}
		if s.again && (i == 0 || scenes[i-1].sample != s.sample) {
			t.Errorf("scene %q is sent again, but not the one before", s.what)
		}
		wants[strings.Fields(s.want)[0]]++
	}
	for _, want := range []string{"applied", "duplicate", "stale", "ignored", "rejected"} {
		if wants[want] == 0 {
			t.Errorf("no scene of the story is %s", want)
		}
	}
}

// A sample's file of the same name comes first; a folder is no event.
func TestBody(t *testing.T) {
	t.Parallel()
	e := bare(io.Discard, io.Discard)
	e.term = terminal.New(t.Context(), strings.NewReader("\x00\xff"), io.Discard, io.Discard)
	if got, err := e.body("-"); err != nil || string(got) != "\x00\xff" {
		t.Errorf("body(-) = %q, %v, want standard input byte for byte", got, err)
	}
	want, err := events.Body("user.created")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.body("user.created"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("body(user.created) = %q, %v, want the sample", got, err)
	}
	if _, err := e.body(t.TempDir()); err == nil {
		t.Error("body(a folder) = nil, want an error")
	}
}

// The kept secret is for its owner's eyes.
func TestKeptSecretIsPrivate(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	e := bare(io.Discard, io.Discard)
	first, err := e.keptSecret()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := e.keptSecret(); err != nil || again != first {
		t.Errorf("keptSecret() = %q, %v the second time, want %q", again, err, first)
	}
	path, err := e.keptSecretPath()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of %s = %v, %v, want 0600", path, info.Mode(), err)
	}
}
