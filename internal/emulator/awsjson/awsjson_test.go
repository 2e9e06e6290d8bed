package awsjson_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/internal/emulator/awsjson"
)

type input struct {
	Name  string
	Count *int
}

type output struct{ Greeting string }

// greet is an operation that succeeds, is refused, fails or panics by name.
func greet(in input) (output, error) {
	switch in.Name {
	case "refused":
		return output{}, &awsjson.Error{
			Type: "com.example#NameRefused", QueryCode: "Old.NameRefused", Status: http.StatusConflict, Message: "no",
			Members: map[string]any{"Item": 1},
		}
	case "broken":
		return output{}, errors.New("out of order")
	case "panics":
		panic("out of hand")
	}
	return output{"hello <" + in.Name + ">"}, nil
}

// handler serves one service of each kind.
func handler() http.Handler {
	operations := map[string]awsjson.Operation{"Greet": awsjson.Handle(greet)}
	return awsjson.New(
		awsjson.Service{Target: "Plain_1", Version: "1.1", MaxBody: 100, Operations: operations},
		awsjson.Service{
			Target: "Full_1", Version: "1.0", MaxBody: 100, Checksum: true, QueryErrors: true, Operations: operations,
		},
	)
}

func post(t *testing.T, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/any/path", strings.NewReader(body))
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	w := httptest.NewRecorder()
	handler().ServeHTTP(w, r)
	return w
}

// What is not a request of the protocol is refused by a name that SDKs know, and
// repeated in the header of the query protocol where the service once spoke it.
// What the emulator itself does wrong is a failure of the server.
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization
func TestAnswers(t *testing.T) {
	t.Parallel()
	long := `{"Name":"` + strings.Repeat("a", 100) + `"}`
	for name, test := range map[string]struct {
		method, target, body string // POST, Full_1.Greet and {} where empty
		status               int
		code                 string // "" for an output
		query                string // the header that repeats the code
	}{
		"an output":          {body: `{"Name":"Ada","Count":2}`, status: 200},
		"no service":         {target: "Other_1.Greet", status: 400, code: "UnknownOperationException"},
		"the query protocol": {target: "-", body: "Action=Greet", status: 400, code: "UnknownOperationException"},
		"a GET":              {method: http.MethodGet, status: 400, code: "UnknownOperationException"},
		"no operation": {
			target: "Full_1.Wave", status: 400,
			code: "UnknownOperationException", query: "UnknownOperationException;Sender",
		},
		"no JSON": {
			body: `{"Name":`, status: 400, code: "SerializationException", query: "SerializationException;Sender",
		},
		"nothing": {
			body: " ", status: 400, code: "SerializationException", query: "SerializationException;Sender",
		},
		"another shape": {
			body: `{"Name":5}`, status: 400, code: "SerializationException", query: "SerializationException;Sender",
		},
		"a member twice": {
			body: `{"Name":"a","Name":"b"}`, status: 400,
			code: "SerializationException", query: "SerializationException;Sender",
		},
		"an unknown member": {
			body: `{"Nome":"a"}`, status: 400, code: "ValidationException", query: "ValidationException;Sender",
		},
		"a member in another case": {
			body: `{"name":"a"}`, status: 400, code: "ValidationException", query: "ValidationException;Sender",
		},
		"over the limit": {
			body: long, status: 413,
			code: "RequestEntityTooLargeException", query: "RequestEntityTooLargeException;Sender",
		},
		"a refusal": {body: `{"Name":"refused"}`, status: 409, code: "NameRefused", query: "Old.NameRefused;Sender"},
		"a failure": {
			body: `{"Name":"broken"}`, status: 500, code: "InternalFailure", query: "InternalFailure;Receiver",
		},
		"a panic": {
			body: `{"Name":"panics"}`, status: 500, code: "InternalFailure", query: "InternalFailure;Receiver",
		},
		"a service with one code": {
			target: "Plain_1.Greet", body: `{"Name":"refused"}`, status: 409, code: "NameRefused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, target := cmp.Or(test.method, http.MethodPost), cmp.Or(test.target, "Full_1.Greet")
			body := cmp.Or(test.body, "{}")
			w := post(t, method, strings.Trim(target, "-"), body)
			var got struct {
				Type     string `json:"__type"`
				Greeting string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("body %q is not JSON: %v", w.Body, err)
			}
			code := got.Type[strings.Index(got.Type, "#")+1:]
			if w.Code != test.status || code != test.code || (got.Greeting != "") != (test.code == "") {
				t.Errorf("%s %s %s = %d %s, want %d %s", method, target, body, w.Code, w.Body, test.status, test.code)
			}
			if got := w.Header().Get("X-Amzn-Query-Error"); got != test.query {
				t.Errorf("X-Amzn-Query-Error = %q, want %q", got, test.query)
			}
		})
	}
}

// What the SDK reads of an answer except its body: the protocol's version, a request id of
// its own for each request, and the checksum of exactly the bytes that came.
func TestHeaders(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for target, version := range map[string]string{"Plain_1.Greet": "1.1", "Full_1.Greet": "1.0"} {
		for _, name := range []string{"Ada", "refused"} {
			w := post(t, http.MethodPost, target, `{"Name":"`+name+`"}`)
			h := w.Header()
			if got := h.Get("Content-Type"); got != "application/x-amz-json-"+version {
				t.Errorf("%s: Content-Type = %s, want version %s", target, got, version)
			}
			want := ""
			if target == "Full_1.Greet" {
				want = strconv.FormatUint(uint64(crc32.ChecksumIEEE(w.Body.Bytes())), 10)
			}
			if got := h.Get("X-Amz-Crc32"); got != want {
				t.Errorf("%s: X-Amz-Crc32 = %q, want %q", target, got, want)
			}
			ids[h.Get("X-Amzn-Requestid")] = true
		}
	}
	if len(ids) != 4 || ids[""] {
		t.Errorf("request ids = %v, want four", ids)
	}
}

// Bodies are what the services wrote, with "<" and ">" as they are, and an
// error has the members that its service gave it.
func TestBodies(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ada":     `{"Greeting":"hello <Ada>"}`,
		"refused": `{"Item":1,"__type":"com.example#NameRefused","message":"no"}`,
	} {
		if got := post(t, http.MethodPost, "Plain_1.Greet", `{"Name":"`+name+`"}`).Body.String(); got != want {
			t.Errorf("body for %s = %s, want %s", name, got, want)
		}
	}
}
