package pipeline_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// Only a secret that was made for this machine is in its SSM, where any process
// may read it: one that verifies requests alone is not.
func TestOnlyTheKeptSecretIsInSSM(t *testing.T) {
	t.Parallel()
	for name, kept := range map[string]string{
		"a kept secret": svixtest.OtherSecret,
		"the user's":    "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, pipeline.Options{Secrets: secrets(t, svixtest.Secret), KeptSecret: kept})
			out, err := ssm.NewFromConfig(emulator.Config(h.p.Endpoint)).GetParameter(t.Context(),
				&ssm.GetParameterInput{Name: new(pipeline.SecretParameter), WithDecryption: new(true)})
			var missing *types.ParameterNotFound
			got := ""
			switch {
			case err == nil:
				got = *out.Parameter.Value
			case !errors.As(err, &missing):
				t.Fatal(err)
			}
			if got != kept {
				t.Errorf("%s = %q, want %q", pipeline.SecretParameter, got, kept)
			}
		})
	}
}

// GET / on the AWS endpoint answers what the options describe, of a pipeline
// that has its addresses.
func TestEndpointDescribesThePipeline(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{Describe: func(p *pipeline.Pipeline) any { return []string{p.WebhookURL} }})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.p.Endpoint+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if want := `["` + h.p.WebhookURL + `"]`; err != nil || strings.TrimSpace(string(body)) != want {
		t.Errorf("GET / = %d %s, %v, want 200 %s", answer.StatusCode, body, err, want)
	}
}
