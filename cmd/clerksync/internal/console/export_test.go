package console

// Patterns are those of all routes, as http.ServeMux has them.
func (c *Console) Patterns() (patterns []string) {
	for _, r := range c.routes() {
		patterns = append(patterns, r.pattern)
	}
	return patterns
}
