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

// SecureString is the type of a parameter that is encrypted.
const SecureString = string(types.ParameterTypeSecureString)

// ErrNotFound says that there is no such parameter.
var ErrNotFound = errors.New("parameter does not exist")

// Parameter is one parameter of SSM's Parameter Store by its name: the signing
// secret, a SecureString. The functions read it with ssmparam.Parameter.
type Parameter struct {
	client *ssm.Client
	name   string
}

// NewParameter makes a Parameter.
func NewParameter(cfg aws.Config, name string) *Parameter {
	return &Parameter{ssm.NewFromConfig(cfg), name}
}

// Read returns the decrypted value and the parameter's type, such as
// SecureString.
func (p *Parameter) Read(ctx context.Context) (value, kind string, err error) {
	out, err := p.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &p.name, WithDecryption: aws.Bool(true)})
	if err != nil {
		return "", "", fmt.Errorf("read parameter %s: %w", p.name, reduce(err))
	}
	if out.Parameter == nil || aws.ToString(out.Parameter.Value) == "" {
		return "", "", fmt.Errorf("read parameter %s: SSM answered without a value", p.name)
	}
	return *out.Parameter.Value, string(out.Parameter.Type), nil
}

// Write puts the value, over one that is there.
func (p *Parameter) Write(ctx context.Context, value string) error {
	_, err := p.client.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &p.name, Value: &value, Type: types.ParameterTypeSecureString, Overwrite: aws.Bool(true),
		Description: aws.String("Clerk webhook signing secret, read by clerksync"),
	})
	if err != nil {
		return fmt.Errorf("write parameter %s: %w", p.name, reduce(err))
	}
	return nil
}

// reduce leaves only the code of what the service answered: its words may repeat
// what was sent.
func reduce(err error) error {
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
