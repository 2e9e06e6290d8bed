package awsclient

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/settings"
)

// The embedded roots are those that Amazon publishes, by SHA-256 of the
// certificate: https://www.amazontrust.com/repository/
func TestAmazonRoots(t *testing.T) {
	want := map[string]string{
		"Amazon Root CA 1": "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
		"Amazon Root CA 2": "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
		"Amazon Root CA 3": "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
		"Amazon Root CA 4": "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
		"Starfield Services Root Certificate Authority - G2": "568d6905a2c88708a4b3025190edcfed" +
			"b1974a606a13c6e5290fcb2ae63edab5",
	}
	got := map[string]string{}
	for text := amazonRoots; ; {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			break
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b.Bytes)
		got[c.Subject.CommonName] = hex.EncodeToString(sum[:])
		if left := time.Until(c.NotAfter); left < 365*24*time.Hour {
			t.Errorf("%s expires on %s, want more than a year of use", c.Subject.CommonName, c.NotAfter)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("roots differ (-want +got):\n%s", diff)
	}
}

// Amazon's roots speak for AWS's own hosts in the partition aws, and for no
// other host.
func TestIsAmazonHost(t *testing.T) {
	for host, want := range map[string]bool{
		"sqs.us-east-1.amazonaws.com":             true,
		"ssm.us-gov-west-1.amazonaws.com":         true,
		"dynamodb.eu-central-1.api.aws":           true,
		"vpce-1.sqs.us-east-1.vpce.amazonaws.com": true,
		"sqs.cn-north-1.amazonaws.com.cn":         false,
		"sqs.eusc-de-east-1.amazonaws.eu":         false,
		"amazonaws.com.example.com":               false,
		"notamazonaws.com":                        false,
		"localhost":                               false,
		"127.0.0.1":                               false,
	} {
		if got := isAmazonHost(host); got != want {
			t.Errorf("isAmazonHost(%s) = %v, want %v", host, got, want)
		}
		if newTLSDialer(x509.NewCertPool()).isAmazon(host) {
			t.Errorf("%s has Amazon's roots beside the user's own, want these alone", host)
		}
	}
}

// issued is a certificate with its key.
type issued struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// issue makes a certificate for 127.0.0.1, signed by parent or, where that is
// nil, by itself.
func issue(t *testing.T, name string, parent *issued, changes ...func(*x509.Certificate)) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	for _, change := range changes {
		change(c)
	}
	signer := &issued{c, key}
	if parent != nil {
		signer = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, c, signer.Certificate, &key.PublicKey, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &issued{c, key}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.KeyUsage, c.IPAddresses = true, x509.KeyUsageCertSign, nil
}

func expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }

func ofAnotherAddress(c *x509.Certificate) { c.IPAddresses[0] = net.IPv4(192, 0, 2, 1) }

func pool(roots ...*issued) *x509.CertPool {
	p := x509.NewCertPool()
	for _, r := range roots {
		p.AddCert(r.Certificate)
	}
	return p
}

// serveTLS serves h by TLS, HTTP/2 included, with that chain, up to maxVersion,
// 0 for any, and counts connections.
func serveTLS(
	t *testing.T, h http.HandlerFunc, maxVersion uint16, chain ...*issued,
) (url string, dials *atomic.Int32) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	c := tls.Certificate{PrivateKey: chain[0].key}
	for _, i := range chain {
		c.Certificate = append(c.Certificate, i.Raw)
	}
	s.TLS = &tls.Config{
		Certificates: []tls.Certificate{c},
		MinVersion:   tls.VersionTLS10, // whether the client refuses it is tested
		MaxVersion:   maxVersion,
	}
	dials = &atomic.Int32{}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dials.Add(1)
		}
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, dials
}

// Amazon's roots decide at an AWS host, and the system's where those do not
// verify the chain. What neither verifies is refused.
func TestDial(t *testing.T) {
	amazon, system := issue(t, "amazon", nil, authority), issue(t, "system", nil, authority)
	impostor := issue(t, "amazon", nil, authority) // the same name, another key
	unknown := issue(t, "unknown", nil, authority)
	between := issue(t, "between", amazon, authority)
	noAuthority := issue(t, "between", amazon)
	leaf := func(signer *issued, changes ...func(*x509.Certificate)) []*issued {
		return []*issued{issue(t, "leaf", signer, changes...), signer}
	}
	for name, c := range map[string]struct {
		chain      []*issued
		maxVersion uint16
		notAmazon  bool // the host is not AWS's
		dials      int32
		refused    bool
	}{
		"Amazon's root":               {chain: leaf(amazon), dials: 1},
		"Amazon's root, intermediate": {chain: leaf(between), dials: 1},
		"the system's root":           {chain: leaf(system), dials: 2},
		"an unknown root":             {chain: leaf(unknown), dials: 2, refused: true},
		"an impostor of the root":     {chain: leaf(impostor), dials: 2, refused: true},
		"not signed by an authority":  {chain: leaf(noAuthority), dials: 2, refused: true},
		"expired":                     {chain: leaf(amazon, expired), dials: 2, refused: true},
		"of another address":          {chain: leaf(amazon, ofAnotherAddress), dials: 2, refused: true},
		"TLS 1.2":                     {chain: leaf(amazon), maxVersion: tls.VersionTLS12, dials: 1},
		"TLS 1.1":                     {chain: leaf(amazon), maxVersion: tls.VersionTLS11, dials: 1, refused: true},
		"not AWS, the system's root":  {chain: leaf(system), notAmazon: true, dials: 1},
		"not AWS, Amazon's root":      {chain: leaf(amazon), notAmazon: true, dials: 1, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			url, dials := serveTLS(t, func(http.ResponseWriter, *http.Request) {}, c.maxVersion, c.chain...)
			d := &tlsDialer{
				isAmazon: func(string) bool { return !c.notAmazon },
				amazon:   func() *x509.CertPool { return pool(amazon) },
				others:   pool(system),
			}
			err := get(t, &http.Client{Transport: &http.Transport{DialTLSContext: d.dial}}, url)
			if (err != nil) != c.refused || dials.Load() != c.dials {
				t.Errorf("GET = %v with %d dials, want refused %v with %d", err, dials.Load(), c.refused, c.dials)
			}
			var unverified *tls.CertificateVerificationError
			if c.refused && c.maxVersion == 0 && !errors.As(err, &unverified) {
				t.Errorf("GET = %v, want crypto/tls's own verification error", err)
			}
		})
	}
}

type doer interface {
	Do(r *http.Request) (*http.Response, error)
}

func get(t *testing.T, client doer, url string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// Roots of the user's own are the only ones, also for AWS's own hosts.
func TestUsersOwnRoots(t *testing.T) {
	root, other := issue(t, "root", nil, authority), issue(t, "other", nil, authority)
	url, _ := serveTLS(t, func(http.ResponseWriter, *http.Request) {}, 0, issue(t, "leaf", root))
	for name, c := range map[string]struct {
		roots   *x509.CertPool
		refused bool
	}{
		"the server's": {roots: pool(root)}, "another": {roots: pool(other), refused: true}, "none": {refused: true},
	} {
		client := New(settings.AWS{Region: "us-east-1", SQSEndpoint: url, Roots: c.roots}).For(SQS).HTTPClient
		if err := get(t, client, url); (err != nil) != c.refused {
			t.Errorf("GET with root %s = %v, want refused %v", name, err, c.refused)
		}
	}
}

// In FIPS mode crypto/tls has stricter rules for chains and versions; the same
// chains are accepted and refused.
func TestFIPS(t *testing.T) {
	runInChild(t, "^(TestDial|TestAmazonRoots)$", "GODEBUG=fips140=on")
}

func runInChild(t *testing.T, tests string, env ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+tests)
	c.Env = append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
