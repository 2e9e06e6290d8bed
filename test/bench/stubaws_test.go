package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
	"github.com/clerksync/clerksync/test/program"
)

// stubAWS answers the calls that the functions make as if each succeeded, after a delay.
func stubAWS(delay time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		time.Sleep(delay)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, stubAnswer(r.Header.Get("X-Amz-Target"), body))
	}
}

// stubAnswer is the least that the clients take for a success.
func stubAnswer(target string, body []byte) string {
	switch {
	case strings.HasSuffix(target, ".SendMessage"):
		var m struct{ MessageBody string }
		_ = json.Unmarshal(body, &m)
		sum := md5.Sum([]byte(m.MessageBody)) // the client compares it
		return `{"MessageId":"1","MD5OfMessageBody":"` + hex.EncodeToString(sum[:]) + `"}`
	case strings.HasSuffix(target, ".GetParameter"):
		return `{"Parameter":{"Name":"p","Type":"SecureString","Value":"` + svixtest.Secret + `","Version":1}}`
	}
	if strings.HasPrefix(target, "DynamoDB_") {
		return tableAnswer(target, body)
	}
	return "{}"
}

// tableAnswer names the tables of the request as consumed: an answer without them is not taken for DynamoDB's.
func tableAnswer(target string, body []byte) string {
	type capacity struct{ TableName string }
	list := []capacity{}
	for _, m := range regexp.MustCompile(`"(?:TableName|RequestItems)":(?:{)?"([^"]+)"`).FindAllSubmatch(body, -1) {
		if c := (capacity{string(m[1])}); !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	var consumed any = list
	if _, action, _ := strings.Cut(target, "."); !strings.HasPrefix(action, "Transact") && action != "BatchGetItem" {
		consumed = list[0]
	}
	text, _ := json.Marshal(map[string]any{"ConsumedCapacity": consumed})
	return string(text)
}

// stubVariable makes this test binary the stub, with its value as the delay.
const stubVariable = "CLERKSYNC_BENCH_STUB"

// TestMain serves as the stub or measures a floor where a variable says so, and runs the tests otherwise.
func TestMain(m *testing.M) {
	if text := os.Getenv(floorVariable); text != "" {
		if err := runFloor(text); err != nil {
			log.Fatal(err)
		}
		return
	}
	delay, err := time.ParseDuration(os.Getenv(stubVariable))
	if err != nil {
		os.Exit(m.Run())
	}
	s := httptest.NewServer(stubAWS(delay))
	fmt.Println(s.URL)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
}

// startStub starts the stub in a process of its own, so that CPU time is the client's alone.
func startStub(tb testing.TB, delay time.Duration) (url string) {
	tb.Helper()
	c := exec.CommandContext(context.WithoutCancel(tb.Context()), os.Args[0])
	c.Env = append(os.Environ(), stubVariable+"="+delay.String())
	in, err := c.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		_ = c.Wait() // it exits with its input
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// startTLSStub serves the stub over TLS. root is the stub's own, and systemRoots a file with it and the system's, as
// many as a textbook function reads before it trusts AWS.
func startTLSStub(tb testing.TB) (url, systemRoots string, root []byte) {
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
	root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	system, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		tb.Skip("this machine has no bundle of certificates: ", err)
	}
	s := httptest.NewUnstartedServer(stubAWS(0))
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	tb.Cleanup(s.Close)
	return s.URL, writeTemp(tb, "roots.pem", append(system, root...)), root
}

// buildTrusting builds a function as it is deployed, but that the stub on 127.0.0.1 stands for AWS: its root is
// embedded next to Amazon's five. So a start does here what it does in Lambda before it trusts AWS.
func buildTrusting(tb testing.TB, pkg string, root []byte) (path string) {
	tb.Helper()
	replaced := map[string]string{}
	for name, edit := range map[string]func(text []byte) []byte{
		"roots.pem": func(text []byte) []byte { return append(text, root...) },
		"roots.go": func(text []byte) []byte {
			return bytes.ReplaceAll(text, []byte(`".amazonaws.com"`), []byte(`"127.0.0.1"`))
		},
	} {
		file := filepath.Join(program.Repository(tb), "pkg", "awsclient", name)
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		replaced[file] = writeTemp(tb, name, edit(text))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		tb.Fatal(err)
	}
	return program.Build(tb, pkg, "-overlay", writeTemp(tb, "overlay.json", overlay))
}

func writeTemp(tb testing.TB, name string, text []byte) (path string) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
