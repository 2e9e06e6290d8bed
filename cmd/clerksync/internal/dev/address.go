package dev

import (
	"net"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// checkAddresses refuses an address without a host, which would be every
// interface of the machine: it comes from a variable that is not set, and nobody
// means it. An address that others can reach is obeyed, and said with what it
// exposes.
func (s *screen) checkAddresses(o pipeline.Options) error {
	exposed := "whoever reaches it can send events; the signature guards it"
	if err := s.checkAddress("--addr", o.Addr, exposed); err != nil || o.AWS != nil {
		return err
	}
	exposed = "whoever reaches it can read and change every row and queue"
	if o.KeptSecret != "" {
		exposed += ", and read the signing secret"
	}
	return s.checkAddress("--aws-addr", o.AWSAddr, exposed)
}

func (s *screen) checkAddress(flag, addr, exposed string) error {
	const advice = "want HOST:PORT, such as 127.0.0.1:3000; port 0 means any free one"
	host, _, err := net.SplitHostPort(addr)
	switch {
	case err != nil && addr != "":
		return nil // listening says what is wrong with it
	case host == "":
		return terminal.Usagef("%s %q names no host, which is every interface of this machine: %s", flag, addr, advice)
	case !isLoopback(host):
		s.term.Note("%s", terminal.Bad(flag+" "+addr+" is not this machine alone: "+exposed+"."))
	}
	return nil
}

// isLoopback says whether only this machine reaches the host. Any other name may
// be an address of the network.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
