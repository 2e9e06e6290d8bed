package terminal

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/smithy-go"
)

// maxText is how much of a text from outside a line for people holds, in bytes:
// an answer may be a whole page of HTML. The reason of a dead letter, which has
// up to 1,024, is shown whole. JSON holds all.
const maxText = 1200

// clean returns what may be printed for an argument. Text comes from outside: a
// terminal would obey its control characters, and a newline would fake a line of
// ours. Errors are ours around such texts, and some give advice on a second line.
func clean(a any) any {
	switch a := a.(type) {
	case nil:
		return a
	case Styled:
		return string(a)
	case error:
		return replaceControlsByLine(errorText(a))
	}
	switch reflect.TypeOf(a).Kind() { //nolint:exhaustive // whatever else there is may hold text
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return a // a duration is a number, too, and prints as we choose
	}
	return replaceControls(shortenText(fmt.Sprint(a)))
}

// errorText is the text of an error, in which what a service answered is cut and
// on one line: a line of its own would look like advice of ours.
func errorText(err error) string {
	var answer smithy.APIError
	if !errors.As(err, &answer) || answer.ErrorMessage() == "" {
		return err.Error()
	}
	message := answer.ErrorMessage()
	return strings.ReplaceAll(err.Error(), message, replaceControls(shortenText(message)))
}

// shortenText cuts a long text between two characters and says by how much.
func shortenText(text string) string {
	if len(text) <= maxText {
		return text
	}
	n := maxText
	for n > maxText-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return fmt.Sprintf("%s... (%d bytes more)", text[:n], len(text)-n)
}

// isControl says whether a terminal would obey the character instead of showing
// it: C0 and C1 controls, those that turn the direction of what follows, and the
// two that end a line.
func isControl(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// replaceControls shows a mark instead of each control character, and of each
// byte that is not UTF-8: some terminals take these for C1 controls.
func replaceControls(text string) string {
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// replaceControlsByLine does the same and leaves the newlines.
func replaceControlsByLine(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = replaceControls(line)
	}
	return strings.Join(lines, "\n")
}

// escapeControls writes the control characters of a line of JSON as JSON escapes,
// so that it means the same. They stand in its strings alone, and the encoder has
// escaped those below a space.
func escapeControls(line string) string {
	if !strings.ContainsFunc(strings.TrimSuffix(line, "\n"), isControl) {
		return line
	}
	var b strings.Builder
	for _, r := range line {
		if isControl(r) && r != '\n' {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
