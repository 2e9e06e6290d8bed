// Package lambdafn holds what all the functions share: one line of JSON for
// each thing that happened, and one line of metrics for each invocation.
//
//   - log.go: the logger; a line has the shape of Lambda's own lines
//   - metrics.go: the counts, which CloudWatch reads from the log
//
// Each function has a package of its own, so that none compiles what only
// another one needs: ingestfn and syncfn turn the event of API Gateway or SQS
// into what pkg/ingest and pkg/consumer work on, and the result into the
// answer; probefn holds the newest objects of Clerk against the table.
//
// No line holds a body, a secret, a name or an address. An event type is logged
// only where Clerk documents it; any other is "unknown", because its text may
// be anything.
package lambdafn
