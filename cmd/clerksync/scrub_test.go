package main_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	main "github.com/clerksync/clerksync/cmd/clerksync"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// Ctrl-C ends a scrub with the place to go on from, and from there it reads the
// rest alone.
func TestScrubInterrupted(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	for _, id := range []string{"a", "b", "c", "d"} { // two pages
		if _, err := s.Pipeline.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: &s.Pipeline.DirectoryTable, Item: map[string]types.AttributeValue{
				"pk":      &types.AttributeValueMemberS{Value: "USER#" + id},
				"sk":      &types.AttributeValueMemberS{Value: "USER"},
				"padding": &types.AttributeValueMemberB{Value: make([]byte, 390_000)},
			},
		}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, interrupt := context.WithCancel(t.Context())
	scans, proxy := 0, s.Proxy(s.Pipeline.Endpoint)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Scan") {
			if scans++; scans == 2 {
				interrupt()
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	line := []string{"clerksync", "scrub", "--endpoint-url", front.URL}
	var words bytes.Buffer
	if got := main.Run(ctx, io.Discard, &words, line); got != terminal.ExitInterrupted {
		t.Errorf("%s exits %d, want %d", line, got, terminal.ExitInterrupted)
	}
	place := regexp.MustCompile(`--after (\S+)\n`).FindStringSubmatch(words.String())
	if place == nil {
		t.Fatalf("%s says %q, want where to go on", line, words.String())
	}
	words.Reset()
	if got := main.Run(t.Context(), io.Discard, &words, append(line, "--after", place[1])); got != terminal.ExitDone ||
		!regexp.MustCompile(`\n[123] rows read, 0 scrubbed\.\n$`).MatchString(words.String()) {
		t.Errorf("%s --after %s exits %d and says %q, want the rest of 4 rows", line, place[1], got, words.String())
	}
}
