package ssm

import (
	"maps"
	"slices"
	"strings"
)

// maxDescribed is how many parameters one answer describes at most.
const maxDescribed = 50

type describeIn struct {
	ParameterFilters []filter
	MaxResults       int
	NextToken        string
}

// filter is a ParameterStringFilter.
type filter struct {
	Key, Option string
	Values      []string
}

type metadata struct {
	Name, Type       string
	KeyID            string `json:"KeyId,omitempty"`
	Description      string `json:",omitempty"`
	Version          int
	LastModifiedDate float64 // seconds since 1970
	ARN              string
	DataType, Tier   string
}

type describeOut struct {
	Parameters []metadata
	NextToken  string `json:",omitempty"`
}

// describeParameters lists what is known of parameters but their values, by
// name, those that pass all filters.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html
func (s *service) describeParameters(in describeIn) (describeOut, error) {
	limit := in.MaxResults
	switch {
	case limit == 0:
		limit = maxDescribed
	case limit < 1 || limit > maxDescribed:
		return describeOut{}, invalid("MaxResults must be from 1 to 50.")
	}
	for _, f := range in.ParameterFilters {
		if err := f.check(); err != nil {
			return describeOut{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := describeOut{Parameters: []metadata{}}
	for _, name := range slices.Sorted(maps.Keys(s.parameters)) {
		versions := s.parameters[name]
		p := versions[len(versions)-1]
		// The token is the name that the page before ended with: what is put or deleted
		// in between moves no other parameter to another page.
		if name <= in.NextToken || slices.ContainsFunc(in.ParameterFilters, p.fails) {
			continue
		}
		if len(out.Parameters) == limit {
			out.NextToken = out.Parameters[limit-1].Name
			break
		}
		out.Parameters = append(out.Parameters, metadata{
			Name: name, Type: p.kind, KeyID: p.keyID, Description: p.description, Version: p.version,
			LastModifiedDate: seconds(p.modified), ARN: arnOf(name), DataType: "text", Tier: "Standard",
		})
	}
	return out, nil
}

func (f filter) check() error {
	switch {
	case !slices.Contains([]string{"Name", "Type", "KeyId"}, f.Key):
		return refuse("InvalidFilterKey", "The emulator filters by Name, Type and KeyId, not by %q.", f.Key)
	case !slices.Contains([]string{"", "Equals", "BeginsWith"}, f.Option) &&
		(f.Key != "Name" || f.Option != "Contains"):
		return refuse("InvalidFilterOption", "The filter option %q is not valid for %s.", f.Option, f.Key)
	case len(f.Values) < 1 || len(f.Values) > 50:
		return refuse("InvalidFilterValue", "A filter has 1 to 50 values.")
	}
	return nil
}

// fails says whether a filter leaves the parameter out.
func (p parameter) fails(f filter) bool {
	got := map[string]string{"Name": p.name, "Type": p.kind, "KeyId": p.keyID}[f.Key]
	matches := map[string]func(string, string) bool{
		"BeginsWith": strings.HasPrefix, "Contains": strings.Contains,
	}[f.Option]
	if matches == nil {
		matches = func(a, b string) bool { return a == b }
	}
	return !slices.ContainsFunc(f.Values, func(v string) bool { return matches(got, v) })
}
