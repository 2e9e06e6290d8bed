// Package integration is how an application tests itself against `clerksync dev`, without an account, without Docker
// and without a sleep: copy signup_test.go and change what happens at Clerk and what the application makes of it. CI
// runs it. docs/console.md says what else the console's API does.
package integration
