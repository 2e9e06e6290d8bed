package awsclient

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

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Parameter reads one parameter of the SSM Parameter Store. It is an
// ingest.SecretReader.
//
// The SDK's ssm package is not used for it: at every start it builds the
// schemas of a thousand shapes, four times the instructions of an empty
// function, of which this one call needs two members. The call is documented at
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
type Parameter struct {
	config *Config
	name   string
	now    func() time.Time
}

// Parameter makes a reader of the parameter of that name.
func (c *Config) Parameter(name string, now func() time.Time) *Parameter {
	return &Parameter{c, name, now}
}

const (
	// readTries is the SDK's own number of attempts.
	readTries = 3
	readWait  = 100 * time.Millisecond
	// readTime bounds each attempt: who waits for the secrets gives all of them
	// a few seconds, and a connection that hangs must leave time for another.
	readTime = time.Second
	// maxAnswer is well above an advanced parameter's 8 KB.
	maxAnswer = 1 << 16
)

// Read returns the decrypted value. Its error holds the status and the code of
// what the service answered, the action that was denied, and no value.
func (p *Parameter) Read(ctx context.Context) (string, error) {
	for try, wait := 1, readWait; ; try, wait = try+1, 2*wait {
		value, again, err := p.read(ctx)
		if err == nil {
			return value, nil
		}
		err = fmt.Errorf("read parameter %s: %w", p.name, err)
		if !again || try == readTries {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(wait):
		}
	}
}

// read makes one attempt; again says whether another may succeed.
func (p *Parameter) read(ctx context.Context) (value string, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	r, err := p.request(ctx)
	if err != nil {
		return "", false, err
	}
	out, err := p.config.http.Do(r)
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
		again = out.StatusCode >= http.StatusInternalServerError || strings.HasPrefix(code, "Throttling")
		return "", again, fmt.Errorf("SSM answered %d %s%s", out.StatusCode, code, denied(answer.Message))
	}
	if answer.Parameter.Value == "" {
		return "", false, errors.New("SSM answered without a value")
	}
	return answer.Parameter.Value, false, nil
}

// denied is the action that a role lacks, from the message that IAM gives: the
// parameter's or its key's. No other part of a message is told.
func denied(message string) string {
	_, action, _ := strings.Cut(message, "is not authorized to perform: ")
	for _, known := range []string{"ssm:GetParameter", "kms:Decrypt"} {
		if strings.HasPrefix(action, known) {
			return ", the role may not " + known
		}
	}
	return ""
}

// request is signed: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
func (p *Parameter) request(ctx context.Context) (*http.Request, error) {
	body, err := json.Marshal(map[string]any{"Name": p.name, "WithDecryption": true})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.config.endpoint(SSM)+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, p.config.credentials, r, hex.EncodeToString(sum[:]), "ssm", p.config.Region, p.now())
	return r, err
}
