package terminal

import (
	"fmt"
	"time"

	"charm.land/lipgloss/v2"
)

// Styled is text that is printed as it is: what came from outside has lost its
// control characters, and the escape codes in it are ours.
type Styled string

// A Style gives text a colour or a weight. Styles nest.
type Style func(text any) Styled

// Good is for what went well.
func Good(text any) Styled { return render(lipgloss.NewStyle().Foreground(lipgloss.Color("2")), text) }

// Warn is for what deserves a look.
func Warn(text any) Styled { return render(lipgloss.NewStyle().Foreground(lipgloss.Color("3")), text) }

// Bad is for what failed.
func Bad(text any) Styled { return render(lipgloss.NewStyle().Foreground(lipgloss.Color("1")), text) }

// Dim is for what matters less than its neighbours.
func Dim(text any) Styled { return render(lipgloss.NewStyle().Faint(true), text) }

// Bold is for headings and addresses.
func Bold(text any) Styled { return render(lipgloss.NewStyle().Bold(true), text) }

// Plain adds nothing.
func Plain(text any) Styled { return render(lipgloss.NewStyle(), text) }

// Link is dim text that leads to a URL where the terminal knows links. A terminal
// that does not shows the text alone; a pipe must not get the link, even where
// colours are forced into it, so it is for lines that a terminal shows.
func Link(url string, text any) Styled {
	return render(lipgloss.NewStyle().Faint(true).Hyperlink(url), text)
}

// render cleans the text before it adds escape codes of its own.
func render(style lipgloss.Style, text any) Styled {
	return Styled(style.Render(fmt.Sprint(clean(text))))
}

// FormatDuration rounds a duration to what people say. A negative one is 0.
func FormatDuration(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
