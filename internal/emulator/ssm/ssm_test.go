package ssm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

const name = "/clerksync/signing-secret"

func client(t *testing.T, o emulator.Options) *ssm.Client {
	t.Helper()
	return ssm.NewFromConfig(emulatortest.Start(t, emulator.New(o)))
}

func put(t *testing.T, c *ssm.Client, in *ssm.PutParameterInput) int64 {
	t.Helper()
	out, err := c.PutParameter(t.Context(), in)
	if err != nil {
		t.Fatalf("PutParameter(%s) = %v", aws.ToString(in.Name), err)
	}
	return out.Version
}

func TestSecureStringIsReadBack(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 250e6, time.UTC)
	c := client(t, emulator.Options{Now: func() time.Time { return at }})
	put(t, c, &ssm.PutParameterInput{Name: aws.String(name), Type: types.ParameterTypeSecureString, Value: aws.String("whsec_c2VjcmV0")})

	got, err := c.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(name), WithDecryption: aws.Bool(true)})
	if err != nil {
		t.Fatalf("GetParameter(%s) = %v", name, err)
	}
	p := got.Parameter
	have := []any{*p.Name, p.Type, *p.Value, p.Version, p.LastModifiedDate.UTC(), *p.ARN, *p.DataType}
	want := []any{name, types.ParameterTypeSecureString, "whsec_c2VjcmV0", int64(1), at, "arn:aws:ssm:us-east-1:000000000000:parameter/clerksync/signing-secret", "text"}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("GetParameter(%s) (-want +got):\n%s", name, d)
	}

	raw, err := c.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(name)})
	if err != nil || *raw.Parameter.Value == "whsec_c2VjcmV0" {
		t.Errorf("GetParameter(%s) without decryption = the plain value or %v, want another text", name, err)
	}
}

func TestVersions(t *testing.T) {
	c := client(t, emulator.Options{})
	put(t, c, &ssm.PutParameterInput{Name: aws.String(name), Type: types.ParameterTypeString, Value: aws.String("one")})
	v := put(t, c, &ssm.PutParameterInput{Name: aws.String(name), Value: aws.String("two"), Overwrite: aws.Bool(true)})
	if v != 2 {
		t.Errorf("PutParameter(overwrite) = version %d, want 2", v)
	}
	for asked, want := range map[string]string{
		name: "two", name + ":1": "one", name + ":2": "two",
		"arn:aws:ssm:us-east-1:000000000000:parameter/clerksync/signing-secret": "two",
	} {
		got, err := c.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(asked)})
		if err != nil || *got.Parameter.Value != want {
			t.Errorf("GetParameter(%s) = %v, %v, want %s", asked, got, err, want)
		}
	}
	many, err := c.GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{name, "/missing"}})
	if err != nil || len(many.Parameters) != 1 || !cmp.Equal(many.InvalidParameters, []string{"/missing"}) {
		t.Errorf("GetParameters = %v, %v, want one found and /missing invalid", many, err)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	c := client(t, emulator.Options{})
	put(t, c, &ssm.PutParameterInput{Name: aws.String(name), Type: types.ParameterTypeString, Value: aws.String("one")})
	putErr := func(in *ssm.PutParameterInput) error { _, err := c.PutParameter(t.Context(), in); return err }
	getErr := func(n string) error {
		_, err := c.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(n)})
		return err
	}

	var exists *types.ParameterAlreadyExists
	if err := putErr(&ssm.PutParameterInput{Name: aws.String(name), Type: types.ParameterTypeString, Value: aws.String("two")}); !errors.As(err, &exists) {
		t.Errorf("PutParameter(existing) = %v, want ParameterAlreadyExists", err)
	}
	var missing *types.ParameterNotFound
	if err := getErr("/missing"); !errors.As(err, &missing) {
		t.Errorf("GetParameter(/missing) = %v, want ParameterNotFound", err)
	}
	var noVersion *types.ParameterVersionNotFound
	if err := getErr(name + ":7"); !errors.As(err, &noVersion) {
		t.Errorf("GetParameter(%s:7) = %v, want ParameterVersionNotFound", name, err)
	}
	if _, err := c.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String(name)}); err != nil {
		t.Errorf("DeleteParameter(%s) = %v", name, err)
	}
	missing = nil
	if _, err := c.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String(name)}); !errors.As(err, &missing) {
		t.Errorf("DeleteParameter(gone) = %v, want ParameterNotFound", err)
	}
}

func TestPutRefuses(t *testing.T) {
	c := client(t, emulator.Options{})
	str := types.ParameterTypeString
	tests := map[string]*ssm.PutParameterInput{
		"no type":           {Name: aws.String("a"), Value: aws.String("v")},
		"reserved name":     {Name: aws.String("/aws/a"), Type: str, Value: aws.String("v")},
		"bad character":     {Name: aws.String("a b"), Type: str, Value: aws.String("v")},
		"path not absolute": {Name: aws.String("a/b"), Type: str, Value: aws.String("v")},
		"empty value":       {Name: aws.String("a"), Type: str, Value: aws.String("")},
		"long value":        {Name: aws.String("a"), Type: str, Value: aws.String(strings.Repeat("v", 4097))},
	}
	for test, in := range tests {
		t.Run(test, func(t *testing.T) {
			var refusal smithy.APIError
			if _, err := c.PutParameter(t.Context(), in); !errors.As(err, &refusal) || refusal.ErrorCode() != "ValidationException" {
				t.Errorf("PutParameter(%v) = %v, want ValidationException", in, err)
			}
		})
	}
}
