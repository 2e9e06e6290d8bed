package dynamodb

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// apiError is a refusal as the protocol spells it.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
type apiError struct {
	status  int // 400 unless set
	code    string
	message string
	item    item     // of a failed condition, where the request asked for it
	reasons []reason // of a canceled transaction, one for each action
}

// reason says what became of one action of a canceled transaction.
type reason struct {
	Code    string `json:"Code"`
	Message string `json:"Message,omitempty"`
	Item    item   `json:"Item,omitempty"`
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// invalid is a ValidationException.
func invalid(format string, args ...any) error {
	return &apiError{code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

// badParameter is a ValidationException in the words most of them have.
func badParameter(format string, args ...any) error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

func notFound(table string) error {
	return &apiError{code: "ResourceNotFoundException", message: "Requested resource not found: Table: " + table + " not found"}
}

func conditionFailed(old item) error {
	return &apiError{code: "ConditionalCheckFailedException", message: "The conditional request failed", item: old}
}

// canceled is the refusal of a transaction: every position has its reason.
func canceled(reasons []reason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return &apiError{
		code:    "TransactionCanceledException",
		message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
		reasons: reasons,
	}
}

// reasonOf turns the refusal of one action into its reason.
func reasonOf(err error) reason {
	var refused *apiError
	switch {
	case err == nil:
		return reason{Code: "None"}
	case !errors.As(err, &refused):
		return reason{Code: "ValidationError", Message: err.Error()}
	case refused.code == "ConditionalCheckFailedException":
		return reason{Code: "ConditionalCheckFailed", Message: refused.message, Item: refused.item}
	default:
		return reason{Code: "ValidationError", Message: refused.message}
	}
}

func writeError(w http.ResponseWriter, err error) {
	var refused *apiError
	if !errors.As(err, &refused) {
		refused = &apiError{status: http.StatusInternalServerError, code: "InternalServerError", message: err.Error()}
	}
	if refused.status == 0 {
		refused.status = http.StatusBadRequest
	}
	// Values that JSON cannot hold never get into an item.
	body, _ := json.Marshal(struct {
		Type    string   `json:"__type"`
		Message string   `json:"message"`
		Item    item     `json:"Item,omitempty"`
		Reasons []reason `json:"CancellationReasons,omitempty"`
	}{"com.amazonaws.dynamodb.v20120810#" + refused.code, refused.message, refused.item, refused.reasons})
	writeBody(w, refused.status, body)
}
