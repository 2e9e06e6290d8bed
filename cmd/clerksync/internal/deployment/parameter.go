// Package deployment is where a command looks: here the signing secret in the SSM Parameter
// Store, as a SecureString.
package deployment

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

// ErrNotFound says that there is no such parameter.
var ErrNotFound = errors.New("parameter does not exist")

// Parameter is one parameter by its name, for the command line. The function
// reads it with ssmparam.Parameter.
type Parameter struct {
	client *ssm.Client
	name   string
}

// NewParameter makes a Parameter.
func NewParameter(client *ssm.Client, name string) *Parameter { return &Parameter{client, name} }

// Read returns the decrypted value.
func (p *Parameter) Read(ctx context.Context) (string, error) {
	out, err := p.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &p.name, WithDecryption: aws.Bool(true)})
	if err != nil {
		return "", fmt.Errorf("read parameter %s: %w", p.name, plain(err))
	}
	if out.Parameter == nil || aws.ToString(out.Parameter.Value) == "" {
		return "", fmt.Errorf("read parameter %s: SSM answered without a value", p.name)
	}
	return *out.Parameter.Value, nil
}

// Write puts the value, over one that is there.
func (p *Parameter) Write(ctx context.Context, value string) error {
	_, err := p.client.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &p.name, Value: &value, Type: types.ParameterTypeSecureString, Overwrite: aws.Bool(true),
		Description: aws.String("Clerk webhook signing secret, read by clerksync"),
	})
	if err != nil {
		return fmt.Errorf("write parameter %s: %w", p.name, plain(err))
	}
	return nil
}

// plain leaves only the code of what the service answered.
func plain(err error) error {
	var none *types.ParameterNotFound
	if errors.As(err, &none) {
		return ErrNotFound
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Errorf("SSM answered %s", api.ErrorCode())
	}
	return err
}
