package clerk_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/clerk"
)

func nested(depth int) string {
	// The envelope and data are two of them.
	return `{"type":"user.updated","data":{"x":` + strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2) + `}}`
}

func TestDecodeRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"empty":                      "",
		"blank":                      " \n",
		"NUL":                        "\x00",
		"no JSON":                    "{",
		"form":                       "type=user.updated&data=x",
		"null":                       "null",
		"number":                     "1",
		"string":                     `"{}"`,
		"list":                       `[{"type":"user.updated","data":{}}]`,
		"two objects":                `{"type":"user.updated","data":{}}{}`,
		"more behind":                `{"type":"user.updated","data":{}} x`,
		"byte order mark":            "\ufeff" + `{"type":"user.updated","data":{}}`,
		"comma too much":             `{"type":"user.updated","data":{},}`,
		"single quotes":              `{'type':'user.updated','data':{}}`,
		"comment":                    `{"type":"user.updated",/**/"data":{}}`,
		"no type":                    `{"data":{}}`,
		"type null":                  `{"type":null,"data":{}}`,
		"type empty":                 `{"type":"","data":{}}`, // https://github.com/softwaremill/elasticmq/pull/341
		"type a number":              `{"type":1,"data":{}}`,
		"type an object":             `{"type":{"a":"user.updated"},"data":{}}`,
		"type a list":                `{"type":["user.updated"],"data":{}}`,
		"type in another case only":  `{"Type":"user.updated","data":{}}`,
		"no data":                    `{"type":"user.updated"}`,
		"data null":                  `{"type":"user.updated","data":null}`,
		"data a list":                `{"type":"user.updated","data":[{}]}`,
		"data a string":              `{"type":"user.updated","data":"{}"}`,
		"data in another case only":  `{"type":"user.updated","DATA":{}}`,
		"type twice":                 `{"type":"user.updated","type":"user.updated","data":{}}`,
		"type twice, one escaped":    `{"type":"user.updated","\u0074ype":"user.deleted","data":{}}`,
		"type twice, second null":    `{"type":"user.updated","data":{},"type":null}`,
		"data twice":                 `{"type":"user.updated","data":{},"data":{}}`,
		"data twice, both escaped":   `{"type":"user.updated","d\u0061ta":{},"dat\u0061":{}}`,
		"byte 0xFF":                  "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xff\"}}", // https://github.com/aws/aws-sdk-go/issues/339
		"half a letter":              "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xc3\"}}",
		"overlong slash":             "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xc0\xaf\"}}",
		"surrogate in UTF-8":         "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xed\xa0\x80\"}}",
		"behind U+10FFFF":            "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xf4\x90\x80\x80\"}}",
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
				t.Errorf("Decode error %q says more than what is wrong", err)
			}
		})
	}
}

func TestDecodeTakes(t *testing.T) {
	for name, c := range map[string]struct{ body, wantType, wantInstance string }{
		"plain":              {`{"type":"user.updated","data":{},"instance_id":"ins_a"}`, "user.updated", "ins_a"},
		"white space around": {" \r\n\t{\"type\" : \"user.updated\" ,\"data\" : { } }\n", "user.updated", ""},
		"escaped type":       {`{"\u0074ype":"user.\u0075pdated","data":{}}`, "user.updated", ""},
		// https://github.com/golang/go/issues/14750
		"names in another case beside":  {`{"type":"user.updated","Type":"user.deleted","data":{"id":"user_a1","ID":"user_b2"},"DATA":[]}`, "user.updated", ""},
		"type with a control character": {`{"type":"user.\u0007x","data":{}}`, "user.\ax", ""},
		"lone surrogate":                {`{"type":"user.updated","data":{"n":"\ud800"}}`, "user.updated", ""},
		"noncharacters":                 {"{\"type\":\"user.updated\",\"data\":{\"n\":\"\ufffe\uffff\"}}", "user.updated", ""},
		"replacement character":         {"{\"type\":\"user.updated\",\"data\":{\"n\":\"\ufffd\"}}", "user.updated", ""},
		"10,000 deep":                   {nested(10_000), "user.updated", ""},
		"instance null":                 {`{"type":"user.updated","data":{},"instance_id":null}`, "user.updated", ""},
		"instance a number":             {`{"type":"user.updated","data":{},"instance_id":5}`, "user.updated", ""},
		"other members doubled":         {`{"type":"user.updated","data":{},"object":1,"object":2}`, "user.updated", ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := clerk.Decode([]byte(c.body))
			if err != nil || e.Type != c.wantType || e.InstanceID != c.wantInstance {
				t.Errorf("Decode = %q of %q, %v, want %q of %q", e.Type, e.InstanceID, err, c.wantType, c.wantInstance)
			}
		})
	}
}

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
