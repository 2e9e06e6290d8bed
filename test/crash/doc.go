// Package crash kills the real sync program, as Lambda runs it, between any
// two of its remote calls and within each, gives it the messages again as SQS
// would, and holds the tables against those of a run without a death. It also
// gives it messages that end or stop its process every time.
package crash
