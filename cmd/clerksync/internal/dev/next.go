package dev

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// showNext shows what to type next, for the addresses and the secret in use. It
// works as it is printed, also after the demo: that has deleted Jonah, so it is
// Mara who is looked up, and somebody else who is sent.
func (s *screen) showNext(p *pipeline.Pipeline) {
	program := terminal.Program()
	event, user := "user.created", "jonah@lumenoak.example"
	if s.demo {
		event, user = "user.created.two_emails", "mara@lumenoak.example"
	}
	send, get := []string{program + "send"}, []string{program + "get user", user}
	get = append(get, endpointFlag(p)...)
	// Without --to the webhook is that of the dev at the default endpoint, which may
	// be another one.
	if p.WebhookURL != deployment.DefaultWebhookURL || len(endpointFlag(p)) > 0 {
		send = append(send, "--to "+p.WebhookURL)
	}
	switch {
	case s.secret.Fresh: // send cannot find it
		send = append(send, "--secret "+s.secret.Text)
	case !s.secret.Kept:
		send = append(send, "--secret whsec_...")
	}
	scan := []string{"aws", "--endpoint-url " + p.Endpoint, "dynamodb scan", "--table-name " + p.DirectoryTable}
	commands := [][]string{append(send, event), get, scan}
	for _, name := range []string{"backfill", "diff"} {
		if p.ClerkURL != "" {
			variables := []string{"CLERK_API_URL=" + p.ClerkURL, "CLERK_SECRET_KEY=" + pipeline.ClerkKey}
			commands = append(commands, slices.Concat(variables, []string{program + name}, endpointFlag(p)))
		}
	}
	lines := terminal.Styled("")
	for _, words := range commands {
		lines += terminal.Command(s.noteWidth(), words...) + "\n"
	}
	s.note("Next, in another terminal:\n\n%s\nEach message shows here as it flows. Ctrl-C stops.\n", lines)
}

// endpointFlag is the flag by which other commands find this dev, none where it
// is at the default endpoint.
func endpointFlag(p *pipeline.Pipeline) []string {
	if p.Endpoint == deployment.DefaultEndpointURL {
		return nil
	}
	return []string{"--endpoint-url " + p.Endpoint}
}

// startAdvice says what to look at where the pipeline does not start.
func (s *screen) startAdvice(ctx context.Context, o Options, err error) string {
	var addr *net.AddrError
	switch {
	case errors.As(err, &addr):
		return "--addr and --aws-addr are HOST:PORT, such as 127.0.0.1:3000; port 0 means any free one."
	case o.Pipeline.AWS != nil:
		return "Is it running, and are --endpoint-url and the AWS credentials right?"
	}
	return fmt.Sprintf("Is another clerksync dev running? "+
		"Choose other ports with --addr and --aws-addr (and --console-addr); "+
		"port 0 means any free one. (Next.js takes port 3000, too.)\n\n%s\n",
		terminal.Command(s.noteWidth(), devOnFreePorts(ctx, o)...))
}

// devOnFreePorts is the command that was given, on ports that are free. A secret
// of the user's is not printed.
func devOnFreePorts(ctx context.Context, o Options) []string {
	addr := nextFree(ctx, o.Pipeline.Addr)
	used := []string{addr}
	words := []string{terminal.Program() + "dev", "--addr " + addr}
	if o.Pipeline.AWS != nil {
		words = append(words, "--endpoint-url "+aws.ToString(o.Pipeline.AWS.BaseEndpoint))
	} else {
		used = append(used, nextFree(ctx, o.Pipeline.AWSAddr, used...))
		words = append(words, "--aws-addr "+used[1])
	}
	switch {
	case o.ConsoleAddr == "":
		words = append(words, "--console-addr off")
	case !o.ConsoleAnyPort:
		words = append(words, "--console-addr "+nextFree(ctx, o.ConsoleAddr, used...))
	}
	if !o.Secret.Ours() {
		words = append(words, "--secret whsec_...")
	}
	if o.Record != "" {
		words = append(words, "--record "+o.Record)
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"--clerk-api", o.Pipeline.ClerkAddr != ""},
		{"--open", o.Open},
		{"--demo", o.Demo},
		{"--once", o.Once},
		{"--json", o.JSON},
	} {
		if flag.set {
			words = append(words, flag.name)
		}
	}
	return words
}

// nextFree is the address, or else the next port above at which a listener can be
// opened now, other than those that are used already. Port 0 stands for any.
func nextFree(ctx context.Context, addr string, used ...string) string {
	const tries = 100
	host, port, err := net.SplitHostPort(addr)
	number, numberErr := strconv.Atoi(port)
	if err != nil || numberErr != nil || number == 0 {
		return addr
	}
	for n := number; n < number+tries; n++ {
		addr = net.JoinHostPort(host, strconv.Itoa(n))
		if slices.Contains(used, addr) {
			continue
		}
		if l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	return net.JoinHostPort(host, "0")
}
