package dynamodb

import (
	"errors"
	"fmt"
	"strings"

	"github.com/clerksync/clerksync/internal/emulator/awsjson"
)

// refuse is an error of DynamoDB.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
func refuse(code, format string, args ...any) *awsjson.Error {
	return &awsjson.Error{Type: "com.amazonaws.dynamodb.v20120810#" + code, Message: fmt.Sprintf(format, args...)}
}

// invalid is a ValidationException.
func invalid(format string, args ...any) error {
	return refuse("ValidationException", format, args...)
}

// badParameter is a ValidationException in the words that most of them have.
func badParameter(format string, args ...any) error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

// unsatisfied is a ValidationException about a member of the request that is
// outside of its range.
func unsatisfied(value any, member, constraint string, args ...any) error {
	constraint = fmt.Sprintf(constraint, args...)
	return invalid("Value '%v' at '%s' failed to satisfy constraint: %s", value, member, constraint)
}

func notFound(table string) error {
	return refuse("ResourceNotFoundException", "Requested resource not found: Table: %s not found", table)
}

// conditionFailed is the refusal of a write whose condition does not hold. It
// shows the item where the request asked for that, and there is one.
func conditionFailed(shown item) error {
	e := refuse("ConditionalCheckFailedException", "The conditional request failed")
	if shown != nil {
		e.Members = map[string]any{"Item": shown}
	}
	return e
}

// reason says why one action of a canceled transaction failed; its code is None
// for an action that did not.
type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

// canceled is the refusal of a transaction: every position has its reason.
func canceled(reasons []reason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	e := refuse("TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	e.Members = map[string]any{"CancellationReasons": reasons}
	return e
}

// reasonOf turns the refusal of one action into its reason.
func reasonOf(err error) reason {
	var refused *awsjson.Error
	switch {
	case err == nil:
		return reason{Code: "None"}
	case !errors.As(err, &refused):
		return reason{Code: "ValidationError", Message: err.Error()}
	case refused.Code() == "ConditionalCheckFailedException":
		shown, _ := refused.Members["Item"].(item)
		return reason{Code: "ConditionalCheckFailed", Message: refused.Message, Item: shown}
	default:
		return reason{Code: "ValidationError", Message: refused.Message}
	}
}
