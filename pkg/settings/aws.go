package settings

import "slices"

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
	// CertFile is SSL_CERT_FILE: a bundle of root certificates that crypto/x509
	// reads in place of the system's own. Where it is set, it alone is trusted.
	CertFile string
}

func (r *reader) aws() AWS {
	s := AWS{
		Region:          r.required("AWS_REGION"),
		AccessKeyID:     r.required("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: r.required("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    r.get("AWS_SESSION_TOKEN"),
		Preconnect:      r.get("WARM_UP") != "off",
		CertFile:        r.get("SSL_CERT_FILE"),
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
	return s
}
