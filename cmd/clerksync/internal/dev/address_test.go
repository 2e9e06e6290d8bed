package dev_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/dev"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// No host is a usage error, never every interface; an address that others reach
// is said with what it exposes, this machine's own is not.
func TestAddresses(t *testing.T) {
	t.Parallel()
	const here = "127.0.0.1:0"
	for name, c := range map[string]struct {
		addr, awsAddr string
		console       string // "" is off
		usage         bool
		says          string
	}{
		"loopback":       {addr: here, awsAddr: "[::1]:0"},
		"names":          {addr: "localhost:0", awsAddr: "a.localhost:0"},
		"no address":     {addr: "", awsAddr: here, usage: true},
		"no AWS address": {addr: here, awsAddr: "", usage: true},
		"no host":        {addr: here, awsAddr: ":4566", usage: true},
		"every webhook":  {addr: "0.0.0.0:0", awsAddr: here, says: "--addr 0.0.0.0:0 is not this machine alone"},
		"every AWS":      {addr: here, awsAddr: "[::]:0", says: "and read the signing secret"},
		"a console":      {addr: here, awsAddr: here, console: "[::1]:4567"},
		"every console":  {addr: here, awsAddr: here, console: "0.0.0.0:0", usage: true},
		"any console":    {addr: here, awsAddr: here, console: ":4567", usage: true},
		"no console":     {addr: here, awsAddr: here, console: "nowhere", usage: true},
		"public console": {addr: here, awsAddr: here, console: "192.0.2.1:4567", usage: true},
		"network":        {addr: here, awsAddr: "192.0.2.1:0", says: "read and change every row"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var words bytes.Buffer
			s := dev.NewScreen(terminal.New(t.Context(), nil, io.Discard, &words), dev.Options{})
			err := s.CheckAddresses(dev.Options{
				Pipeline:    pipeline.Options{Addr: c.addr, AWSAddr: c.awsAddr, KeptSecret: "whsec_x"},
				ConsoleAddr: c.console,
			})
			var usage terminal.UsageError
			if errors.As(err, &usage) != c.usage || (err != nil) != c.usage {
				t.Errorf("error = %v, want a usage error: %t", err, c.usage)
			}
			if !strings.Contains(words.String(), c.says) || (words.Len() > 0) != (c.says != "") {
				t.Errorf("it says %q, want %q", words.String(), c.says)
			}
		})
	}
}
