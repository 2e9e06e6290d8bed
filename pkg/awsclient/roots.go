package awsclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed" // for the roots
	"errors"
	"net"
	"strings"
	"sync"
	"time"
)

// amazonRoots are the five roots of Amazon Trust Services, from which AWS's own
// endpoints have their certificates: https://www.amazontrust.com/repository/
// `make roots` writes the file anew from Debian's ca-certificates.
//
// They are embedded because reading all of the system's roots, some 150
// certificates, is most of what the first TLS connection of a process costs.
//
//go:embed roots.pem
var amazonRoots []byte

// tlsDialer opens TLS connections. crypto/tls verifies every chain, host and
// time; the dialer only chooses by which roots.
type tlsDialer struct {
	isAmazon func(host string) bool
	amazon   func() *x509.CertPool
	system   *x509.CertPool // nil for the system's own
}

// newTLSDialer returns a dialer that knows Amazon's roots, or only the system's
// where the user has chosen those (https://pkg.go.dev/crypto/x509#SystemCertPool
// reads SSL_CERT_FILE).
func newTLSDialer(certFile string) *tlsDialer {
	isAmazon := isAmazonHost
	if certFile != "" {
		isAmazon = func(string) bool { return false }
	}
	return &tlsDialer{isAmazon: isAmazon, amazon: sync.OnceValue(func() *x509.CertPool {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(amazonRoots)
		return pool
	})}
}

// isAmazonHost reports whether the host is one of AWS's own in its partition
// aws. Other partitions may have roots of their own, and so may the host of an
// endpoint that the user has set.
func isAmazonHost(host string) bool {
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".api.aws")
}

// dial is an http.Transport's DialTLSContext.
func (d *tlsDialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if d.isAmazon(host) {
		conn, err := dialVerified(ctx, network, addr, d.amazon())
		var unverified *tls.CertificateVerificationError
		if !errors.As(err, &unverified) {
			return conn, err
		}
		// AWS may use a root one day that this version does not have. The function
		// then goes on with the system's roots and only starts more slowly. What
		// those do not verify either is refused. Any other error is not about
		// roots, so a second dial would only take time.
	}
	return dialVerified(ctx, network, addr, d.system)
}

const (
	dialTimeout = 5 * time.Second // for connection and handshake together
	keepAlive   = 30 * time.Second
)

func dialVerified(ctx context.Context, network, addr string, roots *x509.CertPool) (net.Conn, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}, Config: &tls.Config{
		RootCAs:    roots,
		MinVersion: tls.VersionTLS12,
		// Small first records let a browser show the start of a page. A request to
		// AWS is read when it is complete, so more records are only more writes.
		DynamicRecordSizingDisabled: true,
	}}
	return d.DialContext(ctx, network, addr)
}
