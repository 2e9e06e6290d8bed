// Package awsjson is the front door of the AWS JSON protocols 1.0 and 1.1, one
// for all emulators. A request is a POST to any path, whose header X-Amz-Target
// names the service and the operation and whose body is the input; the answer
// is the output, or an Error with a status from 400 on.
//
// New serves a list of services. Each is a table of operations, made by Handle
// of functions that take decoded input, so that a service knows nothing of HTTP.
// The door reads the body up to the service's limit, refuses by name a member
// that the input lacks (it would otherwise be ignored without a word), gives
// every answer a request id, and turns a panic into a failure that the SDK
// reports. Signatures are not checked: any credentials will do.
//
// Sources: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html,
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
package awsjson

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	jsonv2 "encoding/json/v2"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Service is what one AWS service understands.
type Service struct {
	// Target is the header X-Amz-Target up to the period: DynamoDB_20120810.
	Target string
	// Version is that of the protocol, 1.0 or 1.1, which the content type names.
	Version string
	// MaxBody is the size in bytes of the longest request that the service takes.
	MaxBody int64
	// Checksum adds the CRC-32 that the SDK holds DynamoDB's answers against.
	Checksum bool
	// QueryErrors adds the header in which services that once spoke the query
	// protocol repeat an error's older code. SDKs report that code.
	// Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#awsquerycompatible-trait
	QueryErrors bool
	// Operations are all that there are, by name.
	Operations map[string]Operation
}

// Operation answers the body of one request. Only what New serves calls it.
type Operation func(r *http.Request, body []byte) (any, error)

// Handle makes an operation of a function from input to output.
func Handle[In, Out any](do func(In) (Out, error)) Operation {
	return HandleRequest(func(_ *http.Request, in In) (Out, error) { return do(in) })
}

// HandleRequest is Handle for functions that also need the request: to end
// with its context, or to name the host by which the caller came.
func HandleRequest[In, Out any](do func(*http.Request, In) (Out, error)) Operation {
	return func(r *http.Request, body []byte) (any, error) {
		var in In
		if err := decode(body, &in); err != nil {
			return nil, err
		}
		return do(r, in)
	}
}

func decode(body []byte, in any) error {
	err := jsonv2.Unmarshal(body, in, jsonv2.RejectUnknownMembers(true))
	var refusal *Error
	var member *jsonv2.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal): // by the input's own decoder
		return refusal
	case errors.Is(err, jsonv2.ErrUnknownName) && errors.As(err, &member):
		return &Error{
			Type:    "com.amazon.coral.validate#ValidationException",
			Message: "the emulator does not take the member " + strings.TrimPrefix(string(member.JSONPointer), "/"),
		}
	}
	return &Error{
		Type:    coral + "SerializationException",
		Message: "the body is not the JSON that the operation takes: " + err.Error(),
	}
}

// New serves the services.
func New(services ...Service) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		i := slices.IndexFunc(services, func(s Service) bool { return s.Target == target })
		if i < 0 || r.Method != http.MethodPost {
			Service{Version: "1.0"}.write(w, nil, unknownOperation("this is a POST to no service here: "+
				"use a current AWS CLI or SDK, which name the service in the header X-Amz-Target"))
			return
		}
		services[i].serve(w, r, operation)
	})
}

func (s Service) serve(w http.ResponseWriter, r *http.Request, operation string) {
	defer func() {
		// A defect of an emulator must fail the request that meets it, not the
		// whole process: dev would lose all that it holds in memory.
		if defect := recover(); defect != nil {
			s.write(w, nil, fmt.Errorf("panic in %s.%s: %v", s.Target, operation, defect))
		}
	}()
	do, ok := s.Operations[operation]
	if !ok {
		s.write(w, nil, unknownOperation("the emulator has no operation "+operation+" of "+s.Target))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.MaxBody))
	if err != nil {
		s.write(w, nil, unread(err))
		return
	}
	out, err := do(r, body)
	s.write(w, out, err)
}

// unread says why a body could not be read.
func unread(err error) *Error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &Error{
			Type:    coral + "RequestEntityTooLargeException",
			Message: fmt.Sprintf("the request is longer than %d bytes", tooLarge.Limit),
			Status:  http.StatusRequestEntityTooLarge,
		}
	}
	return &Error{Type: coral + "SerializationException", Message: "read the request: " + err.Error()}
}

// write sends the output, or the error if there is one.
func (s Service) write(w http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	var body bytes.Buffer
	if err == nil {
		err = encode(&body, out)
	}
	if err != nil {
		refusal := AsError(err)
		status = refusal.status()
		body.Reset()
		// Texts and items, of which errors are made, have a JSON form.
		_ = encode(&body, refusal)
		if s.QueryErrors {
			w.Header().Set("X-Amzn-Query-Error", refusal.queryError())
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-"+s.Version)
	w.Header().Set("X-Amzn-Requestid", rand.Text()+rand.Text())
	if s.Checksum {
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body.Bytes())), 10))
	}
	w.WriteHeader(status)
	// The caller is gone if this fails, and nothing is left to undo.
	_, _ = w.Write(body.Bytes())
}

func encode(body *bytes.Buffer, v any) error {
	encoder := json.NewEncoder(body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	body.Truncate(body.Len() - len("\n"))
	return nil
}
