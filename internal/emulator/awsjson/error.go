package awsjson

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
)

// coral is the namespace of the errors that all AWS services have in common.
const coral = "com.amazon.coral.service#"

// Error is a refusal as the protocol carries it.
type Error struct {
	// Type is the name that SDKs decode into an error type of their own, with or
	// without a namespace and "#" in front.
	Type    string
	Message string
	// Status is that of HTTP; 400 if 0.
	Status int
	// QueryCode is the error's older code, in services that have two; if empty,
	// the Type without its namespace.
	QueryCode string
	// Members are further members of the body, by name.
	Members map[string]any
}

// Code is the error's code as SDKs report it.
func (e *Error) Code() string {
	if e.QueryCode != "" {
		return e.QueryCode
	}
	return e.Type[strings.Index(e.Type, "#")+1:]
}

func (e *Error) Error() string { return e.Code() + ": " + e.Message }

// MarshalJSON writes the error's body.
func (e *Error) MarshalJSON() ([]byte, error) {
	body := map[string]any{"__type": e.Type, "message": e.Message}
	maps.Copy(body, e.Members)
	return json.Marshal(body)
}

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// SenderFault says whether the caller is to blame: the SDK does not send the
// same again.
func (e *Error) SenderFault() bool { return e.status() < http.StatusInternalServerError }

func (e *Error) queryError() string {
	if e.SenderFault() {
		return e.Code() + ";Sender"
	}
	return e.Code() + ";Receiver"
}

func unknownOperation(message string) *Error {
	return &Error{Type: coral + "UnknownOperationException", Message: message}
}

// AsError returns the refusal that an error is. Any other error is a failure of
// the emulator, which the SDK retries as it would one of AWS.
func AsError(err error) *Error {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return &Error{Type: coral + "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
}
