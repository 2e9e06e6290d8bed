// Package independent runs the conformance suites of tables and queues on
// engines that are not ours: ministack and moto, where they are installed, and
// whatever else is named, a real AWS account included. Where engines differ,
// the embedded ones take the strictest side; what the others let pass is named
// in the skips, each with its reason.
//
//	MINISTACK=/path/to/ministack go test ./pkg/independent/
//	MOTO_SERVER=/path/to/moto_server go test ./pkg/independent/
//	ENDPOINT_URL=http://127.0.0.1:8000 go test ./pkg/independent/
//	ENDPOINT_URL=aws AWS_REGION=us-east-1 go test -timeout 30m ./pkg/independent/
//
// The last makes tables and queues of random names in the account that the
// credentials belong to, and deletes them at the end. It costs a few cents: some
// thousand write and read units and some hundred SQS requests.
package independent
