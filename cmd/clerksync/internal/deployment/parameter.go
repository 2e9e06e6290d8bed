package deployment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

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

// defaultKey is the account's own key for parameters. Every principal of the
// account may decrypt with it through SSM:
// https://docs.aws.amazon.com/systems-manager/latest/userguide/security-iam.html
const defaultKey = "alias/aws/ssm"

// ReadKey returns the KMS key that encrypts the parameter, as it was named when
// the value was put there: an alias, an id or an ARN, "" for a parameter that is
// not encrypted. ErrNotFound says that there is no such parameter.
func (p *Parameter) ReadKey(ctx context.Context) (string, error) {
	pages := ssm.NewDescribeParametersPaginator(p.client, &ssm.DescribeParametersInput{
		ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Name"), Values: []string{p.name}}},
	})
	for pages.HasMorePages() { // a page may be empty and not the last
		out, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("read the key of parameter %s: %w", p.name, reduce(err))
		}
		for _, m := range out.Parameters {
			if aws.ToString(m.Name) == p.name {
				return aws.ToString(m.KeyId), nil
			}
		}
	}
	return "", fmt.Errorf("read the key of parameter %s: %w", p.name, ErrNotFound)
}

// Write puts the value, over one that is there, and returns the key that encrypts
// it. Where none is named it is the key of the value that is there: SSM itself
// would take the default key, and so take the value off the key that keeps others
// from reading it. Only a new parameter gets newKey, or the default where that is
// "". Nothing is written where the key cannot be read.
func (p *Parameter) Write(ctx context.Context, value, named, newKey string) (key string, err error) {
	key = named
	if key == "" {
		key, err = p.ReadKey(ctx)
		switch {
		case errors.Is(err, ErrNotFound):
			key = newKey
		case err != nil:
			return "", fmt.Errorf("%w\nNothing was written: it must stay on its key. "+
				"Allow ssm:DescribeParameters, or name the key with --key-id (%s is the default)", err, defaultKey)
		}
	}
	key = cmp.Or(key, defaultKey)
	_, err = p.client.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &p.name, Value: &value, Type: types.ParameterTypeSecureString, Overwrite: aws.Bool(true), KeyId: &key,
		Description: aws.String("Clerk webhook signing secret, read by clerksync"),
	})
	if err != nil {
		return "", fmt.Errorf("write parameter %s: %w", p.name, reduce(err))
	}
	return key, nil
}

// SecretKey is the ARN of the KMS key with which ingest may decrypt the signing
// secret, "" where its role names none.
func (s *Stack) SecretKey() string { return s.Parameters["SecretKeyArn"] }

// CheckSecretKey compares the key of the parameter with the signing secret, as
// ReadKey returns it, with the key that the stack names. It says what is wrong
// and what to do, or nothing.
func (s *Stack) CheckSecretKey(parameter, key string) (problem, mend string) {
	arn := s.SecretKey()
	put := fmt.Sprintf("put it there anew with: clerksync secret set --parameter %s --key-id %s", parameter, arn)
	switch {
	case key == defaultKey || strings.HasSuffix(key, ":"+defaultKey):
		if arn == "" {
			return "", ""
		}
		return fmt.Sprintf("%s is encrypted with %s, which everyone in the account may use through SSM, "+
			"and not with the stack's SecretKeyArn", parameter, key), put
	case arn == "":
		return fmt.Sprintf("%s is encrypted with %s, and the stack has no SecretKeyArn: "+
			"ingest may not be able to decrypt it", parameter, key), "deploy with the parameter SecretKeyArn"
	case key == arn || strings.HasSuffix(arn, ":key/"+key):
		return "", ""
	case strings.Contains(key, "alias/"):
		return fmt.Sprintf("%s is encrypted with %s: whether that is the stack's SecretKeyArn cannot be seen here",
			parameter, key), put
	}
	return fmt.Sprintf("%s is encrypted with %s, and ingest may decrypt with %s alone", parameter, key, arn), put
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
