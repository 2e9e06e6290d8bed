package sqs

import "maps"

type tagQueueIn struct {
	QueueURL string `json:"QueueUrl"`
	Tags     map[string]string
}

func (s *Server) tagQueue(_ *call, in tagQueueIn) (empty, error) {
	s.lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	maps.Copy(q.tags, in.Tags)
	return empty{}, nil
}

type untagQueueIn struct {
	QueueURL string `json:"QueueUrl"`
	TagKeys  []string
}

func (s *Server) untagQueue(_ *call, in untagQueueIn) (empty, error) {
	s.lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	for _, key := range in.TagKeys {
		delete(q.tags, key)
	}
	return empty{}, nil
}

type listTagsOut struct {
	Tags map[string]string `json:",omitempty"`
}

func (s *Server) listQueueTags(_ *call, in queueIn) (listTagsOut, error) {
	s.lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueURL)
	if err != nil {
		return listTagsOut{}, err
	}
	return listTagsOut{maps.Clone(q.tags)}, nil
}
