package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// runPrinted takes the command as a person would, and wants it to work.
func runPrinted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: printed PATTERN")
	}
	text := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	found := regexp.MustCompile("(?m)" + args[0]).FindString(text)
	words := strings.Fields(strings.ReplaceAll(found, "'", "")) // no quoted word of a script has spaces
	if len(words) == 0 {
		ts.Fatalf("no command that matches %q was printed", args[0])
	}
	ts.Check(ts.Exec(words[0], words[1:]...))
}

func fetchPrinted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: printed-url FILE")
	}
	printed := regexp.MustCompile(`http://[^"\s]+`).FindString(ts.ReadFile(args[0]))
	bare, _, _ := strings.Cut(printed, "?")
	answer, err := http.Get(bare)
	ts.Check(err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		ts.Fatalf("GET %s = %d, want 401", bare, answer.StatusCode)
	}
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	answer, err = (&http.Client{Jar: jar}).Get(printed)
	ts.Check(err)
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	ts.Check(err)
	if answer.StatusCode != http.StatusOK || answer.Request.URL.RawQuery != "" {
		ts.Fatalf("GET %s = %d at %s, want 200 without the token", printed, answer.StatusCode, answer.Request.URL)
	}
	fmt.Fprint(ts.Stdout(), string(body))
}

func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fetch URL")
	}
	answer, err := http.Get(args[0])
	ts.Check(err)
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), string(body))
}
