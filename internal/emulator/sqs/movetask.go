package sqs

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

const (
	taskRunning   = "RUNNING"
	taskCompleted = "COMPLETED"
	taskCancelled = "CANCELLED"
	taskFailed    = "FAILED"
)

// moveTask moves messages out of a dead letter queue.
type moveTask struct {
	id, handle          string
	source, destination string // ARNs; without destination each goes back where it came from
	perSecond           *int
	started             time.Time
	total, moved        int
	status, failure     string
}

type startTaskIn struct {
	SourceArn, DestinationArn    string
	MaxNumberOfMessagesPerSecond *int
}

type taskHandleOut struct{ TaskHandle string }

func (s *Server) startMoveTask(_ *call, in startTaskIn) (taskHandleOut, error) {
	now := s.lock()
	defer s.mu.Unlock()
	source, err := s.taskQueue(in.SourceArn, "SourceArn")
	if err != nil {
		return taskHandleOut{}, err
	}
	if n := in.MaxNumberOfMessagesPerSecond; n != nil && (*n < 1 || *n > 500) {
		return taskHandleOut{}, errRange(*n, "MaxNumberOfMessagesPerSecond", "You must enter a number that's between 1 and 500.")
	}
	isDeadLetters := false
	for _, q := range s.queues {
		isDeadLetters = isDeadLetters || q.feeds(source)
	}
	if !isDeadLetters {
		return taskHandleOut{}, errInvalid("Source queue must be configured as a Dead Letter Queue.")
	}
	if in.DestinationArn != "" {
		if _, err := s.taskQueue(in.DestinationArn, "DestinationArn"); err != nil {
			return taskHandleOut{}, err
		}
		if in.DestinationArn == in.SourceArn {
			return taskHandleOut{}, errInvalid("Source queue arn and destination queue arn must be different.")
		}
	}
	for _, t := range s.tasks {
		if t.source == in.SourceArn && t.status == taskRunning {
			return taskHandleOut{}, errInvalid("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	source.advance(now)
	t := &moveTask{
		id: s.newIDLocked(), source: in.SourceArn, destination: in.DestinationArn,
		perSecond: in.MaxNumberOfMessagesPerSecond, started: now,
		total: source.ready.Len(), status: taskRunning,
	}
	t.handle = t.newHandle()
	s.tasks = append(s.tasks, t)
	s.run(t, now)
	return taskHandleOut{t.handle}, nil
}

func (s *Server) taskQueue(arn, parameter string) (*queue, error) {
	if arn == "" {
		return nil, errMissing(parameter)
	}
	if !strings.HasPrefix(arn, "arn:") || strings.Count(arn, ":") != 5 {
		return nil, errInvalid("You must use this format to specify the " + parameter + ": arn:<partition>:<service>:<region>:<account-id>:<resource-id>")
	}
	q := s.byARN(arn)
	if q == nil {
		return nil, errNotFound("The resource that you specified for the " + parameter + " parameter doesn't exist.")
	}
	return q, nil
}

// runTasks brings every task as far as it should be by now.
func (s *Server) runTasks(now time.Time) {
	for _, t := range s.tasks {
		s.run(t, now)
	}
}

func (s *Server) run(t *moveTask, now time.Time) {
	if t.status != taskRunning {
		return
	}
	due := t.total
	if t.perSecond != nil {
		due = min(due, int(now.Sub(t.started).Seconds()*float64(*t.perSecond)))
	}
	source := s.byARN(t.source)
	for ; source != nil && t.moved < due; t.moved++ {
		source.advance(now)
		front := source.ready.Front()
		if front == nil {
			// The rest was received or deleted by somebody else meanwhile.
			t.status = taskCompleted
			return
		}
		m := front.Value.(*message) //nolint:forcetypeassert // holds only messages
		destination := t.destination
		if destination == "" {
			destination = m.source
		}
		target := s.byARN(destination)
		switch {
		case destination == "":
			// Sent here by its producer: SQS can't tell where it would go back to.
			t.fail("CouldNotDetermineMessageSource")
			return
		case target == nil:
			t.fail(oldPrefix + "NonExistentQueue")
			return
		}
		source.remove(m)
		s.redrive(target, m, now)
	}
	switch {
	case source == nil:
		t.fail(oldPrefix + "NonExistentQueue")
	case t.moved >= t.total:
		t.status = taskCompleted
	}
}

func (t *moveTask) fail(reason string) { t.status, t.failure = taskFailed, reason }

// redrive puts a message into a queue as a new one, with a new id and time:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
func (s *Server) redrive(target *queue, m *message, now time.Time) {
	fresh := &message{
		id: s.newIDLocked(), sent: now, sender: m.sender, group: m.group,
		body: m.body, md5: m.md5, attributes: m.attributes, traceHeader: m.traceHeader,
	}
	target.add(fresh, now, 0)
}

type listTasksIn struct {
	SourceArn  string
	MaxResults *int
}

type taskEntry struct {
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	DestinationArn                    string `json:",omitempty"`
	FailureReason                     string `json:",omitempty"`
	MaxNumberOfMessagesPerSecond      *int   `json:",omitempty"`
	SourceArn                         string
	StartedTimestamp                  int64
	Status                            string
	TaskHandle                        string `json:",omitempty"`
}

type listTasksOut struct{ Results []taskEntry }

// listMoveTasks lists a queue's tasks, the latest first.
func (s *Server) listMoveTasks(_ *call, in listTasksIn) (listTasksOut, error) {
	s.lock()
	defer s.mu.Unlock()
	if _, err := s.taskQueue(in.SourceArn, "SourceArn"); err != nil {
		return listTasksOut{}, err
	}
	most := 1
	if in.MaxResults != nil {
		most = *in.MaxResults
	}
	if most < 1 || most > 10 {
		return listTasksOut{}, errRange(most, "MaxResults", "Must be between 1 and 10, if provided.")
	}
	out := listTasksOut{Results: []taskEntry{}}
	for i := len(s.tasks) - 1; i >= 0 && len(out.Results) < most; i-- {
		if s.tasks[i].source == in.SourceArn {
			out.Results = append(out.Results, s.tasks[i].entry())
		}
	}
	return out, nil
}

// entry tells a task; its handle only while it can be cancelled.
func (t *moveTask) entry() taskEntry {
	e := taskEntry{
		ApproximateNumberOfMessagesMoved: t.moved, ApproximateNumberOfMessagesToMove: t.total,
		DestinationArn: t.destination, FailureReason: t.failure, MaxNumberOfMessagesPerSecond: t.perSecond,
		SourceArn: t.source, StartedTimestamp: t.started.UnixMilli(), Status: t.status,
	}
	if t.status == taskRunning {
		e.TaskHandle = t.handle
	}
	return e
}

type cancelTaskIn struct{ TaskHandle string }

type cancelTaskOut struct{ ApproximateNumberOfMessagesMoved int }

type handleContent struct {
	TaskID    string `json:"taskId"`
	SourceARN string `json:"sourceArn"`
}

func (t *moveTask) newHandle() string {
	text, _ := json.Marshal(handleContent{TaskID: t.id, SourceARN: t.source}) // two strings always encode
	return base64.StdEncoding.EncodeToString(text)
}

func (s *Server) cancelMoveTask(_ *call, in cancelTaskIn) (cancelTaskOut, error) {
	var content handleContent
	text, err := base64.StdEncoding.DecodeString(in.TaskHandle)
	if err != nil || json.Unmarshal(text, &content) != nil {
		return cancelTaskOut{}, errInvalid("Value for parameter TaskHandle is invalid.")
	}
	s.lock()
	defer s.mu.Unlock()
	if _, err := s.taskQueue(content.SourceARN, "SourceArn"); err != nil {
		return cancelTaskOut{}, err
	}
	for _, t := range s.tasks {
		if t.id != content.TaskID {
			continue
		}
		if t.status != taskRunning {
			return cancelTaskOut{}, errUnsupported("Only active tasks can be cancelled.")
		}
		t.status = taskCancelled
		return cancelTaskOut{t.moved}, nil
	}
	return cancelTaskOut{}, errNotFound("Task does not exist.")
}
