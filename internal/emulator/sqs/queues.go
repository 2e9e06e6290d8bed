package sqs

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pauseBetween is how long SQS makes callers wait before a deleted name is used
// anew and before a queue is purged a second time:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
const pauseBetween = 60 * time.Second

type queueURLOut struct {
	QueueURL string `json:"QueueUrl"`
}

// find returns the queue that a URL names by its last part. The rest does not
// count: one caller reaches this machine by another name than the next.
func (s *service) find(url string) (*queue, error) {
	if url == "" {
		return nil, errMissing("QueueUrl")
	}
	q, ok := s.queues[url[strings.LastIndex(url, "/")+1:]]
	if !ok {
		return nil, errNoQueue()
	}
	return q, nil
}

// lockQueue locks the service, also when it returns an error, and brings the
// queue up to the time that it returns.
func (s *service) lockQueue(url string) (*queue, time.Time, error) {
	s.mu.Lock()
	now := s.now()
	q, err := s.find(url)
	if err == nil {
		q.advance(now)
	}
	return q, now, err
}

type createQueueIn struct {
	QueueName  string
	Attributes map[string]string
}

func (s *service) createQueue(r *http.Request, in createQueueIn) (queueURLOut, error) {
	if in.QueueName == "" {
		return queueURLOut{}, errMissing("QueueName")
	}
	if _, ok := in.Attributes["FifoQueue"]; ok || strings.HasSuffix(in.QueueName, ".fifo") {
		return queueURLOut{}, refuseOld("UnsupportedOperation", "FIFO queues are not there, only standard ones")
	}
	if !validName(in.QueueName) {
		return queueURLOut{}, errInvalid("Can only include alphanumeric characters, hyphens, or underscores. " +
			"1 to 80 in length")
	}
	s.mu.Lock()
	now := s.now()
	defer s.mu.Unlock()
	if q, ok := s.queues[in.QueueName]; ok {
		for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
			if q.attributes[name] != in.Attributes[name] {
				return queueURLOut{}, errQueueExists(name)
			}
		}
		return queueURLOut{queueURL(r, q.name)}, nil
	}
	if at, ok := s.deleted[in.QueueName]; ok && now.Sub(at) < pauseBetween {
		return queueURLOut{}, refuseOld("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue "+
			"before you can create another with the same name.")
	}
	q := newQueue(in.QueueName, now)
	var err error
	q.attributes, q.settings, err = s.withAttributes(q.arn, defaultAttributes(), in.Attributes)
	if err != nil {
		return queueURLOut{}, err
	}
	s.queues[q.name] = q
	return queueURLOut{queueURL(r, q.name)}, nil
}

type getQueueURLIn struct{ QueueName string }

func (s *service) getQueueURL(r *http.Request, in getQueueURLIn) (queueURLOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.queues[in.QueueName]
	if !ok {
		return queueURLOut{}, errNoQueue()
	}
	return queueURLOut{queueURL(r, q.name)}, nil
}

type queueIn struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *service) deleteQueue(in queueIn) (empty, error) {
	q, now, err := s.lockQueue(in.QueueURL)
	defer s.mu.Unlock()
	if err != nil {
		return empty{}, err
	}
	delete(s.queues, q.name)
	s.deleted[q.name] = now
	q.wakePolls() // they find that the queue is gone
	return empty{}, nil
}

func (s *service) purgeQueue(in queueIn) (empty, error) {
	q, now, err := s.lockQueue(in.QueueURL)
	defer s.mu.Unlock()
	if err != nil {
		return empty{}, err
	}
	if !q.purged.IsZero() && now.Sub(q.purged) < pauseBetween {
		return empty{}, errPurged(q.name)
	}
	q.clear()
	q.purged = now
	return empty{}, nil
}

type setAttributesIn struct {
	QueueURL   string `json:"QueueUrl"`
	Attributes map[string]string
}

func (s *service) setQueueAttributes(in setAttributesIn) (empty, error) {
	q, now, err := s.lockQueue(in.QueueURL)
	defer s.mu.Unlock()
	if err != nil {
		return empty{}, err
	}
	all, read, err := s.withAttributes(q.arn, q.attributes, in.Attributes)
	if err != nil {
		return empty{}, err
	}
	q.attributes, q.settings, q.modified = all, read, now
	// A shorter retention ends messages that were to stay: look at all again.
	q.nextExpiry = time.Time{}
	q.wakePolls()
	return empty{}, nil
}

type getAttributesIn struct {
	QueueURL       string `json:"QueueUrl"`
	AttributeNames []string
}

type getAttributesOut struct {
	Attributes map[string]string `json:",omitempty"`
}

func (s *service) getQueueAttributes(in getAttributesIn) (getAttributesOut, error) {
	q, _, err := s.lockQueue(in.QueueURL)
	defer s.mu.Unlock()
	if err != nil {
		return getAttributesOut{}, err
	}
	all := maps.Clone(q.attributes)
	all["QueueArn"] = q.arn
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(q.modified.Unix(), 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(q.ready.Len())
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(q.inFlight())
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(q.delayed)
	if slices.Contains(in.AttributeNames, "All") {
		return getAttributesOut{all}, nil
	}
	picked := make(map[string]string)
	for _, name := range in.AttributeNames {
		value, ok := all[name]
		if !ok && !knownAttribute(name) {
			return getAttributesOut{}, refuse("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
		if ok {
			picked[name] = value
		}
	}
	return getAttributesOut{picked}, nil
}

// knownAttribute says whether SQS knows an attribute that a standard queue may
// lack.
func knownAttribute(name string) bool {
	return slices.Contains([]string{
		"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds",
	}, name)
}

type listQueuesIn struct {
	QueueNamePrefix, NextToken string
	MaxResults                 *int
}

type listQueuesOut struct {
	QueueURLs []string `json:"QueueUrls,omitempty"`
	NextToken string   `json:",omitempty"`
}

// listQueues lists URLs by name. Its token is the last name of the page before;
// one is given only to callers who set a maximum, as SQS does.
func (s *service) listQueues(r *http.Request, in listQueuesIn) (out listQueuesOut, err error) {
	limit := 1000
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > 1000 {
		return out, errValue(limit, "MaxResults", "Must be between 1 and 1000, if provided.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := ""
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if name <= in.NextToken || !strings.HasPrefix(name, in.QueueNamePrefix) {
			continue
		}
		if len(out.QueueURLs) == limit {
			if in.MaxResults != nil {
				out.NextToken = last
			}
			break
		}
		out.QueueURLs, last = append(out.QueueURLs, queueURL(r, name)), name
	}
	return out, nil
}
