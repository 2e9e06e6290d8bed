package dynamodb_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
)

// Operands that cannot go together are refused before any item is looked at, in
// DynamoDB's words: an empty answer would hide the mistake.
// https://github.com/architect/dynalite/issues/55, https://github.com/ExtendDB/extenddb/pull/102
func TestOperandsOfConditions(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	for expression, message := range map[string]string{
		"s BETWEEN :five AND :one": "The BETWEEN operator requires upper bound to be greater than or equal to lower " +
			"bound; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:1}",
		"s BETWEEN :x AND :t": "The BETWEEN operator requires upper bound to be greater than or equal to lower " +
			"bound; lower bound operand: AttributeValue: {S:x}, upper bound operand: AttributeValue: {S:te}",
		"b BETWEEN :b AND :one": "The BETWEEN operator requires same data type for lower and upper bounds; " +
			"lower bound operand: AttributeValue: {B:AAE=}, upper bound operand: AttributeValue: {N:1}",
		"n BETWEEN :yes AND :one":                wrongType("BETWEEN", "BOOL"),
		"begins_with(n, :one)":                   wrongType("begins_with", "N"),
		"begins_with(size(s), :t)":               wrongType("begins_with", "N"),
		"begins_with(l, :l)":                     wrongType("begins_with", "L"),
		"attribute_type(n, :one)":                wrongType("attribute_type", "N"),
		"attribute_type(n, s)":                   wrongType("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
		"n < :yes":                               wrongType("<", "BOOL"),
		"n <= :null":                             wrongType("<=", "NULL"),
		":qp > n":                                wrongType(">", "SS"),
		"n >= :ns":                               wrongType(">=", "NS"),
		"n < :l":                                 wrongType("<", "L"),
		"n < :m":                                 wrongType("<", "M"),
		"attribute_type(n, :s)":                  noType + types,
		"n = n":                                  notDistinct("=", "n"),
		"n <> n":                                 notDistinct("<>", "n"),
		"n < n":                                  notDistinct("<", "n"),
		"#n.k = m.k":                             notDistinct("=", "m, k"),
		"n BETWEEN :one AND n":                   notDistinct("BETWEEN", "n"),
		"n IN (:one, n)":                         notDistinct("IN", "n"),
		"contains(l[0], l[0])":                   notDistinct("contains", "l, [0]"),
		"begins_with(s, s)":                      notDistinct("begins_with", "s"),
		"s = :s OR n < :yes":                     wrongType("<", "BOOL"),
		"attribute_exists(n) AND (NOT n < :yes)": wrongType("<", "BOOL"),
	} {
		checkRefusal(t, service, "Scan", "FilterExpression", expression, message)
		checkRefusal(t, service, "DeleteItem", "ConditionExpression", expression, message)
	}
}

// checkRefusal checks in which words an operation refuses an expression.
func checkRefusal(t *testing.T, service http.Handler, operation, member, expression, message string) {
	t.Helper()
	body := `"` + member + `":` + encoded(expression) + placeholders(expression)
	if operation == "DeleteItem" || operation == "UpdateItem" {
		body = sampleKey + "," + body
	}
	status, out := call(t, service, operation, on(body))
	code, got := refusal(out)
	if want := "Invalid " + member + ": " + message; code != "ValidationException" || got != want {
		t.Errorf("%s, %q = %d %s %q, want %q", operation, expression, status, code, got, want)
	}
}

const (
	noType = "Invalid attribute type name found; type: text, valid types: "
	types  = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
)

func wrongType(operator, kind string) string {
	return "Incorrect operand type for operator or function; operator or function: " + operator +
		", operand type: " + kind
}

func notDistinct(operator, path string) string {
	return "The first operand must be distinct from the remaining operands for this operator or function; operator: " +
		operator + ", first operand: [" + path + "]"
}

// Conditions on a key are held to the same; here the table's sort key is n.
func TestOperandsOfKeyConditions(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	for expression, message := range map[string]string{
		"n BETWEEN :five AND :one": "The BETWEEN operator requires upper bound to be greater than or equal to lower " +
			"bound; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:1}",
		"n BETWEEN :one AND :t": "The BETWEEN operator requires same data type for lower and upper bounds; " +
			"lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:te}",
		"begins_with(n, :one)": wrongType("begins_with", "N"),
		"n < :yes":             wrongType("<", "BOOL"),
	} {
		checkRefusal(t, service, "Query", "KeyConditionExpression", "pk = :s AND "+expression, message)
	}
}

// So are the operands of an update.
func TestOperandsOfUpdates(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	for expression, message := range map[string]string{
		"SET v = neg + :s":                 wrongType("+", "S"),
		"SET v = :yes - neg":               wrongType("-", "BOOL"),
		"SET v = list_append(l, :s)":       wrongType("list_append", "S"),
		"SET v = list_append(:one, l)":     wrongType("list_append", "N"),
		"SET v = neg + list_append(l, :l)": wrongType("+", "L"),
	} {
		checkRefusal(t, service, "UpdateItem", "UpdateExpression", expression, message)
	}
}

// Every operation takes a table's ARN for its name; that of another account or
// region names no table here.
// https://github.com/floci-io/floci/issues/575
func TestTableARN(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:dynamodb:us-east-1:000000000000:table/people"
	const key = `{"pk":{"S":"a"},"n":{"N":"1"}}`
	service := emulator.New(emulator.Options{})
	for _, step := range []struct{ operation, body string }{
		{operation: "CreateTable", body: people},
		{operation: "DescribeTable", body: `{"TableName":"people"}`},
		{operation: "UpdateTimeToLive", body: on(`"TimeToLiveSpecification":{"AttributeName":"x","Enabled":true}`)},
		{operation: "DescribeTimeToLive", body: `{"TableName":"people"}`},
		{
			operation: "UpdateContinuousBackups",
			body:      on(`"PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}`),
		},
		{operation: "DescribeContinuousBackups", body: `{"TableName":"people"}`},
		{operation: "PutItem", body: on(`"Item":` + key)},
		{operation: "UpdateItem", body: on(`"Key":` + key + `,"UpdateExpression":"REMOVE x"`)},
		{operation: "GetItem", body: on(`"Key":` + key)},
		{operation: "Query", body: on(`"KeyConditionExpression":"pk = :s"` + placeholders(":s"))},
		{operation: "Scan", body: `{"TableName":"people"}`},
		{operation: "BatchGetItem", body: `{"RequestItems":{"people":{"Keys":[` + key + `]}}}`},
		{operation: "BatchWriteItem", body: `{"RequestItems":{"people":[{"PutRequest":{"Item":` + key + `}}]}}`},
		{
			operation: "TransactWriteItems",
			body:      `{"TransactItems":[{"Put":{"TableName":"people","Item":` + key + `}}]}`,
		},
		{operation: "DeleteItem", body: on(`"Key":` + key)},
		{operation: "DeleteTable", body: `{"TableName":"people"}`},
	} {
		if step.operation != "CreateTable" {
			for _, other := range []string{
				strings.Replace(arn, "us-east-1", "eu-west-1", 1), strings.Replace(arn, "0000", "1234", 1), arn + "x",
			} {
				body := strings.Replace(step.body, `"people"`, `"`+other+`"`, 1)
				status, out := call(t, service, step.operation, body)
				if code, _ := refusal(out); !strings.HasSuffix(code, "NotFoundException") {
					t.Errorf("%s of %s = %d %v, want NotFoundException", step.operation, other, status, out)
				}
			}
		}
		body := strings.Replace(step.body, `"people"`, `"`+arn+`"`, 1)
		if status, out := call(t, service, step.operation, body); status != http.StatusOK {
			t.Errorf("%s of %s = %d %v, want 200", step.operation, arn, status, out)
		}
	}
	if names := must(t, service, "ListTables", `{}`)["TableNames"]; !cmp.Equal(names, []any{}) {
		t.Errorf("ListTables after DeleteTable by ARN = %v, want none", names)
	}
}
