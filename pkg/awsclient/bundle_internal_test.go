package awsclient

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// bundle writes certificates to a file in PEM.
func bundle(t *testing.T, text []byte) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// holds says whether a root is in a pool.
func holds(p *x509.CertPool, root *x509.Certificate) bool {
	_, err := root.Verify(x509.VerifyOptions{Roots: p, CurrentTime: root.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}

// Each root of the system's own bundle is found by its name.
func TestBundle(t *testing.T) {
	text, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Skip("there is no bundle of certificates here: ", err)
	}
	file, n := bundle(t, text), 0
	for rest := text; ; n++ {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		root, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		trusts := newTrust([]string{file})
		if trusts.read([]*x509.Certificate{root}); !holds(trusts.roots, root) {
			t.Errorf("read() does not find %s", root.Subject)
		}
	}
	if n == 0 {
		t.Error("the bundle has no certificates")
	}
}

// TestDamagedBundle damages a bundle by chance: what crypto/x509 does not take
// for a root must not become one here. The other way round the system's roots
// are asked.
func TestDamagedBundle(t *testing.T) {
	root := issue(t, "root", nil, authority)
	good := slices.Concat(encode(issue(t, "one", nil, authority)), encode(root), encode(issue(t, "another", nil, authority)))
	texts := [][]byte{good}
	for _, change := range [][2]string{
		{"-----BEGIN", "#-----BEGIN"},
		{"-----BEGIN", "# distrusted: -----BEGIN"},
		{"-----BEGIN", "-----BEGIN CERTIFICATE----------BEGIN"},
		{"-----BEGIN", "-----BEGIN CERTIFICATE-----\n-----BEGIN"},
		{"-----END", "#-----END"},
		{"-----END", "#\n-----END"},
		{"-----END CERTIFICATE-----\n", ""},
		{"\n-----END", "\nAA\n-----END"},
		{"CATE-----\n", "CATE----- x\n"},
		{"-----\n", "-----\nA: b\n\n"},
		{"CERTIFICATE", "TRUSTED CERTIFICATE"},
		{"\n", "\r\n"},
		{"\n", "\r"},
		{"\n", " \n"},
	} {
		texts = append(texts, bytes.ReplaceAll(good, []byte(change[0]), []byte(change[1])))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 1500 {
		text := bytes.Clone(good)
		for range 1 + random.IntN(2) {
			at, c := random.IntN(len(text)), "#-\nA= \r"[random.IntN(7)]
			switch random.IntN(3) {
			case 0:
				text[at] = c
			case 1:
				text = slices.Insert(text, at, c)
			case 2:
				text = slices.Delete(text, at, min(len(text), at+1+random.IntN(30)))
			}
		}
		texts = append(texts, text)
	}
	found, missed := 0, 0
	for _, text := range texts {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		trusts := newTrust([]string{bundle(t, text)})
		trusts.read([]*x509.Certificate{root.Certificate})
		switch got, want := holds(trusts.roots, root.Certificate), holds(pool, root.Certificate); {
		case got && !want:
			t.Errorf("read() finds a root where crypto/x509 finds none:\n%s", text)
		case want && !got:
			missed++
		case got:
			found++
		}
	}
	if found < 500 || missed > found/10 {
		t.Errorf("read() finds the root %d times and misses it %d times, want it nearly always", found, missed)
	}
}

// What is no bundle of certificates holds none, and ends.
func TestBlocks(t *testing.T) {
	for name, text := range map[string]string{
		"empty":    "",
		"no PEM":   strings.Repeat("x", 3*readSize),
		"cut off":  strings.Repeat("#\n", readSize/2-10) + begin + "\nAAAA",
		"too long": begin + strings.Repeat("A", 3*readSize) + end,
	} {
		for range blocks(iotest.HalfReader(strings.NewReader(text))) {
			t.Errorf("blocks(%s) yields one, want none", name)
		}
	}
	for _, before := range []int{0, 1, readSize - 20, readSize, 2*readSize - 3} {
		const block = begin + "\nAAAA" + end + "\n"
		var got []string
		for b := range blocks(iotest.OneByteReader(strings.NewReader(strings.Repeat("\n", before) + block + block))) {
			got = append(got, string(b))
		}
		if !slices.Equal(got, []string{block, block}) {
			t.Errorf("blocks() with %d bytes before = %q, want %q twice", before, got, block)
		}
	}
}
