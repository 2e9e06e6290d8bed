package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
)

// secret checks the signing secret in SSM, or finds one to sign with.
func (d *doctor) secret(ctx context.Context) verdict {
	if text := d.c.String("secret"); text != "" {
		return d.take(text, "--secret", "give --secret as Clerk's dashboard shows it")
	}
	name := d.c.String("parameter")
	if name == "" && d.stack != "" {
		if name = d.parameters["SecretParameterName"]; name == "" {
			name = pipeline.SecretParameter
		}
	}
	if name == "" {
		return d.secretAtHand()
	}
	if d.aws.Region == "" {
		return skip("AWS cannot be asked")
	}
	set := "clerksync secret set --parameter " + name
	out, err := ssm.NewFromConfig(d.aws).GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	var none *types.ParameterNotFound
	if errors.As(err, &none) {
		return fail("put it there with: "+set, "there is no parameter %s: the endpoint answers 500 not_configured", name)
	}
	if err != nil || out.Parameter == nil {
		return fail("ask for the permission ssm:GetParameter (and kms:Decrypt where it has a key of its own)", "cannot read parameter %s: %s", name, apiCode(err))
	}
	v := d.take(aws.ToString(out.Parameter.Value), "parameter "+name, "put it there anew with: "+set)
	if v.Status == statusPass && out.Parameter.Type != types.ParameterTypeSecureString {
		return warn("delete it, then: "+set, "parameter %s is a %s: whoever may describe parameters reads it", name, out.Parameter.Type)
	}
	return v
}

// secretAtHand is the environment's, or clerksync dev's own.
func (d *doctor) secretAtHand() verdict {
	s, err := d.program.secret("")
	switch {
	case err != nil:
		return fail("give one with --secret", "%v", err)
	case s.given:
		return d.take(s.text, "the environment", "set "+settings.EnvSigningSecret+" as Clerk's dashboard shows it")
	case d.local:
		return d.take(s.text, "clerksync dev", "give one with --secret")
	}
	return skip("none to sign with: give --secret or --parameter, or name the --stack")
}

func (d *doctor) take(text, from, mend string) verdict {
	secrets, err := svix.ParseSecrets(text)
	if err != nil {
		return fail(mend, "the secret from %s is malformed: %v. clerksync doctor signature says what is around it", from, err)
	}
	d.secrets, d.from = secrets, from
	return pass("%s, well formed, from %s", count(secrets.Len()), from)
}

// reply is what the webhook answered.
type reply struct {
	status int
	header http.Header
	text   string
	took   time.Duration
	body   struct {
		Error   string `json:"error"`
		Ignored string `json:"ignored"`
		Message string `json:"message"` // the gateway's own
	}
}

// call posts to the webhook.
func (d *doctor) call(ctx context.Context, body []byte, h svix.Headers) (r reply, err error) {
	ctx, cancel := context.WithTimeout(ctx, svixTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.webhookURL, bytes.NewReader(body))
	if err != nil {
		return r, fmt.Errorf("%q is no URL: %w", d.webhookURL, err)
	}
	req.Header.Set("content-type", "application/json")
	req.Header.Set("user-agent", "clerksync doctor")
	if h.ID != "" {
		req.Header.Set("svix-id", h.ID)
		req.Header.Set("svix-timestamp", h.Timestamp)
		req.Header.Set("svix-signature", h.Signature)
	}
	began := time.Now()
	resp, err := (&http.Client{CheckRedirect: stay}).Do(req)
	if err != nil {
		return r, fmt.Errorf("post to %s: %w", d.webhookURL, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return r, fmt.Errorf("read the answer of %s: %w", d.webhookURL, err)
	}
	r.status, r.header, r.text, r.took = resp.StatusCode, resp.Header, string(text), time.Since(began)
	_ = json.Unmarshal(text, &r.body) // another server's answer has other members
	return r, nil
}

// endpoint checks that what is not signed is refused, by clerksync.
func (d *doctor) endpoint(ctx context.Context) verdict {
	switch {
	case d.webhookURL == "":
		return skip("its URL is not known: give --url")
	case d.c.Bool("no-send"):
		return skip("--no-send")
	}
	u, err := url.Parse(d.webhookURL)
	if err != nil || u.Host == "" {
		return fail("give the whole URL with --url", "%q is no URL", d.webhookURL)
	}
	asked := d.now()
	r, err := d.call(ctx, []byte("{}"), svix.Headers{})
	if err != nil {
		mend := "does the name resolve, and may this machine go out? Else is the stack there? " + deployAgain
		if d.local {
			mend = "start it with: clerksync dev"
		}
		return fail(mend, "%v", err)
	}
	if at, err := http.ParseTime(r.header.Get("date")); err == nil {
		d.skew, d.date = at.Sub(asked.Add(r.took/2)), true
	}
	v := unsigned(r)
	d.touched = v.Status == statusPass
	if ip := net.ParseIP(u.Hostname()); d.touched && u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return warn("use https", "the answer is right, and %s is without TLS", d.webhookURL)
	}
	return v
}

// unsigned judges the answer to a request without a signature.
func unsigned(r reply) verdict {
	said := fmt.Sprintf("%d %s", r.status, firstLine(errors.New(r.text[:min(len(r.text), 200)])))
	switch {
	case r.status == http.StatusBadRequest && r.body.Error == "missing_headers":
		return pass("a request without a signature is refused (400 missing_headers)")
	case r.status >= 200 && r.status < 300:
		return fail("take it off the internet until it verifies: is the URL clerksync's?", "a request WITHOUT a signature is accepted (%s)", said)
	case r.status >= 300 && r.status < 400:
		return fail("enter the URL that it leads to: Svix follows no redirect", "it redirects to %q", r.header.Get("location"))
	case r.status == http.StatusNotFound && r.body.Error == "":
		return fail("the path is "+ingest.Path+". If it is, the route was deleted: "+deployAgain, "there is no such route (%s)", said)
	case r.status == http.StatusNotFound, r.status == http.StatusMethodNotAllowed:
		return fail("the URL ends in "+ingest.Path+", without a slash behind it", "clerksync is there and does not know the path (%s)", said)
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		return fail("let POST "+ingest.Path+" through: no authorizer, no firewall rule; the signature is the authentication", "something in front of the endpoint refuses requests (%s)", said)
	case r.status == http.StatusTooManyRequests:
		return fail("ask again; if it stays, raise ThrottlingRateLimit, or see who floods it (the metric Rejected, the API's access log)", "it is throttled (%s)", said)
	case r.body.Error == "not_configured":
		return fail("clerksync secret check; may the function read the parameter, and decrypt it?", "the endpoint has no secret (%s)", said)
	case r.status >= 500:
		return fail("see ingest's log and the API's access log: does the function start, may the API call it?", "the function does not answer (%s)", said)
	}
	return fail("is the URL clerksync's?", "unexpected answer (%s)", said)
}

const (
	skewWarn = time.Minute
)

// clock compares this machine's clock with the endpoint's.
func (d *doctor) clock(context.Context) verdict {
	if !d.date {
		return skip("the endpoint did not say its time")
	}
	off, side := d.skew, "behind"
	if off < 0 {
		off, side = -off, "ahead of"
	}
	said := fmt.Sprintf("this machine's clock is %s %s the endpoint's", off.Round(time.Second), side)
	switch {
	case off > svix.Tolerance:
		return fail("set the clock by NTP, here or, where the endpoint is on a machine of yours, there: it would refuse what Clerk signs", "%s", said)
	case off > skewWarn:
		return warn("set the clock by NTP: beyond 5 minutes a signature is refused", "%s", said)
	}
	return pass("within %s of the endpoint's", max(off.Round(time.Second), time.Second))
}

// apiCode is what a service answered, without its words: they may hold the
// caller's names.
func apiCode(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return "no value"
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return firstLine(err)
}
