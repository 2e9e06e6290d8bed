package clerk

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// apiError is an error as Clerk answers it. Codes are those of
// https://clerk.com/docs/guides/development/errors/backend-api.
type apiError struct {
	status              int
	code, message, long string // long is message if ""
}

func (e *apiError) body(trace string) any {
	type one struct {
		Message     string `json:"message"`
		LongMessage string `json:"long_message"`
		Code        string `json:"code"`
	}
	long := e.long
	if long == "" {
		long = e.message
	}
	return struct {
		Errors  []one  `json:"errors"`
		TraceID string `json:"clerk_trace_id"`
	}{[]one{{Message: e.message, LongMessage: long, Code: e.code}}, trace}
}

func tooMany() *apiError {
	return &apiError{429, "too_many_requests", "Too many requests", "Too many requests. Please try again in a bit."}
}

// invalid says that a parameter is in conflict with itself or another.
func invalid(parameter, why string) *apiError {
	return &apiError{422, "form_param_value_invalid", "Invalid parameter", parameter + " " + why}
}

// malformed says that a parameter is not even of its type.
func malformed(parameter string) *apiError {
	return &apiError{400, "malformed_request_parameters", "The request parameters are malformed", parameter}
}

// notFound denies an object. Only of users does the long message name the id.
func notFound(what string) *apiError {
	return &apiError{404, "resource_not_found", "not found", what}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // a value of this package that is no JSON
		http.Error(w, fmt.Sprintf("encode the answer: %v", err), http.StatusInternalServerError)
		return
	}
	writeBody(w, status, body)
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller is gone if this fails
}
