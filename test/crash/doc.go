// Package crash kills the real sync function, as Lambda runs it, and compares
// the tables with those of a run in which nothing died.
//
// A test has an environment (environment_test.go): emulators of DynamoDB and SQS
// behind a proxy (proxy_test.go) that counts the function's remote calls and
// injects faults at them. Lambda (lambda_test.go) runs the function's process,
// starts a new one when it died, and kills it at its deadline. Messages
// (messages_test.go) go through the queue until it is empty, as Lambda's event
// source mapping would take them; then the state of tables and dead letters is
// read and compared (state_test.go).
//
// deaths_test.go lets the process die once, before or after each of its remote
// calls. poison_test.go has a message that ends or stops the process every time.
package crash
