package webhook

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/clerksync/clerksync/events"
)

// WriteSamples writes the files of events/apigw and events/sqs below dir, signed
// as at the signer's time, and returns how many. The same time makes the same
// files.
func (s Signer) WriteSamples(dir string) (n int, err error) {
	files := s.gatewaySamples()
	for name, event := range queueSamples(s.Now()) {
		files[name] = event
	}
	for name, event := range files {
		text, err := json.MarshalIndent(event, "", "  ")
		if err != nil {
			return 0, fmt.Errorf("encode %s: %w", name, err)
		}
		path := filepath.Join(dir, name)
		err = os.MkdirAll(filepath.Dir(path), 0o755) //nolint:gosec // everyone may read samples
		if err == nil {
			err = os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // everyone may read samples
		}
		if err != nil {
			return 0, fmt.Errorf("write the samples: %w", err)
		}
	}
	return len(files), nil
}

// gatewaySamples are requests to the ingest function, by file: one that it
// accepts, one with the body in base64, and one for each reason to refuse it.
func (s Signer) gatewaySamples() map[string]any {
	valid := Request{ID: "msg_exampleUserCreated00000001", Body: sampleBody("user.created")}
	tampered, stale := valid, valid
	tampered.Tamper = true
	stale.Skew = -10 * time.Minute
	unsigned := s.GatewayEvent(valid)
	delete(unsigned.Headers, "svix-signature")
	encoded := s.GatewayEvent(Request{
		ID: "msg_exampleUserEmoji000000001", Body: sampleBody("user.updated.emoji"),
	})
	encoded.Body = base64.StdEncoding.EncodeToString([]byte(encoded.Body))
	encoded.IsBase64Encoded = true
	return map[string]any{
		"apigw/valid.json":           s.GatewayEvent(valid),
		"apigw/base64.json":          encoded,
		"apigw/bad-signature.json":   s.GatewayEvent(tampered),
		"apigw/missing-headers.json": unsigned,
		"apigw/stale.json":           s.GatewayEvent(stale),
	}
}

// queueSamples are batches for the sync function, by file.
func queueSamples(at time.Time) map[string]any {
	message := func(id, sample string) lambdaevents.SQSMessage { return queueMessage(at, id, sampleBody(sample)) }
	poison := queueMessage(at, "msg_examplePoison00000000001", []byte(
		`{"data":{"object":"user","deleted":true},"object":"event","timestamp":1772884800000,"type":"user.deleted"}`))
	return map[string]any{
		"sqs/mixed.json": batch(
			message("msg_exampleMixed000000000001", "user.created"),
			message("msg_exampleMixed000000000002", "organization.created"),
			message("msg_exampleMixed000000000003", "organizationMembership.created"),
			message("msg_exampleMixed000000000004", "organizationInvitation.created")),
		"sqs/duplicates.json": batch(
			message("msg_exampleTwice000000000001", "user.created"),
			message("msg_exampleTwice000000000001", "user.created")),
		"sqs/out-of-order.json": batch(
			message("msg_exampleOrder000000000003", "user.deleted"),
			message("msg_exampleOrder000000000002", "user.updated"),
			message("msg_exampleOrder000000000001", "user.created")),
		"sqs/poisoned.json": batch(
			message("msg_exampleSound000000000001", "user.created"),
			poison,
			message("msg_exampleSound000000000002", "organization.created")),
	}
}

// sampleBody returns the body of a sample that is known to exist.
func sampleBody(name string) []byte {
	body, err := events.Body(name)
	if err != nil {
		panic(err) // the name stands in this file
	}
	return body
}
