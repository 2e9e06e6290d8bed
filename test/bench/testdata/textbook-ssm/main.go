// The textbook's webhook receiver as tutorials finish it: the SDK's default configuration, the default certificate
// roots, the signing secret from SSM, Svix's own library.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	svix "github.com/svix/svix-webhooks/go"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	queue, parameters := sqs.NewFromConfig(cfg), ssm.NewFromConfig(cfg)
	secret, err := parameters.GetParameter(context.Background(), &ssm.GetParameterInput{
		Name: aws.String(os.Getenv("CLERK_WEBHOOK_SECRET_PARAMETER")), WithDecryption: aws.Bool(true),
	})
	if err != nil {
		log.Fatal(err)
	}
	webhook, err := svix.NewWebhook(*secret.Parameter.Value)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(func(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		header := http.Header{}
		for name, value := range r.Headers {
			header.Set(name, value)
		}
		if err := webhook.Verify([]byte(r.Body), header); err != nil {
			return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusBadRequest}, nil
		}
		_, err := queue.SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: aws.String(os.Getenv("QUEUE_URL")), MessageBody: &r.Body,
		})
		if err != nil {
			return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusServiceUnavailable}, nil
		}
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK, Body: `{"received":true}`}, nil
	})
}
