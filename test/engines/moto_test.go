package engines_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// motoWithCapacity is the HTTP client for moto, whose answers to transactions
// leave the list of consumed capacity empty (moto 5.2, dynamodb/responses.py),
// so that pkg/dynamo would not take them for DynamoDB's. The client fills the
// list in, as DynamoDB itself does, which the check consumed-capacity-names-tables
// shows on a real account.
type motoWithCapacity struct{}

const emptyCapacity = `"ConsumedCapacity": []`

// Do sends the request.
func (motoWithCapacity) Do(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return http.DefaultClient.Do(r)
	}
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(request))
	out, err := http.DefaultClient.Do(r)
	if err != nil || out.StatusCode != http.StatusOK {
		return out, err
	}
	answer, err := io.ReadAll(out.Body)
	_ = out.Body.Close()
	var consumed []string
	for _, m := range regexp.MustCompile(`"TableName":"([^"]+)"`).FindAllSubmatch(request, -1) {
		if c := fmt.Sprintf(`{"TableName":%q,"CapacityUnits":2}`, m[1]); !slices.Contains(consumed, c) {
			consumed = append(consumed, c)
		}
	}
	full := `"ConsumedCapacity": [` + strings.Join(consumed, ",") + `]`
	answer = bytes.Replace(answer, []byte(emptyCapacity), []byte(full), 1)
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(answer)), int64(len(answer))
	out.Header.Del("Content-Length")
	out.Header.Del("X-Amz-Crc32") // of the answer as it was
	return out, err
}
