// Package deployed tests the stack of template.yaml on AWS's own tools. It holds nothing but tests.
//
// TestDeployed takes the template through `sam deploy` onto ministack, an independent emulator of AWS that runs the
// functions' binaries under Lambda's runtime protocol and enforces the template's IAM policies, and sends signed
// requests through its API Gateway. Its parts follow one another on one stack:
//
//   - deployed_test.go lists the parts and holds the short ones.
//   - samples_test.go posts every sample and compares all rows with golden files; outage_test.go takes DynamoDB away
//     and replaces the secret; redeploy_test.go deploys again under traffic; logs_test.go reads logs and metrics.
//   - stack_test.go builds, deploys and deletes the stack; gaps_test.go fills in what the emulator leaves out;
//     ministack_test.go starts it; post_test.go posts as Svix does; rows_test.go reads the tables.
//
// TestSAMLocal (samlocal_test.go, docker_test.go) runs the functions by `sam local` in containers, against `clerksync
// dev`.
//
// Both are skipped unless the environment names the programs that they need:
//
//	DEPLOYED_SAM        the SAM CLI                https://pypi.org/project/aws-sam-cli/
//	DEPLOYED_MINISTACK  ministack                  https://pypi.org/project/ministack/
//	DEPLOYED_DOCKERD    Docker's daemon, to be started by root
//	DEPLOYED_BUSYBOX    a static busybox, the only program in the container
//
// Everything listens on and talks to 127.0.0.1 only, and stops with the test.
package deployed
