package settings

import (
	"crypto/x509"
	"os"
	"slices"
	"strings"
)

// AWS is what the environment says about AWS. Lambda sets the region and the
// credentials: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
type AWS struct {
	Region          string
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // "" for keys of a user

	// URLs to call instead of AWS's own, "" for those. The names are the AWS
	// SDKs': https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
	SQSEndpoint      string
	DynamoDBEndpoint string
	SSMEndpoint      string

	// Preconnect says whether a connection is opened before the first request
	// needs it. It is false where WARM_UP is off.
	Preconnect bool
	// UseFIPS and UseDualStack choose among AWS's own endpoints:
	// https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
	UseFIPS      bool
	UseDualStack bool
	// Roots are the certificates of the file that AWS_CA_BUNDLE or, without that,
	// SSL_CERT_FILE names. Where there is such a file, it alone is trusted. nil
	// leaves the choice to pkg/awsclient.
	Roots *x509.CertPool
}

func (r *reader) aws() AWS {
	s := AWS{
		Region:          r.required("AWS_REGION"),
		AccessKeyID:     r.required("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: r.required("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    r.get("AWS_SESSION_TOKEN"),
		Preconnect:      r.get("WARM_UP") != "off",
		UseFIPS:         r.boolean("AWS_USE_FIPS_ENDPOINT"),
		UseDualStack:    r.boolean("AWS_USE_DUALSTACK_ENDPOINT"),
		Roots:           r.roots("AWS_CA_BUNDLE", "SSL_CERT_FILE"),
	}
	var bad []string // one variable may stand for several services and is named once
	endpoint := func(own string) string {
		for _, name := range []string{own, "AWS_ENDPOINT_URL"} {
			text := r.get(name)
			if text == "" {
				continue // the template declares it even where it is empty
			}
			if !isURL(text) && !slices.Contains(bad, name) {
				bad = append(bad, name)
				r.fail("%s is not an http or https URL", name)
			}
			return text
		}
		return ""
	}
	s.SQSEndpoint = endpoint("AWS_ENDPOINT_URL_SQS")
	s.DynamoDBEndpoint = endpoint("AWS_ENDPOINT_URL_DYNAMODB")
	s.SSMEndpoint = endpoint("AWS_ENDPOINT_URL_SSM")
	r.checkVariant(s)
	return s
}

// checkVariant refuses a FIPS or dual-stack endpoint together with an endpoint
// URL. The SDK refuses it too, but only at each call.
func (r *reader) checkVariant(s AWS) {
	if s.SQSEndpoint+s.DynamoDBEndpoint+s.SSMEndpoint == "" {
		return
	}
	const format = "%s does not go together with an endpoint URL"
	if s.UseFIPS {
		r.fail(format, "AWS_USE_FIPS_ENDPOINT")
	}
	if s.UseDualStack {
		r.fail(format, "AWS_USE_DUALSTACK_ENDPOINT")
	}
}

// boolean reads true or false, in any case as the SDK does. The default is false.
func (r *reader) boolean(name string) bool {
	text := r.get(name)
	on := strings.EqualFold(text, "true")
	if text != "" && !on && !strings.EqualFold(text, "false") {
		r.fail("%s must be one of true, false", name)
	}
	return on
}

// roots reads the file that the first of the variables names which is set, or
// returns nil. A file that holds no certificate is found here, at the start,
// rather than as an unknown authority at each call.
func (r *reader) roots(names ...string) *x509.CertPool {
	for _, name := range names {
		file := r.get(name)
		if file == "" {
			continue
		}
		pool := x509.NewCertPool()
		text, err := os.ReadFile(file) // the operator names the file
		if err != nil || !pool.AppendCertsFromPEM(text) {
			r.fail("%s does not name a file of certificates in PEM that can be read", name)
		}
		return pool
	}
	return nil
}
