package awsenv

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"iter"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// trust verifies servers as crypto/tls does, by the same roots. It only spares
// the reading of those that a server does not name: parsing a whole bundle of
// certificates is three quarters of what the first TLS call of a process costs,
// and a third of its memory.
type trust struct {
	files []string // bundles, the first that can be read counts

	mu    sync.Mutex
	roots *x509.CertPool // those that were named so far
}

// bundles are where crypto/x509 looks, SSL_CERT_FILE in their place where set.
func bundles(own string) []string {
	if own != "" {
		return []string{own}
	}
	return []string{"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"}
}

func newTrust(files []string) *trust { return &trust{files: files, roots: x509.NewCertPool()} }

const (
	dialTimeout = 5 * time.Second
	keepAlive   = 30 * time.Second
)

// dial is an http.Transport's DialTLSContext.
func (t *trust) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}, Config: &tls.Config{
		ServerName: host, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it in full, on every handshake
		VerifyConnection: func(s tls.ConnectionState) error {
			// host, for ConnectionState names no server that is an IP address.
			return t.verify(s.PeerCertificates, host)
		},
	}}
	return d.DialContext(ctx, network, addr)
}

// verify accepts a chain that ends at a root of the bundle; what it would
// refuse, or has no bundle for, is decided by all of the system's roots.
func (t *trust) verify(chain []*x509.Certificate, host string) error {
	o := x509.VerifyOptions{DNSName: host, Roots: t.roots, Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	t.mu.Lock()
	_, err := chain[0].Verify(o)
	if err != nil {
		t.read(chain)
		_, err = chain[0].Verify(o)
	}
	t.mu.Unlock()
	if err != nil {
		o.Roots = nil
		_, err = chain[0].Verify(o)
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// read adds the roots that a chain names as issuers.
func (t *trust) read(chain []*x509.Certificate) {
	for _, name := range t.files {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		for der := range certificates(f) {
			if slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return bytes.Contains(der, c.RawIssuer) }) {
				if root, err := x509.ParseCertificate(bytes.Clone(der)); err == nil {
					t.roots.AddCert(root)
				}
			}
		}
		_ = f.Close() // was only read
		return
	}
}

// readSize is well above a line of PEM, so that few reads are made.
const readSize = 32 << 10

// certificates yields what stands between the lines of PEM. The bytes are good
// until the next one. It reads line by line: the whole bundle would stay in the
// process's memory for ever.
func certificates(r io.Reader) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var text, der []byte
		inside := false
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, readSize), readSize)
		for lines.Scan() {
			switch line := bytes.TrimSpace(lines.Bytes()); {
			case string(line) == "-----BEGIN CERTIFICATE-----":
				inside, text = true, text[:0]
			case inside && string(line) == "-----END CERTIFICATE-----":
				inside = false
				der = slices.Grow(der[:0], base64.StdEncoding.DecodedLen(len(text)))
				n, err := base64.StdEncoding.Decode(der[:cap(der)], text)
				if err == nil && !yield(der[:n]) {
					return
				}
			case inside:
				text = append(text, line...)
			}
		}
	}
}
