package awsclient

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"iter"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// trust verifies servers as crypto/tls does outside FIPS mode, by the same roots.
// It only spares the reading of those that a server does not name: parsing a
// whole bundle of certificates is three quarters of what the first TLS call of a
// process costs, and a third of its memory.
type trust struct {
	files []string // bundles, the first that can be read counts

	mu    sync.Mutex
	roots *x509.CertPool // those that were named so far
}

// bundles are where crypto/x509 looks, in its order; SSL_CERT_FILE in their place
// where set.
func bundles(own string) []string {
	if own != "" {
		return []string{own}
	}
	return []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}
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

// read adds the roots that a chain names as issuers. What in a bundle is a root
// is for encoding/pem to say, as with crypto/x509.
func (t *trust) read(chain []*x509.Certificate) {
	for _, name := range t.files {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		var head []byte
		for text := range blocks(f) {
			head = decode(head[:0], text[len(begin):min(len(text), headSize)])
			if !slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return bytes.Contains(head, c.RawIssuer) }) {
				continue
			}
			if b, _ := pem.Decode(text); b != nil && b.Type == "CERTIFICATE" && len(b.Headers) == 0 {
				if root, err := x509.ParseCertificate(b.Bytes); err == nil {
					t.roots.AddCert(root)
				}
			}
		}
		_ = f.Close() // was only read
		return
	}
}

// decode appends what the start of a Base64 text means. encoding/base64 takes
// three times as long where it has to step over the ends of lines itself.
func decode(to, text []byte) []byte {
	flat := make([]byte, 0, headSize)
	for line := range bytes.Lines(text) {
		flat = append(flat, bytes.TrimRight(line, "\r\n")...)
	}
	to, _ = base64.StdEncoding.AppendDecode(to, flat[:len(flat)&^3]) // up to what is bad
	return to
}

const (
	// readSize is what is read at once, and the most that one certificate may
	// take: the whole bundle would stay in the process's memory for ever.
	readSize = 32 << 10
	// headSize is how much of a certificate's text is searched: 300 bytes and the
	// line before. A root is its own issuer, and that name comes first.
	headSize = 430

	begin = "-----BEGIN CERTIFICATE-----"
	end   = "\n-----END CERTIFICATE-----"
)

// blocks yields the text of each certificate of a bundle in PEM, with the lines
// around it. The bytes are good until the next one.
func blocks(r io.Reader) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, readSize), readSize)
		s.Split(splitBlock)
		for s.Scan() {
			if !yield(s.Bytes()) {
				return
			}
		}
	}
}

// splitBlock is a bufio.SplitFunc. A block begins at the start of a line and
// goes to the end of one: whether that is in order is not decided here.
func splitBlock(data []byte, atEOF bool) (advance int, block []byte, err error) {
	from := bytes.Index(data, []byte(begin))
	if from < 0 { // what may be the start of one is kept, and what is before it
		return max(0, len(data)-len(begin)), nil, nil
	}
	if from > 0 && data[from-1] != '\n' {
		return from + 1, nil, nil
	}
	block = data[from:]
	to := bytes.Index(block, []byte(end))
	if to < 0 {
		return from, nil, nil
	}
	to += len(end)
	switch rest := bytes.IndexByte(block[to:], '\n'); {
	case rest >= 0:
		to += rest + 1
	case atEOF:
		to = len(block)
	default:
		return from, nil, nil
	}
	return from + to, block[:to], nil
}
