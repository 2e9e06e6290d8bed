package ssm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

const (
	name = "/clerksync/signing-secret"
	arn  = "arn:aws:ssm:us-east-1:000000000000:parameter/clerksync/signing-secret"
)

func client(t *testing.T, o emulator.Options) *ssm.Client {
	t.Helper()
	return ssm.NewFromConfig(emulatortest.Start(t, emulator.New(o)))
}

// put puts a new parameter of this type, or overwrites one if the type is empty.
func put(t *testing.T, c *ssm.Client, value string, kind types.ParameterType) error {
	t.Helper()
	_, err := c.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String(name), Value: &value, Type: kind, Overwrite: aws.Bool(kind == ""),
	})
	return err
}

func get(t *testing.T, c *ssm.Client, name string, decrypt bool) (*types.Parameter, error) {
	t.Helper()
	out, err := c.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name, WithDecryption: &decrypt})
	if err != nil {
		return nil, err
	}
	return out.Parameter, nil
}

// A SecureString is given back only to a caller that asks for it decrypted, so
// that one that forgets is found out here and not on AWS.
func TestSecureStringIsReadBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 250e6, time.UTC)
	c := client(t, emulator.Options{Now: func() time.Time { return at }})
	const value = "whsec_c2VjcmV0"
	if err := put(t, c, value, types.ParameterTypeSecureString); err != nil {
		t.Fatalf("PutParameter = %v", err)
	}
	p, err := get(t, c, name, true)
	if err != nil {
		t.Fatalf("GetParameter(%s) = %v", name, err)
	}
	got := []any{*p.Name, p.Type, *p.Value, p.Version, p.LastModifiedDate.UTC(), *p.ARN, *p.DataType}
	want := []any{name, types.ParameterTypeSecureString, value, int64(1), at, arn, "text"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetParameter(%s) (-want +got):\n%s", name, diff)
	}
	if p, err := get(t, c, name, false); err != nil || *p.Value == value {
		t.Errorf("GetParameter(%s) without decryption = the plain value or %v, want another text", name, err)
	}
}

// Each write of a parameter is a version, and the name alone means the latest. An
// ARN means the same as the name.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
func TestVersions(t *testing.T) {
	t.Parallel()
	c := client(t, emulator.Options{})
	if err := errors.Join(put(t, c, "one", types.ParameterTypeString), put(t, c, "two", "")); err != nil {
		t.Fatalf("PutParameter = %v", err)
	}
	for asked, want := range map[string]string{name: "two", name + ":1": "one", name + ":2": "two", arn: "two"} {
		if p, err := get(t, c, asked, false); err != nil || *p.Value != want {
			t.Errorf("GetParameter(%s) = %v, %v, want %s", asked, p, err, want)
		}
	}
	many, err := c.GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{name, "/missing"}})
	if err != nil || len(many.Parameters) != 1 || !cmp.Equal(many.InvalidParameters, []string{"/missing"}) {
		t.Errorf("GetParameters = %v, %v, want one found and /missing invalid", many, err)
	}
}

// The command decides by these types what it says and what it does.
func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	c := client(t, emulator.Options{})
	if err := put(t, c, "one", types.ParameterTypeString); err != nil {
		t.Fatalf("PutParameter = %v", err)
	}
	again := put(t, c, "two", types.ParameterTypeString)
	emulatortest.WantType[*types.ParameterAlreadyExists](t, "PutParameter of one that is there", again)
	_, err := get(t, c, "/missing", false)
	emulatortest.WantType[*types.ParameterNotFound](t, "GetParameter(/missing)", err)
	_, err = get(t, c, name+":7", false)
	emulatortest.WantType[*types.ParameterVersionNotFound](t, "GetParameter of version 7", err)
	in := &ssm.DeleteParameterInput{Name: aws.String(name)}
	if _, err := c.DeleteParameter(t.Context(), in); err != nil {
		t.Errorf("DeleteParameter = %v", err)
	}
	_, err = c.DeleteParameter(t.Context(), in)
	emulatortest.WantType[*types.ParameterNotFound](t, "DeleteParameter of one that is gone", err)
}

// Names and values that SSM refuses are refused: a name is a path from the root
// or has no slash, and a value has 1 to 4,096 bytes.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
func TestPutRefuses(t *testing.T) {
	t.Parallel()
	c := client(t, emulator.Options{})
	for name, test := range map[string]struct {
		name, value string
		kind        types.ParameterType
	}{
		"no type":           {name: "a", value: "v"},
		"reserved name":     {name: "/aws/a", value: "v", kind: types.ParameterTypeString},
		"bad character":     {name: "a b", value: "v", kind: types.ParameterTypeString},
		"path not absolute": {name: "a/b", value: "v", kind: types.ParameterTypeString},
		"empty value":       {name: "a", value: "", kind: types.ParameterTypeString},
		"long value":        {name: "a", value: strings.Repeat("v", 4097), kind: types.ParameterTypeString},
	} {
		in := &ssm.PutParameterInput{Name: &test.name, Value: &test.value, Type: test.kind}
		_, err := c.PutParameter(t.Context(), in)
		emulatortest.WantCode(t, "PutParameter, "+name, err, "ValidationException")
	}
}
