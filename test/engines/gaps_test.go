package engines_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator/dynamodb/dynamodbtest"
	"github.com/clerksync/clerksync/internal/emulator/sqs/sqstest"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// summary says for the log of a run how many checks it has left out, and which
// suites for want of an engine.
func (g gaps) summary(e engines) string {
	var parts, without []string
	out, all := 0, 0
	for _, s := range []struct {
		name   string
		runs   bool
		gaps   int
		checks int
	}{
		{"engine", e.tables != nil, len(g.engine), len(dynamodbtest.Checks(dynamodbtest.Tables{}))},
		{"table", e.tables != nil, len(g.table), len(directorytest.Checks())},
		{"queue", e.queues != nil, len(g.queue), len(sqstest.Checks())},
	} {
		if !s.runs {
			without = append(without, s.name)
			continue
		}
		out, all = out+s.gaps, all+s.checks
		parts = append(parts, fmt.Sprintf("%s %d of %d", s.name, s.gaps, s.checks))
	}
	text := fmt.Sprintf("%d of %d checks left out, each named in gaps_test.go (%s)", out, all, strings.Join(parts, ", "))
	if len(without) > 0 {
		text += "; not run for want of an endpoint: " + strings.Join(without, ", ")
	}
	return text
}

// TestSummary holds what a run says of itself.
func TestSummary(t *testing.T) {
	g := gaps{engine: map[string]string{"a": "", "b": ""}, table: map[string]string{"c": ""}, queue: map[string]string{"d": ""}}
	tables, queues := dynamodb.New(dynamodb.Options{}), sqs.New(sqs.Options{})
	for _, c := range []struct {
		name string
		on   engines
		want string
	}{
		{"both", engines{tables, queues}, "^4 of [0-9]+ checks left out, each named in gaps_test.go \\(engine 2 of [0-9]+, table 1 of [0-9]+, queue 1 of [0-9]+\\)$"},
		{"tables alone", engines{tables: tables}, "^3 of .* \\(engine 2 of [0-9]+, table 1 of [0-9]+\\); not run for want of an endpoint: queue$"},
		{"queues alone", engines{queues: queues}, "^1 of .* \\(queue 1 of [0-9]+\\); not run for want of an endpoint: engine, table$"},
	} {
		if got := g.summary(c.on); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("summary(%s) = %q, want it to match %s", c.name, got, c.want)
		}
	}
}

// TestGapsAreChecks holds that whatever is left out is there to be run, with
// a reason: what is counted is what is left out.
func TestGapsAreChecks(t *testing.T) {
	engine, table, queue := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range dynamodbtest.Checks(dynamodbtest.Tables{}) {
		engine[c.Name] = true
	}
	for _, c := range directorytest.Checks() {
		table[c.Name] = true
	}
	for _, c := range sqstest.Checks() {
		queue[c.Name] = true
	}
	for name, g := range map[string]gaps{"ministack": ministack(), "moto": moto()} {
		for suite, part := range map[string]struct {
			gaps  map[string]string
			known map[string]bool
		}{"engine": {g.engine, engine}, "table": {g.table, table}, "queue": {g.queue, queue}} {
			for check, reason := range part.gaps {
				if !part.known[check] || reason == "" {
					t.Errorf("%s leaves out %q of the suite %s for %q, want a check's name and a reason", name, check, suite, reason)
				}
			}
		}
	}
}

// ministack is ministack 1.5.33. Neither engine is what the embedded one is
// measured by: what they take and AWS documents as refused is refused there.
func ministack() gaps {
	queue := lenient()
	queue["a bad entry of a batch does not hold back the others"] = "takes attribute values with refused characters"
	queue["changed visibility is refused where nothing is in flight"] = "takes a visibility of 43,201 s"
	queue["numbers out of range are refused"] = "waits 21 s, hides 43,201 s"
	queue["a deleted message stays away"] = "refuses a second deletion, which SQS takes"
	queue["the latest of several handles deletes"] = "refuses an older handle, which SQS takes"
	return gaps{
		engine: map[string]string{
			"limit-empty-keys": "takes an item without its sort key in a transaction",
			"limit-long-keys":  "takes an index key of 2,049 bytes",
		},
		table: map[string]string{"an index key over 2,048 bytes is refused": "takes it"},
		queue: queue,
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
		engine: map[string]string{
			"types-do-not-compare":             "answers 500",
			"transaction-request-token":        "takes another content under the same token",
			"race-transactions-never-both-win": "its transactions are not isolated",
			"limit-item-400-kb":                "counts an item's size otherwise",
			"limit-empty-keys":                 "answers with another reason",
			"limit-index-key-type":             "takes a number as an index key of text",
			"limit-numbers":                    "takes 39 digits and 1e126",
			"index-sparse-and-forgetting":      "answers 500 to a scan of an index",
		},
		table: map[string]string{
			"a row of 400 KB is taken":                        "counts an item's size otherwise",
			"an index key that is no text is refused":         "takes it",
			"of 50 racing writers the greatest revision wins": "its transactions are not isolated",
			"of 20 racing copies of a message one is written": "its transactions are not isolated",
		},
		queue: queue,
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
