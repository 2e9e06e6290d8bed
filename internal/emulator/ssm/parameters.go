package ssm

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

const secure = "SecureString"

// defaultKey is the account's own, which encrypts a SecureString whose writer
// names none.
const defaultKey = "alias/aws/ssm"

// maxValue is the limit of a standard parameter's value, in bytes:
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
const maxValue = 4096

// parameter is one version of one parameter.
type parameter struct {
	name, kind, value  string
	keyID, description string // the key of a SecureString as the caller named it
	version            int
	modified           time.Time
}

type parameterOut struct {
	Name, Type, Value string
	Version           int
	Selector          string  `json:",omitempty"`
	LastModifiedDate  float64 // seconds since 1970
	ARN               string
	DataType          string
}

// out is the parameter as an answer shows it: the value of a SecureString only to
// a caller that asks for it decrypted.
func (p parameter) out(decrypt bool, selector string) parameterOut {
	value := p.value
	if p.kind == secure && !decrypt {
		sum := sha256.Sum256([]byte(p.value))
		value = base64.StdEncoding.EncodeToString(sum[:])
	}
	return parameterOut{
		Name: p.name, Type: p.kind, Value: value, Version: p.version, Selector: selector,
		LastModifiedDate: seconds(p.modified), ARN: arnOf(p.name), DataType: "text",
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func arnOf(name string) string { return arnPrefix + strings.TrimPrefix(name, "/") }

// find returns the version that a name, name:version or ARN asks for, and the
// selector, ":" and the version, or empty.
func (s *service) find(asked string) (parameter, string, error) {
	name, isARN := strings.CutPrefix(asked, arnPrefix)
	name, version, hasVersion := strings.Cut(name, ":")
	versions := s.parameters[name]
	if isARN && versions == nil {
		// An ARN does not say whether the name starts with a slash.
		versions = s.parameters["/"+name]
	}
	if len(versions) == 0 {
		return parameter{}, "", refuse("ParameterNotFound", "Parameter %s not found.", asked)
	}
	if !hasVersion {
		return versions[len(versions)-1], "", nil
	}
	n, err := strconv.Atoi(version)
	if err != nil || n < 1 || n > len(versions) {
		return parameter{}, "", refuse("ParameterVersionNotFound", "Systems Manager could not find version %s of %s.",
			version, name)
	}
	return versions[n-1], ":" + version, nil
}

type getIn struct {
	Name           string
	WithDecryption bool
}

type getOut struct{ Parameter parameterOut }

func (s *service) getParameter(in getIn) (getOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, selector, err := s.find(in.Name)
	if err != nil {
		return getOut{}, err
	}
	return getOut{p.out(in.WithDecryption, selector)}, nil
}

type getManyIn struct {
	Names          []string
	WithDecryption bool
}

type getManyOut struct {
	Parameters        []parameterOut
	InvalidParameters []string
}

func (s *service) getParameters(in getManyIn) (getManyOut, error) {
	if len(in.Names) < 1 || len(in.Names) > 10 {
		return getManyOut{}, invalid("Names must have 1 to 10 members.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := getManyOut{Parameters: []parameterOut{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		p, selector, err := s.find(name)
		if err != nil {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		out.Parameters = append(out.Parameters, p.out(in.WithDecryption, selector))
	}
	return out, nil
}

type putIn struct {
	Name, Type, Value string
	KeyID             string `json:"KeyId"`
	Description       string
	Overwrite         bool
}

type putOut struct {
	Version int
	Tier    string
}

func (s *service) putParameter(in putIn) (putOut, error) {
	if err := in.check(); err != nil {
		return putOut{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	versions := s.parameters[in.Name]
	kind := in.Type
	switch {
	case len(versions) > 0 && !in.Overwrite:
		return putOut{}, refuse("ParameterAlreadyExists", "The parameter already exists. "+
			"To overwrite this value, set the overwrite option in the request to true.")
	case len(versions) > 0 && kind == "":
		kind = versions[len(versions)-1].kind
	case kind == "":
		return putOut{}, invalid("A parameter type is required when you create a parameter.")
	}
	keyID := in.KeyID
	switch {
	case kind != secure && keyID != "":
		return putOut{}, invalid("KeyId is for parameters of the type SecureString only.")
	case kind == secure && keyID == "":
		// As at AWS, the key of the version before does not count: a writer who forgets
		// to name it takes the value off that key.
		keyID = defaultKey
	}
	p := parameter{
		name: in.Name, kind: kind, value: in.Value, keyID: keyID, description: in.Description,
		version: len(versions) + 1, modified: s.now(),
	}
	s.parameters[in.Name] = append(versions, p)
	return putOut{Version: p.version, Tier: "Standard"}, nil
}

// check refuses what SSM refuses of a name, a type and a value:
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func (in putIn) check() error {
	first := strings.ToLower(strings.TrimPrefix(in.Name, "/"))
	switch {
	case in.Name == "", strings.IndexFunc(in.Name, badInName) >= 0:
		return invalid("Parameter name: only a mix of letters, numbers and the symbols .-_/ is allowed.")
	case strings.HasPrefix(first, "aws"), strings.HasPrefix(first, "ssm"):
		return invalid("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
	case strings.Contains(in.Name[1:], "/") && !strings.HasPrefix(in.Name, "/"):
		return invalid("Parameter name must be a fully qualified name.")
	case in.Type != "" && !slices.Contains([]string{"String", "StringList", secure}, in.Type):
		return refuse("UnsupportedParameterType", "The parameter type %s is not supported.", in.Type)
	case in.Value == "":
		return invalid("Value must have length greater than or equal to 1.")
	case len(in.Value) > maxValue:
		return invalid("Standard tier parameters support a maximum parameter value of 4096 characters.")
	}
	return nil
}

func badInName(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-/", r))
}

type deleteIn struct{ Name string }

type empty struct{}

func (s *service) deleteParameter(in deleteIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.parameters[in.Name]; !ok {
		return empty{}, refuse("ParameterNotFound", "Parameter %s not found.", in.Name)
	}
	delete(s.parameters, in.Name)
	return empty{}, nil
}
