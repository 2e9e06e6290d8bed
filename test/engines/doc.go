// Package engines runs the conformance suites of tables and queues on
// engines that are not ours: ministack and moto, where they are installed, and
// whatever else is named, a real AWS account included. Where engines differ,
// our emulators take the strictest side; what the others let pass is named
// in gaps_test.go, each with its reason, and a run logs how much that is.
//
//	MINISTACK=/path/to/ministack go test -v ./test/engines/
//	MOTO_SERVER=/path/to/moto_server go test -v ./test/engines/
//	ENDPOINT_URL=http://127.0.0.1:4566 go test -v -run Endpoint ./test/engines/
//	ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000 go test -v -run Endpoint ./test/engines/
//	ENDPOINT_URL_SQS=http://127.0.0.1:9324 go test -v -run Endpoint ./test/engines/
//	ENDPOINT_URL=aws AWS_REGION=us-east-1 go test -count=1 -v -timeout 60m -parallel 16 -run Endpoint ./test/engines/
//
// ENDPOINT_URL stands for both services; a service's own variable comes before
// it. What has no endpoint is skipped and says so: DynamoDB Local has no
// queues, ElasticMQ no tables. SIMULATION_ENDPOINT is how many histories of the
// simulation run on the endpoint, 20 where it is not set.
//
// The last line makes some 110 tables, pay per request, and 60 queues of random
// names in the account that the credentials belong to, and deletes them; a
// table that cannot be deleted is a failure that names it. It costs some 2 US
// cents: about 20,000 write units, 33,000 read units and 500 SQS requests, as
// counted on our emulators. A run that is killed leaves its tables and
// queues behind: their names start with dynamotest-, dynamodbtest- or sqstest-.
package engines
