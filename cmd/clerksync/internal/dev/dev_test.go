package dev_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/dev"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// The first line says that all is ready, though the queue had messages before.
func TestReadyIsTheFirstLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := dev.NewScreen(terminal.New(t.Context(), nil, &out, io.Discard), dev.Options{JSON: true, Now: time.Now})
	shown := make(chan struct{})
	go func() {
		s.ShowStep("applied", "msg_1")
		close(shown)
	}()
	s.ShowReady(&pipeline.Pipeline{WebhookURL: "http://127.0.0.1:1/webhooks/clerk"})
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
		usersSecret         bool
		want                []string
	}{
		{
			name: "the default addresses", url: deployment.DefaultWebhookURL, endpoint: deployment.DefaultEndpointURL,
			want: []string{"send user.created", "get user jonah@lumenoak.example"},
		},
		{
			name: "ports that begin alike",
			url:  "http://127.0.0.1:30001/webhooks/clerk", endpoint: "http://127.0.0.1:45661",
			want: []string{
				"send --to http://127.0.0.1:30001/webhooks/clerk user.created",
				"get user jonah@lumenoak.example --endpoint-url http://127.0.0.1:45661",
			},
		},
		{
			name: "a secret of the user's", url: deployment.DefaultWebhookURL, endpoint: deployment.DefaultEndpointURL,
			usersSecret: true, want: []string{"send --secret whsec_... user.created"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var words bytes.Buffer
			s := dev.NewScreen(terminal.New(t.Context(), nil, io.Discard, &words),
				dev.Options{Secret: webhook.Secret{Text: "whsec_x", Kept: !tt.usersSecret}})
			s.ShowNext(&pipeline.Pipeline{WebhookURL: tt.url, Endpoint: tt.endpoint})
			for _, want := range tt.want {
				if !strings.Contains(words.String(), "go run ./cmd/clerksync "+want+"\n") {
					t.Errorf("next = %s, want %q in it", words.String(), want)
				}
			}
		})
	}
}

// The demo comes out as it should with a clock that moves a second at each look:
// a message that is sent twice keeps its id all the same.
func TestDemoAcrossSeconds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var looks atomic.Int64
	o := dev.Options{
		Pipeline: pipeline.Options{
			Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0",
			Storage: settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: time.Hour},
		},
		Secret: webhook.Secret{Text: svixtest.Secret}, Demo: true, Once: true, JSON: true,
		Now: func() time.Time { return time.Now().Add(time.Duration(looks.Add(1)) * time.Second) },
	}
	var err error
	if o.Pipeline.Secrets, err = o.Secret.Parse(); err != nil {
		t.Fatal(err)
	}
	if err := dev.Run(t.Context(), terminal.New(t.Context(), nil, &out, io.Discard), o); err != nil {
		t.Errorf("Run = %v, want all as it should be:\n%s", err, out.String())
	}
	requests := 0
	dev.FirstWeek(func(string, []byte, error, string) { requests++ })
	if looks.Load() < int64(requests) {
		t.Errorf("the clock was looked at %d times, want at least once a request", looks.Load())
	}
}

// Every request of the demo has an event of the type that is shown, and each
// result is shown at least once.
func TestFirstWeek(t *testing.T) {
	t.Parallel()
	results := map[string]int{}
	dev.FirstWeek(func(eventType string, body []byte, err error, want string) {
		if got := webhook.EventType(body); err != nil || got != eventType {
			t.Errorf("a request is shown as %s, but sends %s, %v", eventType, got, err)
		}
		results[strings.Fields(want)[0]]++
	})
	for _, result := range []string{"applied", "duplicate", "stale", "ignored", "rejected"} {
		if results[result] == 0 {
			t.Errorf("no request of the demo is %s", result)
		}
	}
}
