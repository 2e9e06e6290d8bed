package bench_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// stubAWS answers the calls that the functions make as if each succeeded.
// delay is how long it takes.
func stubAWS(delay time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		time.Sleep(delay)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, answer(r.Header.Get("X-Amz-Target"), body))
	}
}

func answer(target string, body []byte) string {
	switch {
	case strings.HasSuffix(target, ".SendMessage"):
		var m struct{ MessageBody string }
		_ = json.Unmarshal(body, &m)
		sum := md5.Sum([]byte(m.MessageBody)) // what SQS answers with
		return `{"MessageId":"1","MD5OfMessageBody":"` + hex.EncodeToString(sum[:]) + `"}`
	case strings.HasSuffix(target, ".GetParameter"):
		return `{"Parameter":{"Name":"p","Type":"SecureString","Value":"` + svixtest.Secret + `","Version":1}}`
	}
	return "{}"
}

// tlsAWS serves the stub over TLS. Each bundle is a file of roots, the server's
// own among them, as many as a function reads before it trusts AWS: a textbook
// function all of the system's, ours the five that it embeds.
func tlsAWS(tb testing.TB) (url, systemBundle, amazonBundle string) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	withOwn := func(roots string) (bundle string) {
		text, err := os.ReadFile(roots)
		if err != nil {
			tb.Skip("there is no bundle of certificates here to be read: ", err)
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
		bundle = filepath.Join(tb.TempDir(), "roots.pem")
		if err := os.WriteFile(bundle, text, 0o600); err != nil {
			tb.Fatal(err)
		}
		return bundle
	}
	s := httptest.NewUnstartedServer(stubAWS(0))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	tb.Cleanup(s.Close)
	return s.URL, withOwn("/etc/ssl/certs/ca-certificates.crt"), withOwn("../../pkg/awsclient/roots.pem")
}
