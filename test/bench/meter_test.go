package bench_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// cost is what a message costs at AWS, without the functions' own time.
type cost struct {
	Requests int // to DynamoDB
	Write    int // write units of the tables
	Index    int // write units of the indexes
	Read     int // read units
	Queue    int // requests to SQS that sync makes itself
}

// meter is an HTTP client in front of the emulator that counts requests and the units that DynamoDB would bill for
// them. Writes that lose their condition are counted as if they had been made, which is the most that they can cost.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
type meter struct {
	emulator http.Handler

	mu    sync.Mutex
	cost  cost
	items map[string]map[string]attributes // by table, by key
}

// attributes are an item in DynamoDB's JSON.
type attributes map[string]map[string]json.RawMessage

func newMeter() *meter {
	return &meter{
		emulator: emulator.New(emulator.Options{Now: svixtest.Epoch}),
		items:    map[string]map[string]attributes{"directory": {}, "deliveries": {}},
	}
}

// config makes the SDK's clients call the meter.
func (m *meter) config() aws.Config {
	c := emulator.Config("http://127.0.0.1:1") // nothing may leave the process
	c.HTTPClient = m
	return c
}

// reset returns what was counted since the last call, and starts anew.
func (m *meter) reset() cost {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.cost
	m.cost = cost{}
	return c
}

// Do serves a request in this process.
func (m *meter) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	target := r.Header.Get("X-Amz-Target")
	w := httptest.NewRecorder()
	if strings.HasPrefix(target, "AmazonSQS.") {
		m.mu.Lock()
		m.cost.Queue++
		m.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = w.WriteString(stubAnswer(target, body))
		return w.Result(), nil
	}
	m.mu.Lock() // one at a time, so that m.items equals the emulator's tables
	defer m.mu.Unlock()
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	m.emulator.ServeHTTP(w, r)
	_, action, _ := strings.Cut(target, ".")
	m.count(action, body, w.Code == http.StatusOK)
	return w.Result(), nil
}

// write is a put or a deletion.
type write struct {
	TableName string
	Item      attributes
	Key       attributes
}

// count adds what a request costs. done says whether the emulator took it.
func (m *meter) count(action string, body []byte, done bool) {
	var in struct {
		write
		TransactItems []struct{ Put, Delete *write }
		RequestItems  map[string]struct{ Keys []attributes }
		Values        attributes `json:"ExpressionAttributeValues"`
	}
	if json.Unmarshal(body, &in) != nil {
		return // the emulator has refused it
	}
	const transactional = 2 // each write is prepared and committed
	switch action {
	case "TransactWriteItems":
		m.cost.Requests++
		for _, t := range in.TransactItems {
			if t.Put != nil {
				m.write(*t.Put, transactional, done)
			}
			if t.Delete != nil {
				m.write(*t.Delete, transactional, done)
			}
		}
	case "PutItem":
		m.cost.Requests++
		m.write(in.write, 1, done)
	case "GetItem":
		m.cost.Requests++
		m.cost.Read += units(m.items[in.TableName][itemKey(in.Key)].size(), 4<<10)
	case "BatchGetItem":
		m.cost.Requests++
		for table, keys := range in.RequestItems {
			for _, k := range keys.Keys {
				m.cost.Read += units(m.items[table][itemKey(k)].size(), 4<<10)
			}
		}
	case "Query": // it bills what it reads, whether a filter keeps it or not
		m.cost.Requests++
		total := 0
		for _, it := range m.items[in.TableName] {
			if it.text("pk") == in.Values.text(":pk") && strings.HasPrefix(it.text("sk"), in.Values.text(":sk")) {
				total += it.size()
			}
		}
		m.cost.Read += units(total, 4<<10)
	}
}

// write bills the larger of the item before and after, and each index whose key changes: a put, a deletion or both.
func (m *meter) write(w write, times int, done bool) {
	k := itemKey(w.Key)
	if w.Item != nil {
		k = itemKey(w.Item)
	}
	before := m.items[w.TableName][k]
	m.cost.Write += times * units(max(before.size(), w.Item.size()), 1<<10)
	if !done {
		return
	}
	for _, index := range directory.Indexes() {
		old, changed := before.text(index), w.Item.text(index)
		if old == changed {
			continue
		}
		if old != "" {
			m.cost.Index++
		}
		if changed != "" {
			m.cost.Index++
		}
	}
	if w.Item == nil {
		delete(m.items[w.TableName], k)
		return
	}
	m.items[w.TableName][k] = w.Item
}

// itemKey is the primary key of an item of the Directory or of the Deliveries.
func itemKey(a attributes) string {
	if pk := a.text("pk"); pk != "" {
		return pk + "\n" + a.text("sk")
	}
	return a.text("svix_id")
}

func (a attributes) text(name string) (s string) {
	_ = json.Unmarshal(a[name]["S"], &s) // "" for an attribute that is absent or not a text
	return s
}

// units is how many units a size fills, at least one.
func units(size, unit int) int { return max(1, (size+unit-1)/unit) }

// size is the item's size as DynamoDB counts it:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (a attributes) size() (n int) {
	for name, v := range a {
		n += len(name) + valueSize(v)
	}
	return n
}

// valueSize is the size of one attribute's value. Kinds that our rows do not have count as one byte.
func valueSize(v map[string]json.RawMessage) int {
	for kind, raw := range v {
		var s string
		switch kind {
		case "S":
			_ = json.Unmarshal(raw, &s)
			return len(s)
		case "N":
			_ = json.Unmarshal(raw, &s)
			return (len(s)+1)/2 + 1
		case "L":
			var list []map[string]json.RawMessage
			_ = json.Unmarshal(raw, &list)
			n := 3
			for _, e := range list {
				n += 1 + valueSize(e)
			}
			return n
		}
	}
	return 1
}
