// Package ssmparam reads one parameter of the SSM Parameter Store, by a signed
// request of its own.
//
// The SDK's ssm package is not used for it: at every start it builds the
// schemas of a thousand shapes, four times the instructions of an empty
// function, of which this one call needs two members. The call is documented at
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
package ssmparam

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Parameter is one parameter of the Parameter Store. It implements
// ingest.SecretReader.
type Parameter struct {
	config   aws.Config
	endpoint string
	name     string
	now      func() time.Time
}

// New returns the parameter of that name. Of the configuration it uses region,
// credentials and HTTP client. endpoint is the URL of SSM without a slash at its
// end. Requests are signed with the time of now.
func New(cfg aws.Config, endpoint, name string, now func() time.Time) *Parameter {
	return &Parameter{cfg, endpoint, name, now}
}

const (
	// maxAttempts is the SDK's own number of attempts.
	maxAttempts = 3
	// firstWait is doubled after each attempt.
	firstWait = 100 * time.Millisecond
	// attemptTimeout is short, because a request waits a few seconds at the most
	// for the secrets, all attempts together: a connection that hangs must leave
	// time for another.
	attemptTimeout = time.Second
	// maxAnswer is well above an advanced parameter's 8 KB.
	maxAnswer = 1 << 16
)

// Read returns the decrypted value. Its error holds the status and the code of
// SSM's answer and the action that was denied, and never a value.
func (p *Parameter) Read(ctx context.Context) (string, error) {
	for attempt, wait := 1, firstWait; ; attempt, wait = attempt+1, 2*wait {
		value, retryable, err := p.readOnce(ctx)
		if err == nil {
			return value, nil
		}
		err = fmt.Errorf("read parameter %s: %w", p.name, err)
		if !retryable || attempt == maxAttempts {
			return "", err
		}
		select {
		case <-ctx.Done(): // the error of the attempt says more than ctx's
			return "", err
		case <-time.After(wait):
		}
	}
}

// readOnce makes one attempt. retryable says whether another may succeed: it
// may after any failure to get an answer, for reading has no effect to repeat.
func (p *Parameter) readOnce(ctx context.Context) (value string, retryable bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	r, err := p.signedRequest(ctx)
	if err != nil {
		return "", false, err
	}
	out, err := p.config.HTTPClient.Do(r)
	if err != nil {
		return "", true, err
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxAnswer))
	if err != nil {
		return "", true, err
	}
	var answer struct {
		Type      string `json:"__type"`
		Message   string `json:"message"`
		Parameter struct {
			Value string `json:"Value"`
		} `json:"Parameter"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return "", true, fmt.Errorf("SSM answered %d without JSON", out.StatusCode)
	}
	if out.StatusCode != http.StatusOK {
		code := answer.Type[strings.LastIndexByte(answer.Type, '#')+1:]
		retryable = out.StatusCode >= http.StatusInternalServerError || strings.HasPrefix(code, "Throttling")
		return "", retryable, fmt.Errorf("SSM answered %d %s%s", out.StatusCode, code, deniedAction(answer.Message))
	}
	if answer.Parameter.Value == "" {
		return "", false, errors.New("SSM answered without a value")
	}
	return answer.Parameter.Value, false, nil
}

// deniedAction names the action that the role lacks, taken from IAM's message:
// on the parameter or on the key that encrypts it. No other part of a message
// goes into an error, for it names accounts and roles.
func deniedAction(message string) string {
	_, action, _ := strings.Cut(message, "is not authorized to perform: ")
	for _, known := range []string{"ssm:GetParameter", "kms:Decrypt"} {
		if strings.HasPrefix(action, known) {
			return ", the role may not " + known
		}
	}
	return ""
}

// signedRequest is signed as
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html says.
func (p *Parameter) signedRequest(ctx context.Context) (*http.Request, error) {
	body, err := json.Marshal(map[string]any{"Name": p.name, "WithDecryption": true})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
	credentials, err := p.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), "ssm", p.config.Region, p.now())
	return r, err
}
