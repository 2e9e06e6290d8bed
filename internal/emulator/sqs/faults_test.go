package sqs_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

// object is a JSON object on its way.
type object map[string]any

func (o object) text(name, value string) { o[name] = value }

func actionOf(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
}

// onRequest changes what the engine is asked.
func onRequest(action string, change func(in object)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if actionOf(r) == action {
				replace(r, change)
			}
			next.ServeHTTP(w, r)
		})
	}
}

func replace(r *http.Request, change func(in object)) {
	body, _ := io.ReadAll(r.Body)
	in := object{}
	if json.Unmarshal(body, &in) == nil {
		change(in)
		body, _ = json.Marshal(in)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
}

// onReply changes what the engine answers.
func onReply(change func(r *http.Request, status int, h http.Header, out object)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reply := httptest.NewRecorder()
			next.ServeHTTP(reply, r)
			out := object{}
			body := reply.Body.Bytes()
			if json.Unmarshal(body, &out) == nil {
				change(r, reply.Code, reply.Header(), out)
				body, _ = json.Marshal(out)
			}
			for name, values := range reply.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(reply.Code)
			_, _ = w.Write(body)
		})
	}
}

func onAnswer(action string, change func(out object)) func(http.Handler) http.Handler {
	return onReply(func(r *http.Request, status int, _ http.Header, out object) {
		if actionOf(r) == action && status == http.StatusOK {
			change(out)
		}
	})
}

func onAnyAnswer(change func(out object)) func(http.Handler) http.Handler {
	return onReply(func(_ *http.Request, status int, _ http.Header, out object) {
		if status == http.StatusOK {
			change(out)
		}
	})
}

func onError(change func(h http.Header, out object)) func(http.Handler) http.Handler {
	return onReply(func(_ *http.Request, status int, h http.Header, out object) {
		if status != http.StatusOK {
			change(h, out)
		}
	})
}

// onMessages changes every message that is received.
func onMessages(change func(m object)) func(http.Handler) http.Handler {
	return onAnswer("ReceiveMessage", func(out object) {
		messages, _ := out["Messages"].([]any)
		for _, m := range messages {
			change(object(m.(map[string]any)))
		}
	})
}

// instead answers an action without asking the engine, where it returns true.
func instead(action string, answer func(w http.ResponseWriter, r *http.Request) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if actionOf(r) != action || !answer(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

// refuseIf refuses what an engine with smaller limits would.
func refuseIf(refused func(action string, body []byte) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			if refused(actionOf(r), body) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"__type":"InvalidParameterValueException","message":"too long"}`))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
