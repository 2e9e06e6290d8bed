// Package deployed holds tests alone: the stack of template.yaml on AWS's own
// tools. TestDeployed takes it through `sam deploy` onto ministack, an
// independent emulator of AWS that runs the functions' binaries under Lambda's
// runtime protocol and enforces the template's IAM policies, and sends signed
// requests through its API Gateway. TestSAMLocal runs the functions by `sam
// local` in containers, against `clerksync dev`.
//
// Both are skipped unless the environment names the programs that they need:
//
//	DEPLOYED_SAM        the SAM CLI                https://pypi.org/project/aws-sam-cli/
//	DEPLOYED_MINISTACK  ministack                  https://pypi.org/project/ministack/
//	DEPLOYED_DOCKERD    Docker's daemon, to be started by root
//	DEPLOYED_BUSYBOX    a static busybox, the whole userland of the container
//
// Everything listens on and talks to 127.0.0.1 only, and ends with the test.
package deployed
