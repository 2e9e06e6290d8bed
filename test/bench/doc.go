// Package bench measures clerksync against floors that are measured in the same
// run: a machine's speed then cancels out, and what is left says how close to
// the least possible the code is. It holds nothing but tests.
//
//	make bench                                      every figure beside its floor and its target
//	go test ./pkg/bench                             what must never change: requests and units per event
//	START_GATE=1 go test -v -run Start ./pkg/bench  instructions and memory at start-up (builds the functions, needs valgrind)
//
// A benchmark fails on wrong answers only, never on time: the figures are for
// people. What tests hold is counted: requests, units, instructions, bytes.
//
// The results are in docs/performance.md and docs/cost.md.
package bench
