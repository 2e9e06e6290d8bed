package dynamodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxBody is the size in bytes of the largest request that DynamoDB takes.
const maxBody = 16 << 20

// targetPrefix starts the X-Amz-Target header of every request.
const targetPrefix = "DynamoDB_20120810."

// Server is an in-memory DynamoDB. It is safe for concurrent use.
type Server struct {
	now      func() time.Time
	requests atomic.Uint64

	mu     sync.RWMutex
	tables map[string]*table
	tokens map[string]spentToken
	swept  time.Time // when tokens were last forgotten
}

// New returns a server without tables. The clock dates tables and ends the ten
// minutes in which a ClientRequestToken counts.
func New(now func() time.Time) *Server {
	return &Server{now: now, tables: map[string]*table{}, tokens: map[string]spentToken{}}
}

// ServeHTTP answers one request of the DynamoDB JSON protocol. Signatures are
// not looked at: any credentials will do.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Requestid", fmt.Sprintf("%052d", s.requests.Add(1)))

	answer, err := s.answer(w, r)
	if err != nil {
		writeError(w, err)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		writeError(w, fmt.Errorf("encode the answer: %w", err))
		return
	}
	writeBody(w, http.StatusOK, body)
}

// writeBody adds the checksum that the SDK holds a body against.
func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(status)
	// The client is gone if this fails, and nobody else wants to know.
	_, _ = w.Write(body)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) (any, error) {
	if r.Method != http.MethodPost {
		return nil, &apiError{status: http.StatusMethodNotAllowed, code: "UnknownOperationException", message: "POST only"}
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	if !ok {
		return nil, &apiError{code: "UnknownOperationException", message: "no X-Amz-Target of DynamoDB_20120810"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, &apiError{status: http.StatusRequestEntityTooLarge, code: "RequestEntityTooLarge", message: "Request body is larger than 16 MB"}
		}
		return nil, &apiError{code: "SerializationException", message: "the body ended early"}
	}
	return s.operate(name, body)
}

// operate runs the named operation; it is the list of all there are.
func (s *Server) operate(name string, body []byte) (any, error) {
	switch name {
	case "CreateTable":
		return run(body, s.createTable)
	case "DescribeTable":
		return run(body, s.describeTable)
	case "UpdateTable":
		return run(body, s.updateTable)
	case "DeleteTable":
		return run(body, s.deleteTable)
	case "ListTables":
		return run(body, s.listTables)
	case "UpdateTimeToLive":
		return run(body, s.updateTimeToLive)
	case "DescribeTimeToLive":
		return run(body, s.describeTimeToLive)
	case "UpdateContinuousBackups":
		return run(body, s.updateContinuousBackups)
	case "DescribeContinuousBackups":
		return run(body, s.describeContinuousBackups)
	case "PutItem":
		return run(body, s.putItem)
	case "UpdateItem":
		return run(body, s.updateItem)
	case "DeleteItem":
		return run(body, s.deleteItem)
	case "GetItem":
		return run(body, s.getItem)
	case "BatchGetItem":
		return run(body, s.batchGetItem)
	case "BatchWriteItem":
		return run(body, s.batchWriteItem)
	case "TransactWriteItems":
		return run(body, s.transactWriteItems)
	case "TransactGetItems":
		return run(body, s.transactGetItems)
	case "Query":
		return run(body, s.query)
	case "Scan":
		return run(body, s.scan)
	}
	return nil, &apiError{code: "UnknownOperationException", message: "the embedded engine has no operation " + name}
}

// run decodes a body for an operation. Unknown members are refused: what they
// ask for would otherwise be dropped without a word.
func run[In any](body []byte, operation func(In) (any, error)) (any, error) {
	var in In
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		var refused *apiError
		if errors.As(err, &refused) {
			return nil, refused
		}
		if member, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return nil, invalid("the embedded engine does not take the member %s", member)
		}
		return nil, &apiError{code: "SerializationException", message: "the body is not the JSON that the operation takes"}
	}
	return operation(in)
}
