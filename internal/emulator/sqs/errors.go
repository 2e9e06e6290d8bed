package sqs

import (
	"fmt"
	"net/http"

	"github.com/clerksync/clerksync/internal/emulator/awsjson"
)

// Namespaces of error types, and what the older codes of most errors start with.
const (
	ownErrors   = "com.amazonaws.sqs#"
	coralErrors = "com.amazon.coral.service#"
	oldPrefix   = "AWS.SimpleQueueService."
)

// refuse is an error of SQS's own model whose two names are the same.
func refuse(code, format string, args ...any) *awsjson.Error {
	return &awsjson.Error{Type: ownErrors + code, Message: fmt.Sprintf(format, args...)}
}

// refuseOld is one whose older code has SQS's prefix.
func refuseOld(code, format string, args ...any) *awsjson.Error {
	e := refuse(code, format, args...)
	e.QueryCode = oldPrefix + code
	return e
}

func errInvalid(format string, args ...any) *awsjson.Error {
	return &awsjson.Error{
		Type:      coralErrors + "InvalidParameterValueException",
		QueryCode: "InvalidParameterValue",
		Message:   fmt.Sprintf(format, args...),
	}
}

// errValue refuses the value of a parameter as SQS words it.
func errValue(value any, parameter, reason string) *awsjson.Error {
	return errInvalid("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func errMissing(parameter string) *awsjson.Error {
	return &awsjson.Error{
		Type:      coralErrors + "MissingRequiredParameterException",
		QueryCode: "MissingParameter",
		Message:   "The request must contain the parameter " + parameter + ".",
	}
}

func errNoQueue() *awsjson.Error {
	return &awsjson.Error{
		Type:      ownErrors + "QueueDoesNotExist",
		QueryCode: oldPrefix + "NonExistentQueue",
		Message:   "The specified queue does not exist.",
	}
}

func errQueueExists(attribute string) *awsjson.Error {
	return &awsjson.Error{
		Type:      ownErrors + "QueueNameExists",
		QueryCode: "QueueAlreadyExists",
		Message:   "A queue already exists with the same name and a different value for attribute " + attribute,
	}
}

func errPurged(name string) *awsjson.Error {
	e := refuseOld("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", name)
	e.Status = http.StatusForbidden
	return e
}

func errHandle(handle string) *awsjson.Error {
	return refuse("ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", handle)
}
