package deploymenttest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// logEvent is a line of a function's log.
type logEvent struct {
	group   string
	at      time.Time
	message string
}

// AddLog adds a line of JSON to the log of a function.
func (a *Account) AddLog(function string, at time.Time, line string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log = append(a.log, logEvent{LogGroup(function), at, line})
}

func (a *Account) describeAlarms(w http.ResponseWriter) {
	alarms := cbor.List{}
	for _, name := range slices.Sorted(maps.Keys(a.Alarms)) {
		alarms = append(alarms, cbor.Map{
			"AlarmName": cbor.String(name), "StateValue": cbor.String(a.Alarms[name]),
			"AlarmDescription":      cbor.String("what " + name + " says"),
			"StateUpdatedTimestamp": &cbor.Tag{ID: 1, Value: cbor.Float64(float64(time.Now().Unix()))},
		})
	}
	a.answerCBOR(w, "DescribeAlarms", cbor.Map{"MetricAlarms": alarms})
}

// filterLogEvents answers two lines a page, so that every reader meets pages.
func (a *Account) filterLogEvents(w http.ResponseWriter, r *http.Request) {
	a.Filtered.Add(1)
	var in struct {
		LogGroupName, NextToken string
		StartTime               int64
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil { // it takes names in any case
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	const perPage = 2
	first, _ := strconv.Atoi(in.NextToken) // none is 0
	events, next := []map[string]any{}, ""
	for i, e := range a.log {
		if e.group != in.LogGroupName || e.at.UnixMilli() < in.StartTime || i < first {
			continue
		}
		if len(events) == perPage {
			next = strconv.Itoa(i)
			break
		}
		events = append(events, map[string]any{
			"eventId": strconv.Itoa(i), "timestamp": e.at.UnixMilli(), "message": e.message,
		})
	}
	answer := map[string]any{"events": events}
	if next != "" {
		answer["nextToken"] = next
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	answerJSON(w, answer)
}
