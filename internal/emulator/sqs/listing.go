package sqs

import (
	"maps"
	"slices"
	"strings"
)

type listQueuesIn struct {
	QueueNamePrefix, NextToken string
	MaxResults                 *int
}

type listQueuesOut struct {
	QueueURLs []string `json:"QueueUrls,omitempty"`
	NextToken string   `json:",omitempty"`
}

func (s *Server) listQueues(c *call, in listQueuesIn) (listQueuesOut, error) {
	s.lock()
	defer s.mu.Unlock()
	urls, next, err := s.page(c, in.NextToken, in.MaxResults, func(q *queue) bool {
		return strings.HasPrefix(q.name, in.QueueNamePrefix)
	})
	return listQueuesOut{urls, next}, err
}

type listSourcesIn struct {
	QueueURL   string `json:"QueueUrl"`
	NextToken  string
	MaxResults *int
}

type listSourcesOut struct {
	QueueURLs []string `json:"queueUrls"`
	NextToken string   `json:",omitempty"`
}

func (s *Server) listDeadLetterSourceQueues(c *call, in listSourcesIn) (listSourcesOut, error) {
	s.lock()
	defer s.mu.Unlock()
	target, err := s.find(in.QueueURL)
	if err != nil {
		return listSourcesOut{}, err
	}
	urls, next, err := s.page(c, in.NextToken, in.MaxResults, func(q *queue) bool { return q.feeds(target) })
	return listSourcesOut{urls, next}, err
}

// feeds tells whether the target is q's dead letter queue.
func (q *queue) feeds(target *queue) bool {
	return q.settings.redrive != nil && q.settings.redrive.target == target.arn
}

// page lists the URLs of the queues that are wanted, by name. Its token is the
// last name of the page before; one is given only to callers who set a maximum,
// as SQS does.
func (s *Server) page(c *call, token string, most *int, want func(*queue) bool) (urls []string, next string, err error) {
	limit := 1000
	if most != nil {
		if *most < 1 || *most > 1000 {
			return nil, "", errRange(*most, "MaxResults", "Must be between 1 and 1000, if provided.")
		}
		limit = *most
	}
	urls = []string{}
	last := ""
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if name <= token && token != "" || !want(s.queues[name]) {
			continue
		}
		if len(urls) == limit {
			if most == nil {
				last = ""
			}
			return urls, last, nil
		}
		urls, last = append(urls, c.url(s.queues[name])), name
	}
	return urls, "", nil
}
