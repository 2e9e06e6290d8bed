package template_test

import (
	"regexp"
	"strings"
	"testing"
)

// Whoever assumes this role can put any message on the queue, which sync then applies.
func TestWhoMayAssumeTheRedriveRole(t *testing.T) {
	const (
		onCall, admin = "arn:aws:iam::111122223333:role/on-call", "arn:aws:iam::111122223333:user/admin"
		account       = `!Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"`
	)
	for name, c := range map[string]struct {
		params    params
		principal string
		condition string
	}{
		"by default whom the account lets": {principal: account},
		"one role": {
			params:    params{"RedrivePrincipalArns": onCall},
			principal: `!Split [",", "` + onCall + `"]`,
		},
		"several": {
			params:    params{"RedrivePrincipalArns": onCall + "," + admin},
			principal: `!Split [",", "` + onCall + `,` + admin + `"]`,
		},
		"with a second factor": {
			params:    params{"RedriveRequiresMfa": "true"},
			principal: account,
			condition: `, Condition: {Bool: {aws:MultiFactorAuthPresent: "true"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantProperty(t, load(t, c.params), "RedriveRole.AssumeRolePolicyDocument.Statement",
				`[{Effect: Allow, Principal: {AWS: `+c.principal+`}, Action: sts:AssumeRole`+c.condition+`}]`)
		})
	}
}

// Whoever reads SECURITY.md learns that this role can write the directory, and how to keep it to a few.
func TestSecurityNamesTheRedriveRole(t *testing.T) {
	for _, word := range []string{"RedriveRole", "RedrivePrincipalArns", "RedriveRequiresMfa"} {
		if !strings.Contains(readFile(t, "SECURITY.md"), "`"+word+"`") {
			t.Errorf("SECURITY.md does not name `%s`", word)
		}
	}
}

func TestRedrivePrincipalsAreARNs(t *testing.T) {
	text, _ := load(t).Get("Parameters", "RedrivePrincipalArns", "AllowedPattern").(string)
	allowed := regexp.MustCompile(text)
	for value, want := range map[string]bool{
		"":                                       true,
		"arn:aws:iam::111122223333:root":         true,
		"arn:aws:iam::111122223333:role/on-call": true,
		"arn:aws-cn:iam::111122223333:user/team/ada,arn:aws:iam::111122223333:role/on-call": true,
		"*": false,
		"arn:aws:iam::111122223333:role/on-call,":                            false,
		",arn:aws:iam::111122223333:role/on-call":                            false,
		"arn:aws:iam::111122223333:role/*":                                   false,
		"arn:aws:iam::111122223333:role/a, arn:aws:iam::111122223333:role/b": false,
	} {
		if got := allowed.MatchString(value); got != want {
			t.Errorf("RedrivePrincipalArns takes %q: %v, want %v", value, got, want)
		}
	}
}
