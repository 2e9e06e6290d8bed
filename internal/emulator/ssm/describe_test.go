package ssm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

// describe lists NAME=KEY of what passes the filters, over pages of one.
func describe(t *testing.T, c *ssm.Client, filters ...types.ParameterStringFilter) (got []string) {
	t.Helper()
	pages := ssm.NewDescribeParametersPaginator(c, &ssm.DescribeParametersInput{
		ParameterFilters: filters, MaxResults: aws.Int32(1),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatalf("DescribeParameters = %v", err)
		}
		for _, p := range out.Parameters {
			got = append(got, *p.Name+"="+aws.ToString(p.KeyId))
		}
	}
	return got
}

func putWith(t *testing.T, c *ssm.Client, name, key string, kind types.ParameterType) error {
	t.Helper()
	in := &ssm.PutParameterInput{Name: &name, Value: aws.String("v"), Type: kind, Overwrite: aws.Bool(true)}
	if key != "" {
		in.KeyId = &key
	}
	_, err := c.PutParameter(t.Context(), in)
	return err
}

// A writer who names no key takes the value off the key of the version before.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func TestKeyOfAParameter(t *testing.T) {
	t.Parallel()
	c := client(t, emulator.Options{SecureStrings: map[string]string{name: "v"}})
	for _, step := range []struct{ key, want string }{
		{key: "alias/mine", want: name + "=alias/mine"},
		{key: "", want: name + "=alias/aws/ssm"},
		{key: "1234abcd-12ab-34cd-56ef-1234567890ab", want: name + "=1234abcd-12ab-34cd-56ef-1234567890ab"},
	} {
		if err := putWith(t, c, name, step.key, types.ParameterTypeSecureString); err != nil {
			t.Fatalf("PutParameter with key %q = %v", step.key, err)
		}
		if diff := cmp.Diff([]string{step.want}, describe(t, c)); diff != "" {
			t.Errorf("after PutParameter with key %q (-want +got):\n%s", step.key, diff)
		}
	}
	err := putWith(t, c, "/plain", "alias/mine", types.ParameterTypeString)
	emulatortest.WantCode(t, "PutParameter of a String with a key", err, "ValidationException")
}

// Parameters are described by name, with all but the value. Filters are Equals
// where they name no option; a parameter passes where all filters let it, and a
// filter where one of its values fits.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
func TestDescribeParameters(t *testing.T) {
	t.Parallel()
	c := client(t, emulator.Options{SecureStrings: map[string]string{"/b": "v", "/a": "v"}})
	if err := errors.Join(putWith(t, c, "/a/c", "alias/mine", types.ParameterTypeSecureString),
		putWith(t, c, "/d", "", types.ParameterTypeString)); err != nil {
		t.Fatal(err)
	}
	by := func(key, option string, values ...string) []types.ParameterStringFilter {
		f := types.ParameterStringFilter{Key: &key, Values: values}
		if option != "" {
			f.Option = &option
		}
		return []types.ParameterStringFilter{f}
	}
	for name, test := range map[string]struct {
		filters []types.ParameterStringFilter
		want    string
	}{
		"all":                {want: "/a=alias/aws/ssm /a/c=alias/mine /b=alias/aws/ssm /d="},
		"one name":           {filters: by("Name", "", "/a"), want: "/a=alias/aws/ssm"},
		"several names":      {filters: by("Name", "Equals", "/a", "/d"), want: "/a=alias/aws/ssm /d="},
		"a name's begin":     {filters: by("Name", "BeginsWith", "/a"), want: "/a=alias/aws/ssm /a/c=alias/mine"},
		"a part of a name":   {filters: by("Name", "Contains", "c"), want: "/a/c=alias/mine"},
		"a key":              {filters: by("KeyId", "", "alias/mine"), want: "/a/c=alias/mine"},
		"a type":             {filters: by("Type", "", "String"), want: "/d="},
		"two filters":        {filters: append(by("Type", "", "SecureString"), by("Name", "", "/d")...)},
		"one that is absent": {filters: by("Name", "", "/x")},
	} {
		if got := strings.Join(describe(t, c, test.filters...), " "); got != test.want {
			t.Errorf("DescribeParameters, %s = %q, want %q", name, got, test.want)
		}
	}
	for code, filters := range map[string][]types.ParameterStringFilter{
		"InvalidFilterKey":    by("Tier", "", "Standard"),
		"InvalidFilterOption": by("Type", "Contains", "S"),
		"InvalidFilterValue":  by("Name", "", make([]string, 51)...),
	} {
		_, err := c.DescribeParameters(t.Context(), &ssm.DescribeParametersInput{ParameterFilters: filters})
		emulatortest.WantCode(t, "DescribeParameters", err, code)
	}
}
