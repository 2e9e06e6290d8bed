package ingest_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
	"github.com/clerksync/clerksync/pkg/svix"
)

// handle is what README shows under "In your own server".
func handle(sqsClient *sqs.Client, queueURL string) error {
	secrets, err := svix.ParseSecrets(os.Getenv("CLERK_WEBHOOK_SIGNING_SECRET"))
	if err != nil {
		return err
	}
	http.Handle(ingest.Path, ingest.New(ingest.Config{
		Secrets:     ingest.FixedSecrets(secrets),
		Queue:       sqsqueue.NewSender(sqsClient, queueURL),
		KnowledgeOf: clerk.KnowledgeOf,
		Now:         time.Now,
		Observe: func(ctx context.Context, r ingest.Report) {
			slog.InfoContext(ctx, "webhook", slog.Any("stage", r.Stage), slog.String("id", r.SvixID))
		},
	}))
	return nil
}

// The lines of README's example are those of handle, which compiles.
func TestReadmeExample(t *testing.T) {
	t.Parallel()
	if err := handle(nil, ""); err == nil {
		t.Error("handle without a secret = nil, want an error")
	}
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	block := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(read("../../README.md"))
	if block == nil {
		t.Fatal("README.md has no example in Go")
	}
	source := strings.Fields(read("example_test.go"))
	for line := range strings.Lines(block[1]) {
		code, _, _ := strings.Cut(line, " //")
		if words := strings.Fields(code); !strings.Contains(strings.Join(source, " "), strings.Join(words, " ")) {
			t.Errorf("README.md has the line %q, which handle does not have", strings.TrimSpace(code))
		}
	}
}
