package clerk_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/clerk"
)

// nested is an event whose objects and lists are that deep. The envelope and
// data are two of them.
func nested(depth int) string {
	return `{"type":"user.updated","data":{"x":` + strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2) + `}}`
}

// What is refused here is answered 400 invalid_payload and never sent again by
// Svix (the contract's HTTP table). Only what can never become an event may be
// in this list.
func TestDecodeRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"empty":                     "",
		"blank":                     " \n",
		"NUL":                       "\x00",
		"not JSON":                  "{",
		"form":                      "type=user.updated&data=x",
		"null":                      "null",
		"number":                    "1",
		"string":                    `"{}"`,
		"list":                      `[{"type":"user.updated","data":{}}]`,
		"two objects":               `{"type":"user.updated","data":{}}{}`,
		"text after it":             `{"type":"user.updated","data":{}} x`,
		"byte order mark":           "\ufeff" + `{"type":"user.updated","data":{}}`,
		"trailing comma":            `{"type":"user.updated","data":{},}`,
		"single quotes":             `{'type':'user.updated','data':{}}`,
		"comment":                   `{"type":"user.updated",/**/"data":{}}`,
		"no type":                   `{"data":{}}`,
		"type null":                 `{"type":null,"data":{}}`,
		"type empty":                `{"type":"","data":{}}`, // https://github.com/softwaremill/elasticmq/pull/341
		"type a number":             `{"type":1,"data":{}}`,
		"type an object":            `{"type":{"a":"user.updated"},"data":{}}`,
		"type a list":               `{"type":["user.updated"],"data":{}}`,
		"type in another case only": `{"Type":"user.updated","data":{}}`,
		"no data":                   `{"type":"user.updated"}`,
		"data null":                 `{"type":"user.updated","data":null}`,
		"data a list":               `{"type":"user.updated","data":[{}]}`,
		"data a string":             `{"type":"user.updated","data":"{}"}`,
		"data in another case only": `{"type":"user.updated","DATA":{}}`,
		"type twice":                `{"type":"user.updated","type":"user.updated","data":{}}`,
		"type twice, one escaped":   `{"type":"user.updated","\u0074ype":"user.deleted","data":{}}`,
		"type twice, second null":   `{"type":"user.updated","data":{},"type":null}`,
		"data twice":                `{"type":"user.updated","data":{},"data":{}}`,
		"data twice, both escaped":  `{"type":"user.updated","d\u0061ta":{},"dat\u0061":{}}`,
		// https://github.com/aws/aws-sdk-go/issues/339
		"byte 0xFF":                  "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xff\"}}",
		"half a letter":              "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xc3\"}}",
		"overlong slash":             "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xc0\xaf\"}}",
		"surrogate in UTF-8":         "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xed\xa0\x80\"}}",
		"above U+10FFFF":             "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xf4\x90\x80\x80\"}}",
		"UTF-16":                     "\xff\xfe{\x00}\x00",
		"raw control character":      "{\"type\":\"user.updated\",\"data\":{\"n\":\"\x01\"}}",
		"deeper than 10,000":         nested(10_001),
		"much deeper":                nested(400_000),
		"deep and never closed":      strings.Repeat("[", 500_000),
		"deep objects, never closed": strings.Repeat(`{"type":`, 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			e, err := clerk.Decode([]byte(body))
			if !errors.Is(err, clerk.ErrInvalidPayload) {
				t.Fatalf("Decode = %v, %v, want ErrInvalidPayload", e, err)
			}
			if err.Error() != clerk.ErrInvalidPayload.Error() {
				t.Errorf("Decode error = %q, want nothing of the body in it", err)
			}
		})
	}
}

// What is accepted here has been sent, or may be, and a stricter reader would
// lose it.
func TestDecodeAccepts(t *testing.T) {
	event := func(more string) string { return `{"type":"user.updated","data":{}` + more + `}` }
	withName := func(text string) string { return `{"type":"user.updated","data":{"n":"` + text + `"}}` }
	for name, c := range map[string]struct{ body, wantType, wantInstance string }{
		"plain":              {body: event(`,"instance_id":"ins_a"`), wantInstance: "ins_a"},
		"white space around": {body: " \r\n\t{\"type\" : \"user.updated\" ,\"data\" : { } }\n"},
		"escaped type":       {body: `{"\u0074ype":"user.\u0075pdated","data":{}}`},
		// https://github.com/golang/go/issues/14750
		"names in another case too": {body: `{"type":"user.updated","Type":"user.deleted",` +
			`"data":{"id":"user_a1","ID":"user_b2"},"DATA":[]}`},
		"type with a control character": {body: `{"type":"user.\u0007x","data":{}}`, wantType: "user.\ax"},
		"lone surrogate":                {body: withName(`\ud800`)},
		"noncharacters":                 {body: withName("\ufffe\uffff")},
		"replacement character":         {body: withName("\ufffd")},
		"10,000 deep":                   {body: nested(10_000)},
		"instance null":                 {body: event(`,"instance_id":null`)},
		"instance a number":             {body: event(`,"instance_id":5`)},
		"other members doubled":         {body: event(`,"object":1,"object":2`)},
	} {
		t.Run(name, func(t *testing.T) {
			if c.wantType == "" {
				c.wantType = "user.updated"
			}
			e, err := clerk.Decode([]byte(c.body))
			if err != nil || e.Type != c.wantType || e.InstanceID != c.wantInstance {
				t.Errorf("Decode = %q of %q, %v, want %q of %q", e.Type, e.InstanceID, err, c.wantType, c.wantInstance)
			}
		})
	}
}

// Inside data the last of doubled names wins, as it does in JavaScript.
func TestDecodeDoubledNamesInData(t *testing.T) {
	e, err := clerk.Decode([]byte(`{"type":"user.updated","data":{"id":"user_a1","ID":"user_b2","n":1,"n":2}}`))
	if err != nil {
		t.Fatal(err)
	}
	if id, n := e.Data().Text("id"), string(e.Data().Raw("n")); id != "user_a1" || n != "2" {
		t.Errorf("data has id %s, n %s, want user_a1, 2", id, n)
	}
}

func TestDecodeEverySample(t *testing.T) {
	for _, name := range events.Names() {
		body, err := events.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		e, err := clerk.Decode(body)
		if err != nil {
			t.Errorf("Decode(%s) = %v, want nil", name, err)
			continue
		}
		if at, err := e.Timestamp(); err != nil || at == 0 {
			t.Errorf("Timestamp of %s = %d, %v, want a time", name, at, err)
		}
	}
}
