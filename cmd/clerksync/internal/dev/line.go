package dev

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// Columns at which a message's line goes on, below its event's type, and at which
// the sentences about it begin.
const (
	wordsIndent  = 19
	reasonIndent = 9
)

// format is a step as people see it now. On a terminal the message's id leads to
// its page in the console.
func (s *screen) format(st step) terminal.Styled {
	width, page := s.width(), ""
	if width > 0 && s.console() != "" && st.SvixID != "" {
		page = strings.TrimSuffix(s.console(), "/") + "/messages/" + url.PathEscape(st.SvixID)
	}
	mark := ""
	if width > 0 && s.marks {
		mark = view.Mark(st.Stage) + " "
	}
	return formatStep(s.now(), st, width, page, mark)
}

// formatStep is a step on one line where that has room. Reasons that are sentences
// come last, and on a line of their own where there is no room. The id is a link
// where a page is given. The mark, "" for none, stands before the stage: it is the
// console's, so that a stage is known by its shape, too.
func formatStep(at time.Time, st step, width int, page, mark string) terminal.Styled {
	indent := wordsIndent + utf8.RuneCountInString(mark)
	words := []terminal.Styled{
		terminal.Dim(at.Format(time.TimeOnly)), stageStyle(st.Stage)(mark + fmt.Sprintf("%-9s", st.Stage)),
		terminal.Plain(cmp.Or(st.EventType, "request")),
	}
	if st.Entity != "" {
		words = append(words, terminal.Plain(st.Entity))
	}
	sentence := strings.ReplaceAll(st.Reason, "\n", " ") // errors of the SDK have some
	if st.hasCode() {
		words, sentence = append(words, terminal.Plain(st.Reason)), ""
	}
	switch {
	case st.SvixID == "":
	case page != "":
		words = append(words, terminal.Link(page, st.SvixID))
	default:
		words = append(words, terminal.Dim(st.SvixID))
	}
	if st.lag > 0 {
		words = append(words, terminal.Dim(st.lag.Round(time.Millisecond).String()))
	}
	if st.attempt > 1 {
		words = append(words, terminal.Warn(fmt.Sprintf("attempt %d", st.attempt)))
	}
	if st.times > 0 {
		words = append(words, terminal.Warn(fmt.Sprintf("×%d more", st.times)))
	}
	if sentence == "" {
		return terminal.Fill(width, indent, "", words...)
	}
	whole := terminal.Fill(width, indent, "", append(words, terminal.Plain(sentence))...)
	if !strings.Contains(string(whole), "\n") {
		return whole
	}
	return terminal.Fill(width, indent, "", words...) + "\n" + sentenceBelow(sentence, width, terminal.Plain)
}

// sentenceBelow is a sentence on lines of its own.
func sentenceBelow(sentence string, width int, style terminal.Style) terminal.Styled {
	words := []terminal.Styled{terminal.Styled(strings.Repeat(" ", reasonIndent-1))}
	if width == 0 {
		return words[0] + " " + style(sentence)
	}
	for _, w := range strings.Fields(sentence) {
		words = append(words, style(w))
	}
	return terminal.Fill(width, reasonIndent, "", words...)
}

// hasCode says whether the reason is one of ingest's codes and no sentence.
func (st step) hasCode() bool {
	return st.Stage == string(ingest.Rejected) || st.Stage == string(ingest.Ignored)
}

// stageStyle colours a stage: green for done, yellow for without effect, red for
// refused or failed. Stale and duplicate are yellow, not red: losing is right.
func stageStyle(stage string) terminal.Style {
	switch stage {
	case string(ingest.Queued), string(consumer.Applied):
		return terminal.Good
	case string(ingest.Ignored), string(consumer.Stale), string(consumer.Duplicate):
		return terminal.Warn
	}
	return terminal.Bad
}
