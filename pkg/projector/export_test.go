package projector

import (
	"maps"
	"slices"
)

// FamilyNames are the names in the table of families, sorted.
func FamilyNames() []string { return slices.Sorted(maps.Keys(families())) }
