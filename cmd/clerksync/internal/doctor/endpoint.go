package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
)

// signingSecret is what to sign our events with.
type signingSecret struct {
	secrets *svix.Secrets
	from    string // where it comes from, in words for people
}

// findSecret checks the signing secret in SSM, or finds another one to sign
// with. The secret is nil where there is none, or a malformed one. cfg is usable
// where it has a region; d is nil where it was not found.
func findSecret(
	ctx context.Context, o Options, cfg aws.Config, d *deployment.Deployment,
) (*signingSecret, Verdict) {
	if o.Secret != "" {
		return parseSecret(o.Secret, "--secret", "give --secret as Clerk's dashboard shows it")
	}
	name := o.Parameter
	if name == "" && d != nil && d.Stack != nil {
		name = d.Stack.SecretParameter()
	}
	switch {
	case o.NoParameters:
		return nil, skip("no parameter is read here: clerksync doctor%s reads it", o.Names.Flags())
	case name == "" && o.Names.Stack != "":
		return nil, notFound()
	case name == "":
		return findLocalSecret(o)
	case cfg.Region == "":
		return nil, skip("AWS cannot be asked")
	}
	return readSecret(ctx, deployment.NewParameter(cfg, name), name, o.Names, d)
}

// readSecret checks the signing secret in SSM and the key that encrypts it.
func readSecret(
	ctx context.Context, parameter *deployment.Parameter, name string, names deployment.Names, d *deployment.Deployment,
) (*signingSecret, Verdict) {
	set := "clerksync secret set --parameter " + name + names.Flags()
	text, kind, err := parameter.Read(ctx)
	switch {
	case errors.Is(err, deployment.ErrNotFound):
		return nil, fail("put it there with: "+set,
			"there is no parameter %s: the endpoint answers 500 not_configured", name)
	case err != nil:
		return nil, fail("ask for the permission ssm:GetParameter (and kms:Decrypt where it has a key of its own)",
			"cannot %s", firstLine(err))
	}
	secret, v := parseSecret(text, "parameter "+name, "put it there anew with: "+set)
	if secret == nil {
		return nil, v
	}
	if kind != deployment.SecureString {
		return secret, warn("delete it, then: "+set,
			"parameter %s is a %s: whoever may describe parameters reads it", name, kind)
	}
	key, err := parameter.ReadKey(ctx)
	if err != nil {
		return secret, warn("ask for the permission ssm:DescribeParameters", "%s; cannot %s", v.Detail, firstLine(err))
	}
	if d != nil && d.Stack != nil {
		if problem, mend := d.Stack.CheckSecretKey(name, key); problem != "" {
			return secret, warn(mend, "%s", problem)
		}
	}
	return secret, pass("%s, encrypted with %s", v.Detail, key)
}

// findLocalSecret finds the environment's secret, or that of a `clerksync dev`.
// The kept secret is dev's alone: another endpoint would refuse it, which would
// look like a fault of the endpoint.
func findLocalSecret(o Options) (*signingSecret, Verdict) {
	s, err := webhook.FindSecret("", o.Getenv)
	switch {
	case err != nil:
		return nil, fail("give one with --secret", "%v", err)
	case !s.Kept:
		return parseSecret(s.Text, "the environment", "set "+settings.EnvSigningSecret+" as Clerk's dashboard shows it")
	case o.Names.Local():
		return parseSecret(s.Text, "clerksync dev", "give one with --secret")
	}
	return nil, skip("none to sign with: give --secret or --parameter, or name the --stack")
}

func parseSecret(text, from, mend string) (*signingSecret, Verdict) {
	secrets, err := svix.ParseSecrets(text)
	if err != nil {
		return nil, fail(mend, "the secret from %s is malformed: %v. clerksync doctor signature says what is around it",
			from, err)
	}
	return &signingSecret{secrets, from}, pass("%s, well formed, from %s", webhook.CountSecrets(secrets), from)
}

// reply is the body of an answer, as far as it is clerksync's.
type reply struct {
	Error   string `json:"error"`
	Ignored string `json:"ignored"`
}

func readReply(a webhook.Answer) (r reply) {
	_ = json.Unmarshal([]byte(a.Body), &r) // another server's answer has other members
	return r
}

// quote is an answer in short.
func quote(a webhook.Answer) string {
	return fmt.Sprintf("%d %s", a.Status, firstLine(errors.New(a.Body[:min(len(a.Body), 200)])))
}

// endpoint is what a request without a signature shows of the webhook.
type endpoint struct {
	refusesUnsigned bool           // as it should
	skew            *time.Duration // how far its clock is ahead of ours, nil where it did not say
}

// checkEndpoint checks that clerksync is there and refuses what is not signed.
func checkEndpoint(ctx context.Context, o Options, to string) (e endpoint, v Verdict) {
	switch {
	case to == "":
		return e, skip("its URL is not known: give --url")
	case o.NoSend:
		return e, skip("--no-send")
	}
	if err := webhook.CheckURL(to); err != nil {
		return e, fail("give the whole URL with --url", "%v", err)
	}
	asked := o.Now()
	answer, err := webhook.Post(ctx, to, svix.Headers{}, []byte("{}"))
	if err != nil {
		mend := "does the name resolve, and may this machine go out? Else is the stack there? " + deployAgain
		if o.Names.Local() {
			mend = "start it with: clerksync dev"
		}
		return e, fail(mend, "%v", err)
	}
	// The header has whole seconds, and the answer took its time on the way: half of
	// it is a fair guess for when the header was written.
	if at, err := http.ParseTime(answer.Header.Get("date")); err == nil {
		skew := at.Sub(asked.Add(answer.Elapsed / 2))
		e.skew = &skew
	}
	v = judgeUnsigned(answer, o.Names)
	e.refusesUnsigned = v.Status == Pass
	if e.refusesUnsigned && isOpen(to) {
		v = warn("use https", "the answer is right, and %s is without TLS", to)
	}
	return e, v
}

// isOpen says whether anyone on the way can read what is sent to the URL.
func isOpen(to string) bool {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip == nil || !ip.IsLoopback()
}

// judgeUnsigned judges the answer to a request without a signature. Of the many
// wrong ones each names who answered: clerksync, the gateway or something before
// it, for each is mended elsewhere.
func judgeUnsigned(a webhook.Answer, names deployment.Names) Verdict {
	code, said := readReply(a).Error, quote(a)
	switch {
	case a.Status == http.StatusBadRequest && code == ingest.ReasonMissingHeaders:
		return pass("a request without a signature is refused (400 missing_headers)")
	case a.Accepted():
		return fail("take it off the internet until it verifies: is the URL clerksync's?",
			"a request WITHOUT a signature is accepted (%s)", said)
	case a.Status >= 300 && a.Status < 400:
		return fail("enter the URL that it leads to: Svix follows no redirect",
			"it redirects to %q", a.Header.Get("location"))
	case a.Status == http.StatusNotFound && code == "":
		return fail("the path is "+ingest.Path+". If it is, the route was deleted: "+deployAgain,
			"there is no such route (%s)", said)
	case a.Status == http.StatusNotFound, a.Status == http.StatusMethodNotAllowed:
		return fail("the URL ends in "+ingest.Path+", without a slash after it",
			"clerksync is there and does not know the path (%s)", said)
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		return fail("let POST "+ingest.Path+" through: no authorizer, no firewall rule; "+
			"the signature is the authentication", "something in front of the endpoint refuses requests (%s)", said)
	case a.Status == http.StatusTooManyRequests:
		return fail("ask again; if it stays, raise ThrottlingRateLimit, or see who floods it "+
			"(the metric Rejected, the API's access log)", "it is throttled (%s)", said)
	case code == ingest.ReasonNotConfigured:
		return judgeNotConfigured(said, names)
	case a.Status >= 500:
		return fail("see ingest's log and the API's access log: does the function start, may the API call it?",
			"the function does not answer (%s)", said)
	}
	return fail("is the URL clerksync's?", "unexpected answer (%s)", said)
}

func judgeNotConfigured(said string, names deployment.Names) Verdict {
	return fail("clerksync secret check"+names.Flags()+"; may the function read the parameter, and decrypt it?",
		"the endpoint has no secret (%s)", said)
}

// maxSkew leaves most of svix.Tolerance to the clocks of others.
const maxSkew = time.Minute

// checkClock compares this machine's clock with the endpoint's.
func checkClock(e endpoint) Verdict {
	if e.skew == nil {
		return skip("the endpoint did not say its time")
	}
	off, side := *e.skew, "behind"
	if off < 0 {
		off, side = -off, "ahead of"
	}
	rounded := cmp.Or(off.Round(time.Second), time.Second)
	said := fmt.Sprintf("this machine's clock is %s %s the endpoint's", rounded, side)
	switch {
	case off > svix.Tolerance:
		return fail("set the clock by NTP, here or, where the endpoint is on a machine of yours, there: "+
			"it would refuse what Clerk signs", "%s", said)
	case off > maxSkew:
		return warn("set the clock by NTP: beyond 5 minutes a signature is refused", "%s", said)
	}
	return pass("within %s of the endpoint's", rounded)
}
