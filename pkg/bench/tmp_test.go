package bench_test

import (
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"bytes"
	"os"
)

func TestTmp(t *testing.T) {
	api := newRuntimeAPI(t)
	url, bundle := tlsAWS(t)
	tuned := []string{"SSL_CERT_FILE=" + bundle, "SSL_CERT_DIR=/nonexistent"} // the template's
	ingest := build(t, "../../functions/ingest")
	sync := build(t, "../../functions/sync")
	empty := build(t, "./testdata/empty")
	for _, c := range []*contender{
		{name: "empty", path: empty, env: environment(api.address(), url)},
		{name: "textbook", path: build(t, "./testdata/textbook"), env: environment(api.address(), url, secret, "SSL_CERT_FILE="+bundle)},
		{name: "textbook-tuned", path: build(t, "./testdata/textbook"), env: environment(api.address(), url, append(tuned, secret)...)},
		{name: "ingest", path: ingest, env: environment(api.address(), url, append(tuned, secret)...)},
		{name: "ingest-nowarm", path: ingest, env: environment(api.address(), url, append(tuned, secret,"WARM_UP=off")...)},
		{name: "ingest-ssm", path: ingest, env: environment(api.address(), url, append(tuned, secretInSSM)...)},
		{name: "ingest-oneroot", path: ingest, env: environment(api.address(), url, secret, "SSL_CERT_FILE="+bundle+".one", "SSL_CERT_DIR=/nonexistent")},
		{name: "sync", path: sync, env: environment(api.address(), url, append(tuned, secretInSSM)...)},
	} {
		if c.name == "ingest-oneroot" {
			b, _ := os.ReadFile(bundle)
			i := bytes.LastIndex(b, []byte("-----BEGIN"))
			os.WriteFile(bundle+".one", b[i:], 0o600)
		}
		ev := sample(t, 2<<10)
		if c.name == "sync" { ev = batchEvent(t, 1) }
		api.expect(ev, 1)
		var out bytes.Buffer
		x := exec.Command("valgrind", "--tool=callgrind", "--callgrind-out-file=/tmp/bench/full-"+c.name+".out", c.path)
		x.Env = append(c.env, "GOMAXPROCS=1")
		x.Stdout, x.Stderr = &out, &out
		x.Start()
		<-api.done
		x.Process.Signal(syscall.SIGTERM)
		x.Wait()
		m := regexp.MustCompile(`Collected : (\d+)`).FindSubmatch(out.Bytes())
		if m == nil { t.Log(c.name, out.String()); continue }
		t.Log(c.name, string(m[1]), api.bad, string(api.last))
	}
}
