package doctor_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/doctor"
	"github.com/clerksync/clerksync/internal/emulator/clerk"
)

// What the probe found, or that it finds nothing because it does not work.
func TestProbeFaults(t *testing.T) {
	probe := func(checked, missing, failed float64) func(*stack) {
		return func(s *stack) { s.SetProbe(ssmtypes.ParameterTypeSecureString, checked, missing, failed) }
	}
	testFaults(t, "probe", map[string]fault{
		"off": {
			plant: func(*stack) {}, status: doctor.Skip,
			says: "seen only by clerksync diff", mend: "ClerkSecretKeyParameter",
		},
		"rows are missing": {
			plant: probe(60, 2, 0), says: "2 of Clerk's newest 60", mend: "diff --stack mirror --repair",
		},
		"it failed":       {plant: probe(0, 0, 1), says: "the last probe failed", mend: "log of ProbeFunction"},
		"it does not run": {plant: probe(-1, 0, 0), says: "no probe ran in 17m", mend: "schedule"},
		"no key": {
			plant: func(s *stack) { s.Account.Parameters["ClerkSecretKeyParameter"] = "/not/there" },
			says:  "/not/there does not exist", mend: "put-parameter --type SecureString --name /not/there",
		},
		"key for all to read": {
			plant: func(s *stack) { s.SetProbe(ssmtypes.ParameterTypeString, 60, 0, 0) },
			says:  "is not encrypted", mend: "revoke",
		},
		"metrics not readable": {
			plant: func(s *stack) { probe(60, 0, 0)(s); s.Account.Denied["GetMetricData"] = true },
			says:  "AccessDenied", mend: "cloudwatch:GetMetricData",
		},
		"parameters not readable": {
			plant: func(s *stack) { probe(60, 0, 0)(s); s.Account.Denied["DescribeParameters"] = true },
			says:  "AccessDenied", mend: "ssm:DescribeParameters",
		},
	})
}

// A key in the environment must open the instance whose events come here.
func TestClerkKey(t *testing.T) {
	const key = "sk_test_canary"
	api := httptest.NewServer(clerk.New(clerk.Options{ID: "ins_ours", Key: key, Limit: -1}))
	t.Cleanup(api.Close)
	for name, c := range map[string]struct {
		key, row, configured string
		status               doctor.Status
		says                 string
	}{
		"none": {status: doctor.Skip, says: "CLERK_SECRET_KEY is not set"},
		"its instance": {
			key: key, row: "ins_ours", configured: "ins_ours", status: doctor.Pass, says: "ins_ours",
		},
		"revoked":            {key: "sk_test_canary2", status: doctor.Fail, says: "clerk_key_invalid"},
		"not a key":          {key: "canary with spaces", status: doctor.Fail, says: "characters that no key has"},
		"of another's rows":  {key: key, row: "ins_other", status: doctor.Fail, says: "ins_other"},
		"another configured": {key: key, configured: "ins_other", status: doctor.Fail, says: "ins_other"},
	} {
		t.Run(name, func(t *testing.T) {
			s := deploymenttest.New(t)
			s.UseAsAWS()
			s.Account.IngestEnvironment = map[string]string{"CLERK_INSTANCE_ID": c.configured}
			if c.row != "" {
				s.PutUser("a", c.row)
			}
			o := ofStack(s)
			o.NoSend = true
			o.Getenv = func(name string) string {
				return map[string]string{"CLERK_SECRET_KEY": c.key, "CLERK_API_URL": api.URL + "/v1"}[name]
			}
			v := examine(t, o)["clerk-key"]
			if v.Status != c.status || !strings.Contains(v.Detail, c.says) ||
				(v.Status == doctor.Fail) != (v.Mend != "") {
				t.Errorf("doctor: clerk-key = %+v, want %s that says %q", v, c.status, c.says)
			}
			if strings.Contains(v.Detail+v.Mend, "canary") {
				t.Errorf("doctor prints the key: %+v", v)
			}
		})
	}
}
