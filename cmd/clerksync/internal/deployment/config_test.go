package deployment_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
)

// A `clerksync dev`, or any endpoint that is not AWS, needs no AWS configuration,
// and a bad one does no harm.
// https://github.com/aws/aws-toolkit-visual-studio/issues/216
func TestEndpointNeedsNoAWSConfiguration(t *testing.T) {
	const missing = "a profile that is not there"
	for name, file := range map[string]string{
		missing:              "",
		"FIPS":               "use_fips_endpoint = true",
		"dual stack":         "use_dualstack_endpoint = true",
		"account id":         "account_id_endpoint_mode = required",
		"role":               "role_arn = arn:aws:iam::000000000000:role/r\nsource_profile = default",
		"MFA":                "role_arn = arn:aws:iam::000000000000:role/r\nsource_profile = default\nmfa_serial = m",
		"SSO":                "sso_session = s\nsso_account_id = 1\nsso_role_name = r",
		"credential process": "credential_process = sleep 60",
		"retry mode":         "retry_mode = bogus",
		"attempts":           "max_attempts = abc",
		"no INI":             "[",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(path, []byte("[default]\n"+file+"\n[sso-session s]\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			deploymenttest.IsolateAWS(t)
			t.Setenv("AWS_CONFIG_FILE", path)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", path)
			if name == missing {
				t.Setenv("AWS_PROFILE", "work")
			}
			for _, n := range []deployment.Names{{}, {EndpointURL: "http://localhost:8000"}} {
				checkMadeUp(t, n)
			}
		})
	}
}

func checkMadeUp(t *testing.T, n deployment.Names) {
	t.Helper()
	cfg, err := n.LoadConfig(t.Context(), os.Getenv)
	if err != nil {
		t.Fatalf("LoadConfig(%+v) = %v, want no error", n, err)
	}
	c, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || c.AccessKeyID != "local" || cfg.Region != "us-east-1" {
		t.Errorf("LoadConfig(%+v) = %s, %v in %s, want made-up keys in us-east-1", n, c.AccessKeyID, err, cfg.Region)
	}
	if len(cfg.ConfigSources) > 0 {
		t.Errorf("LoadConfig(%+v) hands %d sources on to the clients, want none", n, len(cfg.ConfigSources))
	}
}

// The keys of the environment reach an emulator; those of the machine reach AWS's
// own endpoints, which take no others.
func TestEndpointCredentials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials")
	text := "[default]\naws_access_key_id = filed\naws_secret_access_key = s\nregion = eu-west-1\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{
		"AWS_CONFIG_FILE": path, "AWS_SHARED_CREDENTIALS_FILE": path, "AWS_PROFILE": "", "AWS_REGION": "",
		"AWS_DEFAULT_REGION": "", "AWS_ENDPOINT_URL": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
	} {
		t.Setenv(name, v)
	}
	given := map[string]string{
		"AWS_ACCESS_KEY_ID": "given", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
		"AWS_DEFAULT_REGION": "eu-north-1",
	}
	for name, c := range map[string]struct {
		endpoint string
		env      map[string]string
		want     aws.Credentials
		region   string
	}{
		"emulator": {
			endpoint: "http://127.0.0.1:1", want: aws.Credentials{AccessKeyID: "local"}, region: "us-east-1",
		},
		"emulator, keys given": {
			endpoint: "http://amazonaws.com.example", env: given,
			want: aws.Credentials{AccessKeyID: "given", SessionToken: "t"}, region: "eu-north-1",
		},
		"half a key": {
			endpoint: "http://127.0.0.1:1", env: map[string]string{"AWS_ACCESS_KEY_ID": "given"},
			want: aws.Credentials{AccessKeyID: "local"}, region: "us-east-1",
		},
		"VPC endpoint": {
			endpoint: "https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com",
			want:     aws.Credentials{AccessKeyID: "filed"}, region: "eu-west-1",
		},
		"AWS": {want: aws.Credentials{AccessKeyID: "filed"}, region: "eu-west-1"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := deployment.LoadConfig(t.Context(), func(v string) string { return c.env[v] }, c.endpoint)
			if err != nil {
				t.Fatal(err)
			}
			got, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil || got.AccessKeyID != c.want.AccessKeyID || got.SessionToken != c.want.SessionToken ||
				cfg.Region != c.region {
				t.Errorf("LoadConfig = %s, %q, %v in %s, want %s, %q in %s",
					got.AccessKeyID, got.SessionToken, err, cfg.Region,
					c.want.AccessKeyID, c.want.SessionToken, c.region)
			}
		})
	}
}

// A profile with an mfa_serial works against AWS: its code is asked for, on a
// terminal alone.
func TestMFAProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	text := "[default]\nregion = eu-west-1\nmfa_serial = m\nsource_profile = default\n" +
		"role_arn = arn:aws:iam::000000000000:role/r\naws_access_key_id = a\naws_secret_access_key = s\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", path)
	t.Setenv("AWS_PROFILE", "")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	cfg, err := deployment.LoadConfig(t.Context(), func(string) string { return "" }, "")
	if err != nil {
		t.Fatalf("LoadConfig = %v, want no error before the code is needed", err)
	}
	_, err = cfg.Credentials.Retrieve(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the profile needs an MFA code") {
		t.Errorf("Retrieve without a terminal = %v, want an error that says what is needed", err)
	}
}
