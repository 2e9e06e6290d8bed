package deployed_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clerksync/clerksync/test/program"
)

// runtimeImage is the name by which sam local looks for the functions' runtime.
const runtimeImage = "public.ecr.aws/lambda/provided"

// startDocker starts a Docker of the test's own, without firewall rules, and returns the variable that points its users
// at it and the address at which its containers see this machine. Where it cannot be started the test is skipped.
func startDocker(t *testing.T, dockerd, busybox string) (variable, machine string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("Docker cannot be started: dockerd needs root")
	}
	folder := t.TempDir()
	socket := filepath.Join(folder, "docker.sock")
	output := program.Command{Args: []string{
		dockerd, "--host", "unix://" + socket, "--iptables=false", "--ip6tables=false",
		"--data-root", filepath.Join(folder, "data"), "--exec-root", filepath.Join(folder, "exec"),
		"--pidfile", filepath.Join(folder, "docker.pid"),
	}}.Start(t)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial}}
	deadline := time.Now().Add(30 * time.Second)
	for !answers(client) {
		if time.Now().After(deadline) {
			t.Skipf("Docker cannot be started here:\n%s", program.Tail(output))
		}
		time.Sleep(200 * time.Millisecond)
	}
	importRuntime(t, client, busybox)
	return "DOCKER_HOST=unix://" + socket, bridgeAddress(t)
}

func answers(docker *http.Client) bool {
	out, err := docker.Get("http://docker/_ping")
	if err != nil {
		return false
	}
	_ = out.Body.Close()
	return out.StatusCode == http.StatusOK
}

// bridgeAddress is this machine's address on Docker's bridge, where its containers reach it and no other machine does.
func bridgeAddress(t *testing.T) string {
	t.Helper()
	bridge, err := net.InterfaceByName("docker0")
	if err != nil {
		t.Fatalf("find Docker's bridge: %v", err)
	}
	addresses, err := bridge.Addrs()
	if err != nil {
		t.Fatalf("find Docker's bridge: %v", err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	t.Fatalf("Docker's bridge has the addresses %v, want one of IPv4", addresses)
	return ""
}

// importRuntime makes an image that stands for Lambda's OS-only runtime: a shell, and a bootstrap that starts the
// function's. sam adds the rest, its emulator of the runtime interface.
func importRuntime(t *testing.T, docker *http.Client, busybox string) {
	t.Helper()
	binary, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	var image bytes.Buffer
	w := tar.NewWriter(&image)
	add := func(h tar.Header, content []byte) {
		h.Mode, h.Size = 0o755, int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(content)
	}
	for _, folder := range []string{"bin/", "tmp/", "etc/", "var/", "var/task/", "var/runtime/", "var/rapid/", "opt/"} {
		add(tar.Header{Name: folder, Typeflag: tar.TypeDir}, nil)
	}
	add(tar.Header{Name: "bin/busybox"}, binary)
	for _, name := range []string{"sh", "mv", "chmod", "cp", "rm", "mkdir", "ls", "cat"} {
		add(tar.Header{Name: "bin/" + name, Typeflag: tar.TypeSymlink, Linkname: "busybox"}, nil)
	}
	add(tar.Header{Name: "var/runtime/bootstrap"}, []byte("#!/bin/sh\nexec /var/task/bootstrap\n"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	query := url.Values{
		"fromSrc": {"-"}, "repo": {runtimeImage}, "tag": {"al2023-" + architecture()}, "changes": {"ENV PATH=/bin"},
	}
	out, err := docker.Post("http://docker/images/create?"+query.Encode(), "application/x-tar", &image)
	if err != nil {
		t.Fatalf("import the runtime's image: %v", err)
	}
	defer out.Body.Close()
	if text, _ := io.ReadAll(out.Body); out.StatusCode != http.StatusOK || bytes.Contains(text, []byte("error")) {
		t.Fatalf("import the runtime's image: %d %s", out.StatusCode, text)
	}
}
