package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// writeTemplate writes template.yaml as a release has it: each function is the bundle beside the template, not what a
// build makes of the sources, and the parameter Architecture takes that of the bundles alone.
func writeTemplate(architecture, out string) error {
	suffix := map[string]string{"arm64": "arm64", "x86_64": "amd64"}[architecture]
	if suffix == "" {
		return errUsage
	}
	text, err := os.ReadFile("template.yaml")
	if err != nil {
		return fmt.Errorf("read the template: %w", err)
	}
	released, err := release(string(text), architecture, suffix)
	if err != nil {
		return fmt.Errorf("make the template of a release: %w", err)
	}
	if err := os.WriteFile(out, []byte(released), 0o644); err != nil { //nolint:gosec // a release is public
		return fmt.Errorf("write the template: %w", err)
	}
	return nil
}

// release changes lines and not a parsed document, so that the comments stay. A line that is not there as often as it
// should be is an error: the template has changed, and this must follow.
func release(text, architecture, suffix string) (string, error) {
	functions := strings.Count(text, "Type: AWS::Serverless::Function\n")
	for _, edit := range []struct {
		line, by string // a regular expression
		times    int
	}{
		{line: `(?m)^    CodeUri: \.\n`, by: "", times: 1}, // of all functions
		{line: `(?m)^      BuildMethod: makefile.*\n`, by: "", times: functions},
		{
			line: `(?m)^(      Role: !GetAtt (\w+)Role\.Arn\n)`,
			by:   "$1      CodeUri: $2-" + suffix + ".zip\n", times: functions,
		},
		{
			line: `(?m)^    Default: arm64\n    AllowedValues: \[arm64, x86_64\]\n`,
			by:   "    Default: " + architecture + "\n    AllowedValues: [" + architecture + "]\n", times: 1,
		},
	} {
		pattern := regexp.MustCompile(edit.line)
		if got := len(pattern.FindAllString(text, -1)); got != edit.times {
			return "", fmt.Errorf("template.yaml has %d lines %s, want %d", got, edit.line, edit.times)
		}
		text = pattern.ReplaceAllString(text, edit.by)
	}
	bundle := regexp.MustCompile(`(?m)^      CodeUri: .*\.zip$`)
	return bundle.ReplaceAllStringFunc(text, lowerName), nil
}

// lowerName writes the name of a bundle in lower case: IngestFunction's is ingest-arm64.zip.
func lowerName(line string) string {
	key, name, _ := strings.Cut(line, ": ")
	return key + ": " + strings.ToLower(name)
}
