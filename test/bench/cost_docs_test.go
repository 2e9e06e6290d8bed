package bench_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestCostIsDocumented holds that the table in docs/cost.md says what TestCost
// counts, line by line, with the money worked out.
func TestCostIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/cost.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Each kind of event\n")
	if !found {
		t.Fatal("docs/cost.md has no section \"Each kind of event\"")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var got []string
	for line := range strings.SplitSeq(strings.ReplaceAll(section, "*", ""), "\n") {
		if strings.HasPrefix(line, "| ") {
			got = append(got, line)
		}
	}
	want := []string{"| event | table requests | write units | index units | read units | USD per million, DynamoDB alone |"}
	for _, p := range prices() {
		c := p.want
		want = append(want, fmt.Sprintf("| %s | %d |%s |%s |%s | %s |", p.line, c.Requests, cell(c.Write), cell(c.Index), cell(c.Read), c.million()))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("table in docs/cost.md (-counted +documented):\n%s", diff)
	}
}

// cell is a number with a space before it, nothing for none.
func cell(n int) string {
	if n == 0 {
		return ""
	}
	return " " + strconv.Itoa(n)
}

// million is what DynamoDB bills for a million of them in USD: 0.625 for the
// write units, 0.125 for the read units.
// https://aws.amazon.com/dynamodb/pricing/on-demand/
func (c cost) million() string {
	eighths := 5*(c.Write+c.Index) + c.Read
	cents := (100*eighths + 4) / 8
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// less is what is left of a cost without another.
func (c cost) less(o cost) cost {
	return cost{c.Requests - o.Requests, c.Write - o.Write, c.Index - o.Index, c.Read - o.Read, c.Queue - o.Queue}
}
