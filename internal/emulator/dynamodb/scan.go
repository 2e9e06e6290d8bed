package dynamodb

type scanInput struct {
	searchInput
	Segment       *int
	TotalSegments *int
}

// maxSegments is the greatest TotalSegments.
const maxSegments = 1_000_000

// scan is the operation Scan, of all rows or of one segment of them.
func (s *service) scan(in scanInput) (searchOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	q, err := s.search(in.searchInput)
	if err != nil {
		return searchOutput{}, err
	}
	if err := q.names.refuseUnused(); err != nil {
		return searchOutput{}, err
	}
	from, to := 0, q.rows.len()
	if (in.Segment == nil) != (in.TotalSegments == nil) {
		return searchOutput{}, invalid("The Segment and TotalSegments parameters are required together")
	}
	if in.Segment != nil {
		number, total := *in.Segment, *in.TotalSegments
		if total < 1 || total > maxSegments || number < 0 || number >= total {
			return searchOutput{}, invalid("The Segment parameter is zero-based and must be less than parameter "+
				"TotalSegments, which is at most %d", maxSegments)
		}
		start, end := segment(uint64(number), uint64(total))
		from = q.rows.search(start)
		if end != "" {
			to = q.rows.search(end)
		}
	}
	if in.ExclusiveStartKey != nil {
		start, err := q.startPosition(in.ExclusiveStartKey)
		if err != nil {
			return searchOutput{}, err
		}
		from = max(from, q.rows.after(start))
	}
	return q.page(from, max(from, to), true), nil
}
