package backfill

import (
	"hash/maphash"
	"slices"

	"github.com/clerksync/clerksync/pkg/directory"
)

// keySet remembers the keys of rows by hashes of 64 bits, 8 bytes each: 80 MB for
// 10 million objects, and up to a quarter more while it grows. Of 10 million rows
// that Clerk does not have, one would be taken for listed in 5 of 10 million runs,
// and the seed is another in each.
type keySet struct {
	seed maphash.Seed
	// buckets hold the hashes by their first byte, so that no bucket is long when
	// it grows and is copied.
	buckets [256][]uint64
}

// add remembers a key. Afterwards the set must be sorted before has is called.
func (s *keySet) add(k directory.Key) {
	if s.seed == (maphash.Seed{}) {
		s.seed = maphash.MakeSeed()
	}
	h := maphash.Comparable(s.seed, k)
	s.buckets[h>>56] = append(s.buckets[h>>56], h)
}

// sort is called once, between the last add and the first has: to keep the buckets
// sorted all the time would move what is in them for each key.
func (s *keySet) sort() {
	for _, b := range s.buckets {
		slices.Sort(b)
	}
}

// has says whether the key was added.
func (s *keySet) has(k directory.Key) bool {
	if s.seed == (maphash.Seed{}) { // nothing was added
		return false
	}
	h := maphash.Comparable(s.seed, k)
	_, ok := slices.BinarySearch(s.buckets[h>>56], h)
	return ok
}
