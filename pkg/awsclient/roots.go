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

// amazonRoots are the five roots of Amazon Trust Services, which issues the
// certificates of AWS's own endpoints: https://www.amazontrust.com/repository/
// `make roots` writes the file. Reading all of the system's roots, some 150,
// would be most of what the first TLS connection of a process costs.
//
//go:embed roots.pem
var amazonRoots []byte

// tlsDialer opens TLS connections. crypto/tls verifies every chain, host and
// time; the dialer only chooses by which roots.
type tlsDialer struct {
	isAmazon func(host string) bool
	amazon   func() *x509.CertPool
	others   *x509.CertPool // nil for the system's own
}

// newTLSDialer returns a dialer that knows Amazon's roots and the system's, or
// only the user's own where these are not nil.
func newTLSDialer(own *x509.CertPool) *tlsDialer {
	isAmazon := isAmazonHost
	if own != nil {
		isAmazon = func(string) bool { return false }
	}
	return &tlsDialer{isAmazon: isAmazon, others: own, amazon: sync.OnceValue(func() *x509.CertPool {
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
		// then only starts more slowly, by the system's roots. What those do not
		// verify either is refused. No other error is about roots.
	}
	return dialVerified(ctx, network, addr, d.others)
}

const (
	dialTimeout = 5 * time.Second // for connection and handshake together
	keepAlive   = 30 * time.Second
)

// dialVerified opens a connection that speaks HTTP/1.1, because it offers nothing
// else. By HTTP/2 all requests share one connection, which net/http keeps after
// a request that timed out: the next attempt would hang as well.
func dialVerified(ctx context.Context, network, addr string, roots *x509.CertPool) (net.Conn, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}, Config: &tls.Config{
		RootCAs:    roots,
		MinVersion: tls.VersionTLS12,
		// Small records, for browsers that show a page early, are only more writes.
		DynamicRecordSizingDisabled: true,
	}}
	return d.DialContext(ctx, network, addr)
}
