// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package projection // import "github.com/fluo-otel/fluo/go-shim/internal/projection"

// keySet answers whether an attribute key is carried. Most keys of a span are not, so a miss has to be cheap: most are
// told by their length alone, without a look at the bytes, which lie elsewhere for each span. The others are looked up by
// length, first and last byte, and compared only with the few keys that agree in these.
type keySet struct {
	all     bool
	lengths uint64 // a bit for each length, modulo 64
	entries []keyEntry
	first   [256]uint32 // by bucket: where its first entry is, plus one
}

type keyEntry struct {
	key  string
	next uint32 // the next entry of the bucket, plus one
}

func newKeySet(all bool, keys []string) *keySet {
	s := &keySet{all: all}
	for _, k := range keys {
		b := bucketOf(k)
		s.entries = append(s.entries, keyEntry{k, s.first[b]})
		s.first[b] = uint32(len(s.entries))
		s.lengths |= 1 << (len(k) & 63)
	}
	return s
}

func bucketOf(key string) uint8 {
	n := len(key)
	if n == 0 {
		return 0
	}
	return uint8(n)*29 + key[0]*7 + key[n-1]
}

// empty is true where no attribute at all is carried.
func (s *keySet) empty() bool { return !s.all && len(s.entries) == 0 }

// has tells whether key is one of the keys. It does not look at all.
func (s *keySet) has(key string) bool {
	return s.lengths>>(len(key)&63)&1 != 0 && s.find(key)
}

// find stays out of line, so that has is inlined.
//
//go:noinline
func (s *keySet) find(key string) bool {
	for i := s.first[bucketOf(key)]; i != 0; {
		e := &s.entries[i-1]
		if e.key == key {
			return true
		}
		i = e.next
	}
	return false
}
