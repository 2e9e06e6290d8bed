package engines_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator/dynamodb/dynamodbtest"
	"github.com/clerksync/clerksync/internal/emulator/sqs/sqstest"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// suite is one of the conformance suites: the names of its checks, what an
// engine leaves out of it, and whether there is an engine for it.
type suite struct {
	name   string
	checks []string
	gaps   map[string]string
	runs   bool
}

func (g gaps) suites(e engines) []suite {
	var table []string
	for _, c := range directorytest.Checks() {
		table = append(table, c.Name)
	}
	return []suite{
		{name: "dynamodb", checks: dynamodbtest.Names(), gaps: g.dynamodb, runs: e.tables != nil},
		{name: "directory", checks: table, gaps: g.directory, runs: e.tables != nil},
		{name: "sqs", checks: sqstest.Names(), gaps: g.sqs, runs: e.queues != nil},
	}
}

// summary says for the log of a run how many checks it has left out, and which
// suites for want of an engine.
func (g gaps) summary(e engines) string {
	var parts, without []string
	out, all := 0, 0
	for _, s := range g.suites(e) {
		if !s.runs {
			without = append(without, s.name)
			continue
		}
		out, all = out+len(s.gaps), all+len(s.checks)
		parts = append(parts, fmt.Sprintf("%s %d of %d", s.name, len(s.gaps), len(s.checks)))
	}
	text := fmt.Sprintf("%d of %d checks left out, each named in gaps_test.go (%s)",
		out, all, strings.Join(parts, ", "))
	if len(without) > 0 {
		text += "; not run for want of an endpoint: " + strings.Join(without, ", ")
	}
	return text
}

func TestSummary(t *testing.T) {
	t.Parallel()
	const leftOut = "checks left out, each named in gaps_test.go"
	g := gaps{
		dynamodb:  map[string]string{"a": "", "b": ""},
		directory: map[string]string{"c": ""},
		sqs:       map[string]string{"d": ""},
	}
	tables, queues := dynamodb.New(dynamodb.Options{}), sqs.New(sqs.Options{})
	for name, c := range map[string]struct {
		engines engines
		want    string
	}{
		"both": {
			engines: engines{tables: tables, queues: queues},
			want:    "^4 of N " + leftOut + " \\(dynamodb 2 of N, directory 1 of N, sqs 1 of N\\)$",
		},
		"tables alone": {
			engines: engines{tables: tables},
			want: "^3 of N " + leftOut + " \\(dynamodb 2 of N, directory 1 of N\\); " +
				"not run for want of an endpoint: sqs$",
		},
		"queues alone": {
			engines: engines{queues: queues},
			want:    "^1 of N " + leftOut + " \\(sqs 1 of N\\); not run for want of an endpoint: dynamodb, directory$",
		},
	} {
		want := regexp.MustCompile(strings.ReplaceAll(c.want, "N", "[0-9]+"))
		if got := g.summary(c.engines); !want.MatchString(got) {
			t.Errorf("summary(%s) = %q, want it to match %s", name, got, want)
		}
	}
}

// TestGapsAreChecks: whatever is left out is the name of a check, with a reason,
// so that what the summary counts is what is left out.
func TestGapsAreChecks(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]gaps{"ministack": ministack(), "moto": moto()} {
		for _, s := range g.suites(engines{}) {
			for check, reason := range s.gaps {
				if !slices.Contains(s.checks, check) || reason == "" {
					t.Errorf("%s leaves out %q of the suite %s for %q, want a check's name and a reason",
						name, check, s.name, reason)
				}
			}
		}
	}
}

// ministack is ministack 1.5.33. Neither engine is what our emulator is measured
// by: what they take and AWS documents as refused is refused there.
func ministack() gaps {
	queue := lenient()
	queue["a bad entry of a batch does not hold back the others"] = "takes attribute values with refused characters"
	queue["changed visibility is refused where nothing is in flight"] = "takes a visibility of 43,201 s"
	queue["numbers out of range are refused"] = "waits 21 s, hides 43,201 s"
	queue["a deleted message stays away"] = "refuses a second deletion, which SQS takes"
	queue["the latest of several handles deletes"] = "refuses an older handle, which SQS takes"
	return gaps{
		dynamodb: map[string]string{
			"limit-empty-keys": "takes an item without its sort key in a transaction",
			"limit-long-keys":  "takes an index key of 2,049 bytes",
			// pkg/dynamo takes the list of the table's rows for a proof, too.
			"consumed-capacity-names-tables": "reports none of a BatchGetItem",
		},
		directory: map[string]string{"an index key over 2,048 bytes is refused": "takes it"},
		sqs:       queue,
	}
}

// moto is moto 5.2.
func moto() gaps {
	queue := lenient()
	maps.Copy(queue, map[string]string{
		"a bad entry of a batch does not hold back the others":     "takes refused characters",
		"characters that SQS does not keep are refused":            "takes them",
		"changed visibility is refused where nothing is in flight": "answers with another error",
		"an empty body is refused":                                 "takes it",
		"a mebibyte is taken":                                      "takes a byte more",
		"a bad redrive policy is refused":                          "answers with another error",
		"a message received too often becomes a dead letter":       "does not say where it came from",
	})
	return gaps{
		dynamodb: map[string]string{
			"types-do-not-compare":             "answers 500",
			"transaction-request-token":        "takes another content under the same token",
			"race-transactions-never-both-win": "its transactions are not isolated",
			"limit-item-400-kb":                "counts an item's size otherwise",
			"limit-empty-keys":                 "answers with another reason",
			"limit-index-key-type":             "takes a number as an index key of text",
			"limit-numbers":                    "takes 39 digits and 1e126",
			"index-sparse-and-forgetting":      "answers 500 to a scan of an index",
		},
		directory: map[string]string{
			"a row of 400 KB is taken":                                "counts an item's size otherwise",
			"a row whose revision is no text loses to every revision": "answers 500",
			"an index key that is no text is refused":                 "takes it",
			"of 50 racing writers the greatest revision wins":         "its transactions are not isolated",
			"of 20 racing copies of a message one is written":         "its transactions are not isolated",
		},
		sqs: queue,
	}
}

// lenient are the refusals that both leave out.
func lenient() map[string]string {
	return map[string]string{
		"bad names of attributes are refused":               "takes them",
		"bad values of attributes are refused":              "takes them",
		"more than ten attributes are refused":              "takes eleven",
		"the queue's size limit counts body and attributes": "does not count attributes",
		"unknown attributes and bad values are refused":     "takes them",
	}
}
