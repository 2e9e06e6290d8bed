package dynamodb

type scanInput struct {
	searchInput
	Segment       *int
	TotalSegments *int
}

// maxSegments is the greatest TotalSegments.
const maxSegments = 1_000_000

func (s *Server) scan(in scanInput) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	q, err := s.search(in.searchInput)
	if err != nil {
		return nil, err
	}
	if err := q.place.finish(); err != nil {
		return nil, err
	}
	from, to := 0, len(q.rows)
	if (in.Segment == nil) != (in.TotalSegments == nil) {
		return nil, invalid("The Segment and TotalSegments parameters are required together")
	}
	if in.Segment != nil {
		number, total := *in.Segment, *in.TotalSegments
		if total < 1 || total > maxSegments || number < 0 || number >= total {
			return nil, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments, which is at most %d", maxSegments)
		}
		start, end := segment(uint64(number), uint64(total))
		from, _ = q.rows.search(start)
		if end != "" {
			to, _ = q.rows.search(end)
		}
	}
	if in.ExclusiveStartKey != nil {
		start, err := q.start(in.ExclusiveStartKey)
		if err != nil {
			return nil, err
		}
		from = max(from, q.rows.after(start))
	}
	return q.page(from, max(from, to), true), nil
}
