package view

import (
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// Advice says what to look at where a message did not get through, "" where
// there is nothing to do. The reasons are the error codes of ingest's answers, and
// its reasons to ignore an event.
func Advice(stage, reason string) string {
	switch stage {
	case string(consumer.Failed):
		return "it is tried again by itself, after 30 s and then less and less often"
	case string(consumer.Dead):
		return "it can never be applied, so it is a dead letter now"
	}
	return map[string]string{
		ingest.ReasonInvalidSignature: "look at: 1. is the secret this endpoint's own? " +
			"2. is the body passed on byte for byte, never parsed and printed again? " +
			"3. are id, timestamp and signature of the same attempt?",
		ingest.ReasonInvalidTimestamp: "look at: the two machines' clocks; a signature is good for 5 minutes, " +
			"so sign afresh rather than replay a recorded request",
		ingest.ReasonMissingHeaders: "look at: svix-id, svix-timestamp and svix-signature must all reach this URL; " +
			"does a proxy drop them?",
		ingest.ReasonInvalidPayload: "the signature is right, but the body is not an event of Clerk's: " +
			"it needs one JSON object with `type` and `data`",
		ingest.ReasonPayloadTooLarge: "a body may hold 1,000,000 bytes, " +
			"or 750,000 with characters that SQS cannot keep",
		ingest.ReasonNotFound:         "the path is /webhooks/clerk, without a slash at its end",
		ingest.ReasonMethodNotAllowed: "the method is POST",
		ingest.ReasonUnavailable:      "the queue did not take it; Svix will send it again",
		ingest.ReasonType: "events of this type have no row and are not kept; " +
			"untick them in Clerk's dashboard",
		ingest.ReasonInstance: "CLERK_INSTANCE_ID names other instances than this event's",
	}[reason]
}
