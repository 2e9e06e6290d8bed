package main_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	main "github.com/clerksync/clerksync/cmd/clerksync"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// With --stack the parameter and the key of a new one are the stack's, and a key
// that is not the stack's is warned of.
func TestSecretOfStack(t *testing.T) {
	s := deploymenttest.New(t)
	s.UseAsAWS()
	run := func(want string, args ...string) {
		t.Helper()
		var words bytes.Buffer
		line := append([]string{"clerksync", "secret"}, append(args, "--stack", deploymenttest.StackName)...)
		got := main.RunWithInput(t.Context(), strings.NewReader(svixtest.Secret), io.Discard, &words, line)
		if got != terminal.ExitDone || !strings.Contains(words.String(), want) || (want == "") != (words.Len() == 0) {
			t.Errorf("%s exits %d and says %q, want 0 and %q", line, got, words.String(), want)
		}
	}
	const key = "arn:aws:kms:us-east-1:000000000000:key/1234"
	run("ok: /clerksync/signing-secret holds one signing secret, well formed, encrypted with alias/aws/ssm.\n", "check")
	s.Account.Parameters["SecretKeyArn"] = key
	run("warning: /clerksync/signing-secret is encrypted with alias/aws/ssm", "check")
	run("warning: /clerksync/signing-secret is encrypted with alias/aws/ssm", "set") // it stays on its key
	run("encrypted with "+key+".", "set", "--key-id", key)
	run("encrypted with "+key+".\n", "check")
	s.SetSecret(svixtest.Secret, ssmtypes.ParameterTypeString)
	run("put it there with: clerksync secret set --parameter /clerksync/signing-secret --stack "+
		deploymenttest.StackName+"\n", "check")
	s.Account.Parameters["SecretParameterName"] = "/clerksync/new"
	run("Done: /clerksync/new holds one signing secret, encrypted with "+key, "set")
	s.Account.Denied["DescribeParameters"] = true
	run("warning: cannot read the key of parameter /clerksync/new: SSM answered AccessDenied", "check")
}
