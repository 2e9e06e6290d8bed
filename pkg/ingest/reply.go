package ingest

import (
	"encoding/json/v2"
	"net/http"
)

// Reply is the answer to a request.
type Reply struct {
	Status int
	Header map[string]string // by lower-case name
	Body   string            // JSON
}

// The errors of replies. They are the reasons of reports on rejected requests.
const (
	ReasonNotFound         = "not_found"
	ReasonMethodNotAllowed = "method_not_allowed"
	ReasonNotConfigured    = "not_configured"
	ReasonPayloadTooLarge  = "payload_too_large"
	ReasonMissingHeaders   = "missing_headers"
	ReasonInvalidTimestamp = "invalid_timestamp"
	ReasonInvalidSignature = "invalid_signature"
	ReasonInvalidPayload   = "invalid_payload"
	ReasonUnavailable      = "unavailable"
)

// The reasons for which a verified event is ignored.
const (
	ReasonType     = "type"     // events of this type are not kept
	ReasonInstance = "instance" // an event of another Clerk instance
)

// statusOf returns the HTTP status of an error. It is the one place that
// decides whether Svix sends a message again: it does after any status but 2xx
// (https://docs.svix.com/retries).
func statusOf(reason string) int {
	switch reason {
	case ReasonNotFound:
		return http.StatusNotFound
	case ReasonMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case ReasonNotConfigured:
		return http.StatusInternalServerError
	case ReasonPayloadTooLarge:
		return http.StatusRequestEntityTooLarge
	case ReasonUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// respond returns the answer to a request that was decided so. No reply says
// more than this: a sender who is not Clerk learns nothing of the deployment.
func respond(r Report) Reply {
	header := map[string]string{"content-type": "application/json"}
	if r.Stage != Rejected {
		return Reply{Status: http.StatusOK, Header: header, Body: encode(accepted{
			Received: true, ID: r.SvixID, Ignored: r.Reason,
		})}
	}
	switch r.Reason {
	case ReasonMethodNotAllowed:
		header["allow"] = http.MethodPost
	case ReasonInvalidPayload:
		// The signed bytes can never become valid, so Svix is told to stop:
		// https://docs.svix.com/receiving/delivery-control
		header["webhook-delivery"] = "abort-message"
	}
	return Reply{Status: statusOf(r.Reason), Header: header, Body: encode(rejected{Error: r.Reason})}
}

// accepted is the body of a reply to a message that was queued or ignored.
type accepted struct {
	Received bool   `json:"received"`
	ID       string `json:"id"`
	Ignored  string `json:"ignored,omitempty"`
}

// rejected is the body of every other reply.
type rejected struct {
	Error string `json:"error"`
}

func encode(body any) string {
	text, _ := json.Marshal(body) // structs of text and booleans cannot fail
	return string(text)
}
