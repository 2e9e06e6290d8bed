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
		DynamicRecordSizingDisabled: true, // nobody shows a request's first half
		InsecureSkipVerify:          true, //nolint:gosec // VerifyConnection does it in full, on every handshake
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
		var head []byte
		for text := range certificates(f) {
			head = decode(head[:0], text[:min(len(text), headSize)])
			if slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return bytes.Contains(head, c.RawIssuer) }) {
				if root, err := x509.ParseCertificate(decode(nil, text)); err == nil {
					t.roots.AddCert(root)
				}
			}
		}
		_ = f.Close() // was only read
		return
	}
}

// decode appends what Base64 text means, to its last whole four characters or
// its first bad ones. encoding/base64 takes three times as long where it has to
// step over the ends of lines itself.
func decode(to, text []byte) []byte {
	flat := make([]byte, 0, headSize)
	for line := range bytes.Lines(text) {
		flat = append(flat, bytes.TrimRight(line, "\r\n")...)
	}
	to, _ = base64.StdEncoding.AppendDecode(to, flat[:len(flat)&^3]) // what is bad will not be parsed
	return to
}

const (
	// readSize is what is read at once, and the most that one certificate may
	// take: the whole bundle would stay in the process's memory for ever.
	readSize = 32 << 10
	// headSize is how much of a certificate's text is searched: 300 bytes. A root
	// is its own issuer, and that name comes first.
	headSize = 400
)

// certificates yields the Base64 text of each certificate of a bundle in PEM.
// The bytes are good until the next one.
func certificates(r io.Reader) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		begin, end := []byte("-----BEGIN CERTIFICATE-----"), []byte("-----END CERTIFICATE-----")
		blocks := bufio.NewScanner(r)
		blocks.Buffer(make([]byte, readSize), readSize)
		blocks.Split(func(data []byte, _ bool) (advance int, token []byte, err error) {
			from := bytes.Index(data, begin)
			if from < 0 { // what may be the start of one is kept
				return max(0, len(data)-len(begin)), nil, nil
			}
			text := data[from+len(begin):]
			n := bytes.Index(text, end)
			if n < 0 {
				return from, nil, nil
			}
			return from + len(begin) + n + len(end), text[:n], nil
		})
		for blocks.Scan() {
			if !yield(blocks.Bytes()) {
				return
			}
		}
	}
}
