// Package runbook runs the shell blocks of docs/operations.md as a person pastes them, with the AWS CLI and jq, against
// an independent emulator. It shows that the lines are right as they are written and end in the rows that the runbook
// promises; that AWS makes one wait between them, it can't show: test/template looks at the waits.
package runbook
