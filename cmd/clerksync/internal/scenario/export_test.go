package scenario

// Move moves a time as a story does whose events are of the given times.
func Move(at, last int64, marks ...int64) int64 { return timeline{marks, last}.move(at) }
