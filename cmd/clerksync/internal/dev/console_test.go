package dev_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/dev"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// On a terminal the id of a message leads to its page. In a pipe, and where the
// console is off, the id is text alone.
func TestIDsLeadToTheConsole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		width         int
		console, id   string
		want, wantNot string
	}{
		"on a terminal": {
			width: 120, console: "http://127.0.0.1:4567/", id: "msg_1",
			want: "\x1b]8;;http://127.0.0.1:4567/messages/msg_1\a\x1b[2mmsg_1",
		},
		"an id that is hardly one": {
			width: 120, console: "http://127.0.0.1:4567/", id: "a/b\x1b?",
			want: "\x1b]8;;http://127.0.0.1:4567/messages/a%2Fb%1B%3F\a", wantNot: "a/b\x1b",
		},
		"in a pipe":       {console: "http://127.0.0.1:4567/", id: "msg_1", want: "msg_1", wantNot: "]8;"},
		"without console": {width: 120, id: "msg_1", want: "msg_1", wantNot: "]8;"},
		"without an id":   {width: 120, console: "http://127.0.0.1:4567/", want: "applied", wantNot: "]8;"},
	} {
		s := dev.NewScreen(terminal.New(t.Context(), nil, io.Discard, io.Discard), dev.Options{Now: time.Now})
		s.SetWidth(c.width)
		s.SetConsole(c.console)
		got := s.Format(dev.Step{Stage: "applied", EventType: "user.created", SvixID: c.id})
		if !strings.Contains(got, c.want) || c.wantNot != "" && strings.Contains(got, c.wantNot) {
			t.Errorf("%s: line = %q, want %q in it, and not %q", name, got, c.want, c.wantNot)
		}
	}
}

// The console is what a new user wants first, so it stands first. Where it is off
// nothing speaks of it.
func TestReadySaysTheConsoleFirst(t *testing.T) {
	t.Parallel()
	show := func(console string, asJSON bool) (out, words string) {
		var stdout, stderr bytes.Buffer
		s := dev.NewScreen(terminal.New(t.Context(), nil, &stdout, &stderr), dev.Options{JSON: asJSON, Now: time.Now})
		s.SetConsole(console)
		s.ShowReady(&pipeline.Pipeline{WebhookURL: "http://127.0.0.1:1/webhooks/clerk"})
		return stdout.String(), stderr.String()
	}
	const url = "http://127.0.0.1:4567/"
	_, words := show(url, false)
	if at := strings.Index(words, url); at < 0 || at > strings.Index(words, "Webhook") {
		t.Errorf("ready says %q, want the console before the webhook", words)
	}
	if _, words := show("", false); strings.Contains(words, "Console") {
		t.Errorf("ready without console says %q", words)
	}
	for _, want := range []string{url, ""} {
		var ready deployment.Ready
		line, _ := show(want, true)
		if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.ConsoleURL != want {
			t.Errorf("ready line %s: console_url %q, %v, want %q", line, ready.ConsoleURL, err, want)
		}
		if has := strings.Contains(line, "console_url"); has != (want != "") {
			t.Errorf("ready line %s: console_url is there: %v", line, has)
		}
	}
}

// The default address of the console gives way where it is taken, by another dev
// say, and that is said. One that was asked for does not: dev ends, and advises the
// command on a free one.
func TestConsolePortTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	addr := taken.Addr().String()
	run := func(askedFor bool) (words string, err error) {
		var stderr bytes.Buffer
		err = dev.Run(t.Context(), terminal.New(t.Context(), nil, io.Discard, &stderr), dev.Options{
			Pipeline: pipeline.Options{
				Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0",
				Storage: settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: time.Hour},
			},
			Secret: webhook.Secret{Text: svixtest.Secret}, Demo: true, Once: true, Now: time.Now,
			ConsoleAddr: addr, ConsoleAnyPort: !askedFor,
		})
		return stderr.String(), err
	}
	words, err := run(false)
	if want := "(" + addr + " is taken)"; err != nil || !strings.Contains(words, want) {
		t.Errorf("dev says %s, %v, want %q in it", words, err, want)
	}
	_, err = run(true)
	if err == nil || !strings.Contains(err.Error(), "start the console: cannot listen on "+addr) ||
		!strings.Contains(err.Error(), " --console-addr ") || strings.Contains(err.Error(), "--console-addr "+addr) {
		t.Errorf("dev at an address that was asked for and is taken = %v, want an error with another one", err)
	}
}
