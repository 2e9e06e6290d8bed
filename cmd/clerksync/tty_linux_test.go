package main_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"charm.land/lipgloss/v2"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// openTerminal opens a terminal of that width, and the side on which a person
// sits.
func openTerminal(t *testing.T, width uint16) (person, process *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine has no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	control := func(request uintptr, argument unsafe.Pointer) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(argument)); errno != 0 {
			t.Fatal(errno)
		}
	}
	var unlock, number int32
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{40, width}
	control(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	process, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, process
}

// The demo fits every terminal that people use, and says the same on all.
func TestDemoFitsTheTerminal(t *testing.T) {
	t.Parallel()
	// A terminal that does not say its width counts as one of 80 columns.
	for width, limit := range map[uint16]int{60: 60, 80: 80, 0: 80, 132: 132} {
		t.Run(strconv.Itoa(int(width)), func(t *testing.T) {
			t.Parallel()
			person, process := openTerminal(t, width)
			var screen bytes.Buffer
			read := make(chan struct{})
			go func() {
				_, _ = io.Copy(&screen, person) // ends with an error where the other side closes
				close(read)
			}()
			const anyPort = "127.0.0.1:0"
			dev := exec.Command("clerksync", "dev", "--demo", "--once", "--addr", anyPort, "--aws-addr", anyPort)
			dev.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(), "TERM=xterm")
			dev.Stdout, dev.Stderr = process, process
			err := dev.Run()
			_ = process.Close()
			<-read
			text := regexp.MustCompile(`\x1b\[[0-9;]*m|\r`).ReplaceAllString(screen.String(), "")
			if err != nil {
				t.Errorf("dev --demo --once: %v\n%s", err, text)
			}
			for line := range strings.Lines(text) {
				if w := lipgloss.Width(strings.TrimRight(line, "\n")); w > limit {
					t.Errorf("%d wide: %s", w, line)
				}
			}
			for _, want := range []string{
				"Tue   an older change, overtaken on its way",
				"rejected 400 invalid_signature", "mara@lumenoak.example",
				"15 applied, 2 stale, 1 duplicate, 1 rejected, 1 ignored in ",
			} {
				if !strings.Contains(strings.Join(strings.Fields(text), " "), strings.Join(strings.Fields(want), " ")) {
					t.Errorf("the screen has no %q:\n%s", want, text)
				}
			}
			if got, want := strings.Contains(text, "user.created"), limit >= 112; got != want {
				t.Errorf("the column of events is there: %v, want %v", got, want)
			}
		})
	}
}

// A question fits the terminal, too, and is asked to its end.
func TestQuestionFitsTheTerminal(t *testing.T) {
	t.Parallel()
	const width = 40
	person, process := openTerminal(t, width)
	term := terminal.New(t.Context(), strings.NewReader("y\n"), io.Discard, process)
	if !term.Confirm("Drop ALL dead letters for good? Nothing brings them back but a replay from Svix.") {
		t.Error("Confirm = false after y, want true")
	}
	_ = process.Close()
	screen, _ := io.ReadAll(person) // ends with an error where the other side closes
	for line := range strings.Lines(string(screen)) {
		if w := lipgloss.Width(strings.TrimRight(line, "\r\n")); w > width {
			t.Errorf("%d wide: %s", w, line)
		}
	}
	if !strings.HasSuffix(string(screen), "Svix. [y/N] ") {
		t.Errorf("the screen shows %q, want the question to its end", screen)
	}
}

// Whoever names - and types nothing is told what the command waits for.
func TestStandardInputOfATerminal(t *testing.T) {
	t.Parallel()
	person, process := openTerminal(t, 80)
	var words bytes.Buffer
	if _, err := person.WriteString("{}\n\x04"); err != nil { // Ctrl-D
		t.Fatal(err)
	}
	text, err := terminal.New(t.Context(), process, io.Discard, &words).ReadFile("-")
	if err != nil || string(text) != "{}\n" || words.String() != "Reading from here until Ctrl-D.\n" {
		t.Errorf("ReadFile(-) = %q, %v, and says %q, want what was typed and how to end it", text, err, words.String())
	}
}
