package deployment_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
)

// The webhook of a dev is the one that its endpoint names. What else may stand at
// an endpoint names none.
func TestFindAsksTheEndpoint(t *testing.T) {
	t.Parallel()
	const own, given = "http://127.0.0.1:31999/webhooks/clerk", "http://127.0.0.1:1/webhooks/clerk"
	ready := `{"event":"ready","webhook_url":"` + own + `"}`
	for name, c := range map[string]struct {
		status int
		body   string
		names  deployment.Names
		want   string
	}{
		"dev":              {status: 200, body: ready, want: own},
		"dev, URL given":   {status: 200, body: ready, names: deployment.Names{WebhookURL: given}, want: given},
		"dev, table named": {status: 200, body: ready, names: deployment.Names{DirectoryTable: "t"}, want: own},
		"other, table":     {status: 404, names: deployment.Names{DirectoryTable: "t"}},
		"an error":         {status: 500, body: ready, want: deployment.DefaultWebhookURL},
		"another's JSON":   {status: 200, body: `{"status":"running"}`, want: deployment.DefaultWebhookURL},
		"no JSON":          {status: 200, body: "healthy: dynamodb", want: deployment.DefaultWebhookURL},
		"no webhook":       {status: 200, body: `{"event":"ready"}`, want: deployment.DefaultWebhookURL},
		"webhook is no URL": {
			status: 200, body: `{"event":"ready","webhook_url":"x"}`, want: deployment.DefaultWebhookURL,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer s.Close()
			c.names.EndpointURL = s.URL
			d, err := deployment.Open(t.Context(), func(string) string { return "" }, c.names)
			if err != nil || d.WebhookURL != c.want {
				t.Errorf("webhook = %q, %v, want %q", d.WebhookURL, err, c.want)
			}
		})
	}
}
