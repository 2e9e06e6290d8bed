package sqs

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// apiError is a refusal as the JSON protocol carries it. shape is the name that
// SDKs decode into an error type; code, in the header x-amzn-query-error, is the
// older name that callers compare with and that SDKs report as the error's code.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#awsquerycompatible-trait
type apiError struct {
	shape, code, message string
	status               int
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

const (
	ownErrors   = "com.amazonaws.sqs#"
	coralErrors = "com.amazon.coral.service#"
	oldPrefix   = "AWS.SimpleQueueService."
)

// refuse is an error of SQS's own model whose two names are the same.
func refuse(code, message string) *apiError {
	return &apiError{shape: ownErrors + code, code: code, message: message, status: http.StatusBadRequest}
}

// refuseOld is one whose older name has SQS's prefix.
func refuseOld(shape, message string) *apiError {
	e := refuse(shape, message)
	e.code = oldPrefix + shape
	return e
}

func errInvalid(message string) *apiError {
	return &apiError{shape: coralErrors + "InvalidParameterValueException", code: "InvalidParameterValue", message: message, status: http.StatusBadRequest}
}

func errMissing(parameter string) *apiError {
	return &apiError{
		shape: coralErrors + "MissingRequiredParameterException", code: "MissingParameter",
		message: "The request must contain the parameter " + parameter + ".", status: http.StatusBadRequest,
	}
}

// errRange refuses a number as SQS words it.
func errRange(value int, parameter, reason string) *apiError {
	return errInvalid("Value " + strconv.Itoa(value) + " for parameter " + parameter + " is invalid. Reason: " + reason)
}

func errMalformed(message string) *apiError {
	return &apiError{shape: coralErrors + "SerializationException", code: "MalformedInput", message: message, status: http.StatusBadRequest}
}

func errTooLarge() *apiError {
	return &apiError{
		shape: coralErrors + "RequestEntityTooLargeException", code: "RequestEntityTooLarge",
		message: "The request is longer than " + strconv.Itoa(maxRequest) + " bytes.", status: http.StatusRequestEntityTooLarge,
	}
}

func errUnsupported(message string) *apiError {
	return refuseOld("UnsupportedOperation", message)
}

func errNoQueue() *apiError {
	return &apiError{
		shape: ownErrors + "QueueDoesNotExist", code: oldPrefix + "NonExistentQueue",
		message: "The specified queue does not exist.", status: http.StatusBadRequest,
	}
}

func errQueueExists(attribute string) *apiError {
	return &apiError{
		shape: ownErrors + "QueueNameExists", code: "QueueAlreadyExists",
		message: "A queue already exists with the same name and a different value for attribute " + attribute,
		status:  http.StatusBadRequest,
	}
}

func errNotFound(message string) *apiError {
	e := refuse("ResourceNotFoundException", message)
	e.status = http.StatusNotFound
	return e
}

func errHandle(handle string) *apiError {
	return refuse("ReceiptHandleIsInvalid", `The input receipt handle "`+handle+`" is not a valid receipt handle.`)
}

// asAPIError turns what nobody foresaw into SQS's internal failure, which SDKs
// retry.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return &apiError{
		shape: coralErrors + "InternalFailure", code: "InternalFailure",
		message: "The server failed: " + err.Error(), status: http.StatusInternalServerError,
	}
}

func writeError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	side := ";Sender"
	if e.status >= http.StatusInternalServerError {
		side = ";Receiver"
	}
	// Two strings always encode.
	body, _ := json.Marshal(map[string]string{"__type": e.shape, "message": e.message})
	w.Header().Set("X-Amzn-Query-Error", e.code+side)
	w.WriteHeader(e.status)
	_, _ = w.Write(body)
}
