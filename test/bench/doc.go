// Package bench measures clerksync against floors that are measured in the same run: a machine's speed then cancels
// out, and what is left says how close to the least possible the code is. It holds nothing but tests.
//
//	make bench                                       every figure with its floor and its target
//	go test ./test/bench                             what must never change: requests and units of each event
//	START_GATE=1 go test -v -run Start ./test/bench  instructions and memory at start-up (needs valgrind)
//
// A benchmark fails on wrong answers only, never on time: the figures are for people. What tests hold is counted:
// requests, units, instructions, bytes.
//
// A tour:
//
//   - Money: cost_test.go runs sync behind meter_test.go, which counts what DynamoDB and SQS would bill;
//     prices_test.go lists every kind of event with its price, and docs/cost.md must hold the same table.
//     logs_test.go counts bytes.
//   - Time: compare_test.go runs two functions in turn; verify_test.go, ingest_test.go, sync_test.go and dev_test.go
//     compare with it a signature's check, one request, one batch and the whole pipeline.
//   - Start: start_test.go starts the built functions in processes (process_test.go) under Lambda's runtime protocol
//     (runtime_test.go), together with what tutorials write (testdata).
//   - Backfill: backfill_test.go runs the command against an instance and a table (company_test.go), counts what it
//     asks of them and kills it; `make bench-backfill` is the size of a large company.
//   - wiring_test.go wires the functions as their main packages do, stubaws_test.go answers their calls,
//     events_test.go builds what they receive.
//
// The results are in docs/performance.md and docs/cost.md.
package bench
