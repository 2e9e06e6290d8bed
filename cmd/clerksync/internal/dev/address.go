package dev

import (
	"net"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/internal/emulator/guard"
)

// checkAddresses refuses an address without a host, which would be every
// interface of the machine: it comes from a variable that is not set, and nobody
// means it. An address that others can reach is obeyed, and said with what it
// exposes, but for the console's: it has no signature and no credentials to guard it.
func (s *screen) checkAddresses(o Options) error {
	exposed := "whoever reaches it can send events; the signature guards it"
	if err := s.checkAddress("--addr", o.Pipeline.Addr, exposed); err != nil {
		return err
	}
	if o.ConsoleAddr != "" {
		if err := console.CheckAddr(o.ConsoleAddr); err != nil {
			return terminal.Usagef("--console-addr %q: %w", o.ConsoleAddr, err)
		}
	}
	if o.Pipeline.AWS != nil {
		return nil
	}
	exposed = "whoever reaches it can read and change every row and queue"
	if o.Pipeline.KeptSecret != "" {
		exposed += ", and read the signing secret"
	}
	return s.checkAddress("--aws-addr", o.Pipeline.AWSAddr, exposed)
}

func (s *screen) checkAddress(flag, addr, exposed string) error {
	const advice = "want HOST:PORT, such as 127.0.0.1:3000; port 0 means any free one"
	host, _, err := net.SplitHostPort(addr)
	switch {
	case err != nil && addr != "":
		return nil // listening says what is wrong with it
	case host == "":
		return terminal.Usagef("%s %q names no host, which is every interface of this machine: %s", flag, addr, advice)
	case !guard.LoopbackHosts(host):
		s.term.Note("%s", terminal.Bad(flag+" "+addr+" is not this machine alone: "+exposed+"."))
	}
	return nil
}
