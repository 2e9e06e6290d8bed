package runbook_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/test/program"
)

// The names of the tables in the runbook's own lines.
const (
	directoryTable  = "clerksync-DirectoryTable-EXAMPLE"
	deliveriesTable = "clerksync-DeliveriesTable-EXAMPLE"
)

// account is an emulated account with the two tables of a stack.
type account struct {
	client *dynamodb.Client
	env    []string // what the AWS CLI needs
}

func newAccount(t *testing.T) *account {
	t.Helper()
	cli, moto := program.FromEnv(t, "RUNBOOK_AWS"), program.FromEnv(t, "MOTO_SERVER")
	port := program.FreePort(t)
	url := "http://127.0.0.1:" + port
	program.Command{Args: []string{moto, "-H", "127.0.0.1", "-p", port}}.Start(t)
	program.WaitForHTTP(t, url+"/moto-api/data.json")
	a := &account{
		client: dynamodb.NewFromConfig(emulator.Config(url)),
		env: []string{
			"AWS_ENDPOINT_URL=" + url, "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
			"PATH=" + filepath.Dir(cli) + ":" + os.Getenv("PATH"),
		},
	}
	for _, in := range []*dynamodb.CreateTableInput{
		dynamo.DirectorySchema(directoryTable), dynamo.DeliveriesSchema(deliveriesTable),
	} {
		in.DeletionProtectionEnabled = aws.Bool(true)
		if _, err := a.client.CreateTable(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if _, err := a.client.UpdateContinuousBackups(t.Context(), &dynamodb.UpdateContinuousBackupsInput{
			TableName: in.TableName,
			PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{
				PointInTimeRecoveryEnabled: aws.Bool(true),
			},
		}); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// put puts rows of text attributes, given as name and value by turns.
func (a *account) put(t *testing.T, table string, rows ...[]string) {
	t.Helper()
	for _, r := range rows {
		row := map[string]types.AttributeValue{}
		for pair := range slices.Chunk(r, 2) {
			row[pair[0]] = &types.AttributeValueMemberS{Value: pair[1]}
		}
		if _, err := a.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: row}); err != nil {
			t.Fatal(err)
		}
	}
}

// keys are the sorted keys of a table, or of an index.
func (a *account) keys(t *testing.T, table string, index *string) (keys []string) {
	t.Helper()
	out, err := a.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table, IndexName: index})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.Items {
		plain := dynamo.PlainValues(r)
		key, _ := plain["svix_id"].(string)
		if pk, is := plain["pk"].(string); is {
			key = pk + " / " + plain["sk"].(string)
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// paste runs all shell blocks of a section of the runbook, one after the other as one script. Lambda's part is answered
// here, sleeping is left out, and some words are replaced first.
func (a *account) paste(t *testing.T, title string, replaced ...string) error {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(program.Repository(t), "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## "+title+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	script := []string{
		"set -euo pipefail", "UUID=uuid", "sleep() { :; }",
		`aws() { if [ "$1" = lambda ]; then echo Disabled; else command aws "$@"; fi; }`,
		"DIRECTORY=" + directoryTable, "cd " + t.TempDir(), "ln -s " + program.Repository(t) + "/docs docs",
	}
	blocks := strings.Split(section, "```sh\n")
	if len(blocks) < 2 {
		t.Fatalf("docs/operations.md, %q: no block of shell lines", title)
	}
	for _, block := range blocks[1:] {
		lines, _, _ := strings.Cut(block, "```")
		script = append(script, strings.NewReplacer(replaced...).Replace(lines))
	}
	out, errs, err := program.Command{
		Args: []string{"bash"}, Stdin: strings.Join(script, "\n"), Env: a.env,
	}.Output(t)
	t.Logf("%s%s", out, errs)
	return err
}

// Pasted as it stands, the section ends in tables of the old names, with their settings, without the rows of the last
// five minutes and their pointers, and with the pointers that older live rows should have.
func TestRestoreAsPasted(t *testing.T) {
	a := newAccount(t)
	const old, recent = "2026-03-01T00:00:00.000Z", "2026-03-02T10:29:00.000Z"
	a.put(t, directoryTable,
		[]string{"pk", "USER#user_old", "sk", "USER", "kind", directory.KindUser, "synced_at", old},
		[]string{"pk", "USER#user_new", "sk", "USER", "kind", directory.KindUser, "synced_at", recent},
		[]string{"pk", "ORG#org_a", "sk", "MEMBER#user_a", "kind", directory.KindMembership, "synced_at", recent},
		[]string{"pk", "USER#user_a", "sk", "MEMBERSHIP#org_a", "kind", directory.KindMembershipOf, "synced_at", old},
		[]string{
			"pk", "ORG#org_b", "sk", "MEMBER#user_b", "kind", directory.KindMembership, "synced_at", old,
			"org_id", "org_b", "user_id", "user_b",
		},
		[]string{
			"pk", "ORG#org_b", "sk", "MEMBER#user_gone", "kind", directory.KindMembership, "synced_at", old,
			"org_id", "org_b", "user_id", "user_gone", "deleted_at", old,
		},
		[]string{
			"pk", "DOMAIN#orgdmn_b", "sk", "DOMAIN", "kind", directory.KindDomain, "synced_at", old,
			"id", "orgdmn_b", "org_id", "org_b",
		},
	)
	a.put(t, deliveriesTable, []string{"svix_id", "msg_a"})
	if err := a.paste(t, "Restore from a backup"); err != nil {
		t.Fatalf("the pasted lines: %v", err)
	}
	if diff := cmp.Diff([]string{
		"DOMAIN#orgdmn_b / DOMAIN", "ORG#org_b / DOMAIN#orgdmn_b",
		"ORG#org_b / MEMBER#user_b", "ORG#org_b / MEMBER#user_gone",
		"USER#user_b / MEMBERSHIP#org_b", "USER#user_old / USER",
	}, a.keys(t, directoryTable, nil)); diff != "" {
		t.Errorf("rows of the Directory (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"msg_a"}, a.keys(t, deliveriesTable, nil)); diff != "" {
		t.Errorf("rows of the Deliveries (-want +got):\n%s", diff)
	}
	for _, table := range []string{directoryTable, deliveriesTable} {
		described, err := a.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		if err != nil {
			t.Fatal(err)
		}
		backups, err := a.client.DescribeContinuousBackups(t.Context(), &dynamodb.DescribeContinuousBackupsInput{
			TableName: &table,
		})
		if err != nil {
			t.Fatal(err)
		}
		recovery := backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus
		protected := aws.ToBool(described.Table.DeletionProtectionEnabled)
		if !protected || recovery != types.PointInTimeRecoveryStatusEnabled {
			t.Errorf("%s: deletion protection %v, recovery %v, want both on", table,
				protected, recovery)
		}
	}
	expiry, err := a.client.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{
		TableName: aws.String(deliveriesTable),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(expiry.TimeToLiveDescription.AttributeName); got != "expires_at" {
		t.Errorf("the Deliveries expire by %q, want expires_at", got)
	}
}

// A row that was put back is live, in its indexes, and without rev, so that the next event wins.
func TestPutBackAsPasted(t *testing.T) {
	a := newAccount(t)
	const at = "2026-03-02T10:29:00.000Z"
	a.put(t, directoryTable,
		[]string{
			"pk", "USER#user_EXAMPLE", "sk", "USER", "kind", directory.KindUser, "rev", "x", "deleted_at", at,
			"email", "ada@example.com", "username", "ada",
		},
		[]string{
			"pk", "ORG#org_EXAMPLE", "sk", "MEMBER#user_EXAMPLE", "kind", directory.KindMembership, "rev", "x",
			"org_id", "org_EXAMPLE", "user_id", "user_EXAMPLE",
		},
	)
	const title = "Put a row back by hand"
	if err := a.paste(t, title); err != nil {
		t.Fatalf("the pasted lines: %v", err)
	}
	for _, index := range []string{"by_email", "by_username"} {
		if diff := cmp.Diff([]string{"USER#user_EXAMPLE / USER"}, a.keys(t, directoryTable, &index)); diff != "" {
			t.Errorf("rows in %s (-want +got):\n%s", index, diff)
		}
	}
	for _, k := range []directory.Key{
		directory.UserKey("user_EXAMPLE"), directory.MembershipOfKey("org_EXAMPLE", "user_EXAMPLE"),
	} {
		out, err := a.client.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: aws.String(directoryTable), Key: dynamo.Key(k),
		})
		if err != nil {
			t.Fatal(err)
		}
		r := dynamo.PlainValues(out.Item)
		if r["pk"] == nil || r["rev"] != nil || r["deleted_at"] != nil {
			t.Errorf("row %v = %v, want it live and without rev", k, r)
		}
	}
	if err := a.paste(t, title); err == nil {
		t.Error("pasted again = nil, want an error: the row is live, and nothing is to be put back")
	}
}
