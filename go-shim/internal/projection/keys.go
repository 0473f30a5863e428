// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package projection // import "github.com/fluo-otel/fluo/go-shim/internal/projection"

// keySet answers whether an attribute key is carried. Most keys of a span are not, so a miss has to be cheap: most are
// told by their length alone, without a look at the bytes, which lie elsewhere for each span. The others are looked up by
// length, first and last byte, and compared only with the few keys that agree in these.
type keySet struct {
	all     bool
	lengths uint64   // a bit for each length, modulo 64
	keys    []string // ordered by bucket
	bucket  [buckets + 1]uint32
}

const buckets = 256

func newKeySet(all bool, keys []string) *keySet {
	s := &keySet{all: all}
	byBucket := make([][]string, buckets)
	for _, k := range keys {
		b := bucketOf(k)
		byBucket[b] = append(byBucket[b], k)
		s.lengths |= 1 << (len(k) & 63)
	}
	for b, ks := range byBucket {
		s.keys = append(s.keys, ks...)
		s.bucket[b+1] = uint32(len(s.keys))
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
func (s *keySet) empty() bool { return !s.all && len(s.keys) == 0 }

func (s *keySet) has(key string) bool {
	if s.lengths&(1<<(len(key)&63)) == 0 {
		return s.all
	}
	return s.all || s.find(key)
}

func (s *keySet) find(key string) bool {
	b := bucketOf(key)
	for _, k := range s.keys[s.bucket[b]:s.bucket[int(b)+1]] {
		if k == key {
			return true
		}
	}
	return false
}
