package dev_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
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

// TestMain unsets the variables by which a machine asks for colours where no
// terminal is.
func TestMain(m *testing.M) {
	for _, name := range []string{"CLICOLOR_FORCE", "TTY_FORCE"} {
		_ = os.Unsetenv(name) // it fails for names that cannot be one
	}
	os.Exit(m.Run())
}

// The first line says that all is ready, though the queue had messages before.
func TestReadyIsTheFirstLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := dev.NewScreen(terminal.New(t.Context(), nil, &out, io.Discard), dev.Options{JSON: true, Now: time.Now})
	shown := make(chan struct{})
	go func() {
		s.ShowStep(dev.Step{Stage: "applied", SvixID: "msg_1"})
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
	const webhookURL, endpoint = deployment.DefaultWebhookURL, deployment.DefaultEndpointURL
	// The ports begin as the default ones.
	const otherURL, otherEndpoint = "http://127.0.0.1:30001/webhooks/clerk", "http://127.0.0.1:45661"
	const getUser = "get user jonah@lumenoak.example"
	for _, tt := range []struct {
		url, endpoint string
		kept          bool // the secret
		want          string
	}{
		{url: webhookURL, endpoint: endpoint, kept: true, want: "send user.created"},
		{url: webhookURL, endpoint: endpoint, want: "send --secret whsec_... user.created"},
		{url: otherURL, endpoint: endpoint, kept: true, want: "send --to " + otherURL + " user.created"},
		{url: webhookURL, endpoint: endpoint, want: getUser},
		{url: webhookURL, endpoint: otherEndpoint, want: getUser + " --endpoint-url " + otherEndpoint},
	} {
		var words bytes.Buffer
		s := dev.NewScreen(terminal.New(t.Context(), nil, io.Discard, &words),
			dev.Options{Secret: webhook.Secret{Text: "whsec_x", Kept: tt.kept}})
		s.ShowNext(&pipeline.Pipeline{WebhookURL: tt.url, Endpoint: tt.endpoint})
		if !strings.Contains(words.String(), "go run ./cmd/clerksync "+tt.want+"\n") {
			t.Errorf("next for %s and %s = %s, want %q in it", tt.url, tt.endpoint, words.String(), tt.want)
		}
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
	if err := dev.Run(t.Context(), terminal.New(t.Context(), nil, &out, io.Discard), o); err != nil {
		t.Errorf("Run = %v, want all as it should be:\n%s", err, out.String())
	}
	if requests := int64(20); looks.Load() < requests {
		t.Errorf("the clock was looked at %d times, want at least once for each of %d requests", looks.Load(), requests)
	}
}
