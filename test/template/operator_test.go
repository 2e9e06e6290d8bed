package template_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sdkServices is the path that the SDK's clients have in common.
const sdkServices = "github.com/aws/aws-sdk-go-v2/service/"

// localFolders hold what `clerksync dev` alone runs, against its own emulators, and what is not part of the command.
func localFolders() []string {
	return []string{
		"cmd/clerksync/internal/dev", "cmd/clerksync/internal/pipeline", "cmd/clerksync/internal/console/order",
		"cmd/clerksync/internal/deployment/deploymenttest", "pkg/dynamo/dynamotest",
		"cmd/clerksync/internal/accept", // a program of its own, which an administrator runs once
	}
}

// localOperations are called where there is no stack, or by the role that the command assumes.
func localOperations() map[string]string {
	return map[string]string{
		"sqs:GetQueueUrl": "finds the queues of `clerksync dev`; a stack's outputs name them",
		"sqs:SendMessage": "puts a dead letter back as RedriveRole",
	}
}

// actionOf are the IAM actions that authorise an SDK operation.
func actionOf(service, operation string) []string {
	switch operation {
	case "TransactWriteItems": // each write by its own action
		return []string{"dynamodb:PutItem", "dynamodb:DeleteItem"}
	case "ChangeMessageVisibilityBatch", "DeleteMessageBatch", "SendMessageBatch":
		return []string{"sqs:" + strings.TrimSuffix(operation, "Batch")}
	}
	if service == "cloudwatchlogs" {
		service = "logs"
	}
	return []string{service + ":" + operation}
}

// goFiles are the files below a folder that are built into the command, without the local folders.
func goFiles(t *testing.T, folder string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, folder), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(localFolders(), filepath.ToSlash(inside)) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// imported are the imports of a file by the name under which it uses them.
func imported(t *testing.T, file *ast.File) map[string]string {
	t.Helper()
	byName := map[string]string{}
	for _, spec := range file.Imports {
		full, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		name := path.Base(full)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		byName[name] = full
	}
	return byName
}

// callsIn are the actions that the files of a folder need: each request to AWS is written as service.OperationInput{}.
// Where the folder makes one of our own clients, the client's package is searched too. searched are the folders where
// that has begun: the helpers for tests below a package make what it makes, so a search that forgot would never end.
func callsIn(t *testing.T, folder string, searched map[string]bool) map[string]string {
	t.Helper()
	searched[folder] = true
	where, ours := map[string]string{}, map[string]bool{}
	for _, name := range goFiles(t, folder) {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		imports := imported(t, file)
		if imports["stscreds"] != "" {
			where["sts:AssumeRole"] = name
		}
		ast.Inspect(file, func(n ast.Node) bool {
			selected, is := n.(*ast.SelectorExpr)
			if !is {
				return true
			}
			of, is := selected.X.(*ast.Ident)
			if !is {
				return true
			}
			from, member := imports[of.Name], selected.Sel.Name
			if service, is := strings.CutPrefix(from, sdkServices); is && strings.HasSuffix(member, "Input") {
				for _, action := range actionOf(service, strings.TrimSuffix(member, "Input")) {
					where[action] = name
				}
			}
			if _, inPkg, is := strings.Cut(from, "/clerksync/pkg/"); is && strings.HasPrefix(member, "New") {
				ours["pkg/"+inPkg] = true
			}
			return true
		})
	}
	for pkg := range ours {
		if !searched[pkg] {
			maps.Copy(where, callsIn(t, pkg, searched))
		}
	}
	return where
}

// writesRows is the package by which backfill alone writes rows. Whoever may do that may write any row, so a policy of
// its own allows it.
const writesRows = "pkg/dynamo"

// readsByBatch is what else of that package's the console calls: it reads the names of the users and organizations in a
// list at once.
func readsByBatch() map[string]string {
	return map[string]string{"dynamodb:BatchGetItem": writesRows + "/read.go"}
}

func TestBackfillMayDoWhatItCalls(t *testing.T) {
	where := callsIn(t, writesRows, map[string]bool{})
	for _, action := range []string{
		"cloudformation:DescribeStacks", "cloudformation:DescribeStackResource", "lambda:GetFunctionConfiguration",
		"dynamodb:Scan", // to see whose the rows are
	} {
		where[action] = "cmd/clerksync/internal/deployment"
	}
	delete(where, "dynamodb:CreateTable") // for `clerksync dev`
	if diff := cmp.Diff(slices.Sorted(maps.Keys(where)), actionsOf(readPolicy(t, "backfill.json"))); diff != "" {
		t.Errorf("docs/iam/backfill.json (-called +allowed):\n%s", diff)
	}
}

func TestOperatorsMayDoWhatTheCommandCalls(t *testing.T) {
	where := callsIn(t, "cmd/clerksync", map[string]bool{writesRows: true})
	maps.Copy(where, readsByBatch())
	for action := range localOperations() {
		delete(where, action)
	}
	want := slices.Sorted(maps.Keys(where))
	if len(want) < 20 {
		t.Fatalf("the command calls %v: does the test still find its calls?", want)
	}
	if diff := cmp.Diff(want, actionsOf(readPolicy(t, "operate.json"))); diff != "" {
		t.Errorf("docs/iam/operate.json (-called +allowed):\n%s", diff)
		for _, action := range want {
			t.Logf("%s is called in %s", action, where[action])
		}
	}
}

// The page calls what the package of deployments does, but for what commands call that change rows, or that read a
// secret or the settings of functions.
func TestConsoleMayDoWhatItCalls(t *testing.T) {
	where := callsIn(t, "cmd/clerksync/internal/deployment", map[string]bool{writesRows: true})
	maps.Copy(where, callsIn(t, "cmd/clerksync/internal/console", map[string]bool{writesRows: true}))
	maps.Copy(where, readsByBatch())
	for action := range localOperations() {
		delete(where, action)
	}
	for action, file := range where {
		service, _, _ := strings.Cut(action, ":")
		isScrub := strings.HasSuffix(file, "/scrub.go")
		if service == "ssm" || service == "lambda" || isScrub && action == "dynamodb:UpdateItem" {
			delete(where, action)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(where)), actionsOf(readPolicy(t, "console.json"))); diff != "" {
		t.Errorf("docs/iam/console.json (-called +allowed):\n%s", diff)
	}
}

// Without --write, and without a scan that somebody asks for, the statements that these need can go.
func TestConsoleWritesByStatementsOfTheirOwn(t *testing.T) {
	for _, s := range readPolicy(t, "console.json") {
		for _, action := range texts(s.Action) {
			isWrite := action == "sqs:DeleteMessage" || action == "sts:AssumeRole"
			if got := strings.HasPrefix(s.Sid, "Write"); got != isWrite {
				t.Errorf("statement %s allows %s: its name says that it writes: %v, want %v",
					s.Sid, action, got, isWrite)
			}
		}
	}
}

// doctor deletes the two rows of its own test event. The policy allows these alone.
func TestOperatorsMayDeleteOnlyDoctorsOwnRows(t *testing.T) {
	text := readFile(t, "cmd/clerksync/internal/doctor/roundtrip.go")
	m := regexp.MustCompile(`idPrefix = "(\w+)"`).FindStringSubmatch(text)
	if m == nil {
		t.Fatal("doctor's roundtrip.go has no idPrefix")
	}
	want := map[string]any{"ForAllValues:StringLike": map[string]any{
		"dynamodb:LeadingKeys": []any{"ROLE#role_" + m[1] + "*", "msg_" + m[1] + "*"},
	}}
	for _, s := range readPolicy(t, "operate.json") {
		if slices.Contains(texts(s.Action), "dynamodb:DeleteItem") {
			if diff := cmp.Diff(any(want), s.Condition); diff != "" {
				t.Errorf("condition of %s (-want +got):\n%s", s.Sid, diff)
			}
		}
	}
}
