// Package reading runs the examples of docs/reading.md, in TypeScript and Python, against `clerksync dev`: they must
// give the answers of pkg/reader. It holds nothing but tests.
//
// They are skipped unless the environment names what they need:
//
//	READING_PYTHON        a Python with boto3
//	READING_NODE_MODULES  a folder node_modules with the SDK, ElectroDB, dynamodb-toolbox and TypeScript
//
// .ci/install.sh has the versions.
package reading
