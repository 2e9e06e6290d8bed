package sqs

import "time"

type sendIn struct {
	QueueURL string `json:"QueueUrl"`
	sendEntry
}

type sendEntry struct {
	ID                string `json:"Id"`
	MessageBody       string
	DelaySeconds      *int
	MessageAttributes attributes
}

type sendOut struct {
	ID                     string `json:"Id,omitempty"`
	MessageID              string `json:"MessageId"`
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty"`
}

func (s *service) sendMessage(in sendIn) (sendOut, error) {
	if err := in.check(); err != nil {
		return sendOut{}, err
	}
	m, out := in.message()
	q, now, err := s.lockQueue(in.QueueURL)
	defer s.mu.Unlock()
	if err != nil {
		return sendOut{}, err
	}
	if err := in.checkSize(q.settings.maxSize); err != nil {
		return sendOut{}, err
	}
	out.MessageID = q.send(m, in.DelaySeconds, now)
	return out, nil
}

type sendBatchIn struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []sendEntry
}

type sendBatchOut struct {
	Successful []sendOut
	Failed     []failedEntry `json:",omitempty"`
}

func (s *service) sendMessageBatch(in sendBatchIn) (sendBatchOut, error) {
	if err := checkBatch(in.Entries, func(e sendEntry) string { return e.ID }); err != nil {
		return sendBatchOut{}, err
	}
	total := 0
	for i := range in.Entries {
		total += in.Entries[i].size()
	}
	if total > maxMessageSize {
		return sendBatchOut{}, refuseOld("BatchRequestTooLong",
			"Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageSize, total)
	}
	q, now, err := s.lockQueue(in.QueueURL)
	defer s.mu.Unlock()
	if err != nil {
		return sendBatchOut{}, err
	}
	out := sendBatchOut{Successful: []sendOut{}}
	for i := range in.Entries {
		entry := &in.Entries[i]
		err := entry.check()
		if err == nil {
			err = entry.checkSize(q.settings.maxSize)
		}
		if err != nil {
			out.Failed = append(out.Failed, failed(entry.ID, err))
			continue
		}
		m, sent := entry.message()
		sent.ID, sent.MessageID = entry.ID, q.send(m, entry.DelaySeconds, now)
		out.Successful = append(out.Successful, sent)
	}
	return out, nil
}

// check refuses what SQS refuses of a message whatever the queue.
func (e *sendEntry) check() error {
	switch {
	case e.MessageBody == "":
		return errMissing("MessageBody")
	case !allowed(e.MessageBody):
		return refuse("InvalidMessageContents", refusedCharacters)
	case e.DelaySeconds != nil && (*e.DelaySeconds < 0 || *e.DelaySeconds > 900):
		return errValue(*e.DelaySeconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	return e.MessageAttributes.check()
}

// size is what counts towards limits, in bytes.
func (e *sendEntry) size() int { return len(e.MessageBody) + e.MessageAttributes.size() }

func (e *sendEntry) checkSize(most int) error {
	if e.size() > most {
		return errInvalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", most)
	}
	return nil
}

// message makes the message that the entry asks for, without id and time, and
// the answer without id.
func (e *sendEntry) message() (*message, sendOut) {
	m := &message{body: e.MessageBody, md5: md5Text(e.MessageBody), attributes: e.MessageAttributes}
	return m, sendOut{MD5OfMessageBody: m.md5, MD5OfMessageAttributes: m.attributes.md5()}
}

// send puts a message that was checked into the queue and returns its id.
func (q *queue) send(m *message, delaySeconds *int, now time.Time) string {
	m.id, m.sent = newID(), now
	delay := q.settings.delay
	if delaySeconds != nil {
		delay = time.Duration(*delaySeconds) * time.Second
	}
	q.add(m, now, delay)
	return m.id
}
