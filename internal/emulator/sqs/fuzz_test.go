package sqs_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/internal/emulator"
)

// Whatever is asked, the answer is a JSON object: with status 200, or a refusal
// that blames the caller and names itself in body and header.
func FuzzAnswers(f *testing.F) {
	const url = "http://192.0.2.1/000000000000/q"
	f.Add("CreateQueue", `{"QueueName":"r","Attributes":{"RedrivePolicy":"{\"maxReceiveCount\":[]}"}}`)
	f.Add("SetQueueAttributes", `{"QueueUrl":"`+url+`","Attributes":{"RedriveAllowPolicy":"5"}}`)
	f.Add("SendMessage", `{"QueueUrl":"`+url+`","MessageBody":"m",`+
		`"MessageAttributes":{"a":{"DataType":"Number","StringValue":"1e"}}}`)
	f.Add("SendMessageBatch", `{"QueueUrl":"`+url+`","Entries":[{},null]}`)
	f.Add("ReceiveMessage", `{"QueueUrl":"`+url+`","WaitTimeSeconds":20,"MaxNumberOfMessages":10}`)
	f.Add("DeleteMessage", `{"QueueUrl":"`+url+`","ReceiptHandle":"IA=="}`)
	f.Add("ChangeMessageVisibilityBatch", `{"Entries":[{"Id":"a"}]}`)
	f.Add("ListQueues", `null`)
	f.Fuzz(func(t *testing.T, action, body string) {
		s := emulator.New(emulator.Options{})
		// The caller is gone, so that long polls end at once.
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		ask := func(action, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)).WithContext(gone)
			r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w
		}
		ask("CreateQueue", `{"QueueName":"q"}`)
		ask("SendMessage", `{"QueueUrl":"`+url+`","MessageBody":"m"}`)
		w := ask(action, body)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s(%q) = %q, want a JSON object", action, body, w.Body)
		}
		_, named := answer["__type"].(string)
		query := w.Header().Get("X-Amzn-Query-Error")
		blamed := strings.HasSuffix(query, ";Sender")
		if ok := w.Code == http.StatusOK; ok == named || ok == blamed || !ok && (w.Code < 400 || w.Code > 499) {
			t.Errorf("%s(%q) = status %d, %s, header %q", action, body, w.Code, w.Body, query)
		}
	})
}
