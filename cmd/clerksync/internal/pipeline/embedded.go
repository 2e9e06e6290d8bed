package pipeline

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	dynamodbemulator "github.com/clerksync/clerksync/internal/emulator/dynamodb"
	sqsemulator "github.com/clerksync/clerksync/internal/emulator/sqs"
	ssmemulator "github.com/clerksync/clerksync/internal/emulator/ssm"
	"github.com/clerksync/clerksync/pkg/awsclient"
)

// SecretParameter is the template's default name of the signing secret.
const SecretParameter = "/clerksync/signing-secret"

// Region is the embedded endpoint's.
const Region = "us-east-1"

// embedded serves DynamoDB, SQS and the Parameter Store at one address, told
// apart by the target that each protocol names.
func embedded(ctx context.Context, secret string) http.Handler {
	services := map[string]http.Handler{
		"DynamoDB_20120810": dynamodbemulator.New(time.Now),
		"AmazonSQS":         sqsemulator.New(sqsemulator.Options{}),
		"AmazonSSM":         ssmemulator.New(ssmemulator.Options{}),
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if s, ok := services[service]; ok {
			s.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{ // the client is gone if this fails
			"__type":  "UnknownOperationException",
			"message": "clerksync dev speaks the JSON protocols of DynamoDB, SQS and SSM's parameters; use a current AWS CLI or SDK",
		})
	})
	if secret != "" {
		seed(ctx, h, secret)
	}
	return h
}

// seed puts the signing secret where the deployed function reads it, so that
// `sam local` finds it too. It cannot fail: the store is empty and in memory.
func seed(ctx context.Context, h http.Handler, secret string) {
	cfg := embeddedConfig("http://embedded.invalid")
	cfg.HTTPClient = direct{h}
	name := SecretParameter
	_, _ = ssm.NewFromConfig(*cfg).PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: &secret, Type: types.ParameterTypeSecureString})
}

func embeddedConfig(endpoint string) *aws.Config {
	return &aws.Config{
		Region: Region, BaseEndpoint: &endpoint, HTTPClient: awsclient.WholeAnswers(nil),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}
