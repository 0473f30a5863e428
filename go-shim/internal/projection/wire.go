// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package projection // import "github.com/fluo-otel/fluo/go-shim/internal/projection"

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Wire types of protobuf.
const (
	varint  = 0
	fixed64 = 1
	lenType = 2
	fixed32 = 5
)

// lengthWidth is the width that is left for the length of a nested message while its content is not written yet. A
// varint may be padded with continuation bits, so the length is patched in afterwards and nothing is sized or moved.
const lengthWidth = 4

// open starts a nested message. It returns the position of its first byte.
func open(b []byte, tag byte) ([]byte, int) {
	b = append(b, tag, 0x80, 0x80, 0x80, 0)
	return b, len(b)
}

// closeAt ends the nested message that starts at start.
func closeAt(b []byte, start int) []byte {
	n := len(b) - start
	if n >= 1<<(7*lengthWidth) {
		return closeHuge(b, start)
	}
	l := b[start-lengthWidth : start]
	l[0] = byte(n) | 0x80
	l[1] = byte(n>>7) | 0x80
	l[2] = byte(n>>14) | 0x80
	l[3] = byte(n >> 21)
	return b
}

// closeHuge makes room for a length that needs more than lengthWidth bytes.
func closeHuge(b []byte, start int) []byte {
	n := uint64(len(b) - start)
	extra := varintSize(n) - lengthWidth
	for range extra {
		b = append(b, 0)
	}
	copy(b[start+extra:], b[start:len(b)-extra])
	binary.PutUvarint(b[start-lengthWidth:], n)
	return b
}

// extend makes b longer by n bytes, which the caller fills.
func extend(b []byte, n int) (longer, added []byte) {
	at := len(b)
	if cap(b)-at < n {
		b = slices.Grow(b, n)
	}
	b = b[:at+n]
	return b, b[at:]
}

func varintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

func appendVarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendString(b []byte, tag byte, s string) []byte {
	b = append(b, tag)
	b = appendVarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendFixed64(b []byte, tag byte, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, tag), v)
}

// appendCount writes a varint field that is left out where it is zero.
func appendCount(b []byte, tag byte, v uint32) []byte {
	if v == 0 {
		return b
	}
	return appendVarint(append(b, tag), uint64(v))
}

// Fields of KeyValue and AnyValue.
const (
	tagKey    = 1<<3 | lenType
	tagValue  = 2<<3 | lenType
	tagStr    = 1<<3 | lenType
	tagBool   = 2<<3 | varint
	tagInt    = 3<<3 | varint
	tagDouble = 4<<3 | fixed64
	tagArray  = 5<<3 | lenType
	tagKvlist = 6<<3 | lenType
	tagBytes  = 7<<3 | lenType
	tagItem   = 1<<3 | lenType // ArrayValue.values, KeyValueList.values
)

// appendKeyValue writes one attribute as the field tag of its parent.
func appendKeyValue(b []byte, tag byte, key string, v pcommon.Value) []byte {
	// Nearly all attributes are short strings, whose lengths take one byte each.
	if v.Type() == pcommon.ValueTypeStr {
		text := v.Str()
		if n := len(key) + len(text) + 6; n < 0x80 {
			var kv []byte
			b, kv = extend(b, 2+n)
			kv[0], kv[1], kv[2], kv[3] = tag, byte(n), tagKey, byte(len(key))
			rest := kv[4+copy(kv[4:], key):]
			rest[0], rest[1], rest[2], rest[3] = tagValue, byte(len(text)+2), tagStr, byte(len(text))
			copy(rest[4:], text)
			return b
		}
	}
	size, flat := flatSize(v)
	if !flat {
		b, kv := open(b, tag)
		b = appendString(b, tagKey, key)
		b = appendNested(b, tagValue, v)
		return closeAt(b, kv)
	}
	n := 1 + varintSize(uint64(len(key))) + len(key) + 1 + varintSize(uint64(size)) + size
	b = appendVarint(append(b, tag), uint64(n))
	b = appendString(b, tagKey, key)
	b = appendVarint(append(b, tagValue), uint64(size))
	return appendFlat(b, v)
}

// flatSize is the size of an AnyValue that nests nothing.
func flatSize(v pcommon.Value) (size int, flat bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		n := len(v.Str())
		return 1 + varintSize(uint64(n)) + n, true
	case pcommon.ValueTypeInt:
		return 1 + varintSize(uint64(v.Int())), true
	case pcommon.ValueTypeDouble:
		return 9, true
	case pcommon.ValueTypeBool:
		return 2, true
	case pcommon.ValueTypeBytes:
		n := v.Bytes().Len()
		return 1 + varintSize(uint64(n)) + n, true
	case pcommon.ValueTypeSlice, pcommon.ValueTypeMap:
		return 0, false
	}
	return 0, true
}

func appendFlat(b []byte, v pcommon.Value) []byte {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return appendString(b, tagStr, v.Str())
	case pcommon.ValueTypeInt:
		return appendVarint(append(b, tagInt), uint64(v.Int()))
	case pcommon.ValueTypeDouble:
		return appendFixed64(b, tagDouble, math.Float64bits(v.Double()))
	case pcommon.ValueTypeBool:
		if v.Bool() {
			return append(b, tagBool, 1)
		}
		return append(b, tagBool, 0)
	case pcommon.ValueTypeBytes:
		raw := v.Bytes()
		b = appendVarint(append(b, tagBytes), uint64(raw.Len()))
		for i := range raw.Len() { // AsRaw would copy
			b = append(b, raw.At(i))
		}
	}
	return b
}

// appendNested writes any AnyValue as the field tag of its parent.
func appendNested(b []byte, tag byte, v pcommon.Value) []byte {
	b, value := open(b, tag)
	switch v.Type() {
	case pcommon.ValueTypeSlice:
		var list int
		b, list = open(b, tagArray)
		for _, item := range v.Slice().All() {
			b = appendNested(b, tagItem, item)
		}
		b = closeAt(b, list)
	case pcommon.ValueTypeMap:
		var list int
		b, list = open(b, tagKvlist)
		for k, item := range v.Map().All() {
			b = appendKeyValue(b, tagItem, k, item)
		}
		b = closeAt(b, list)
	default:
		b = appendFlat(b, v)
	}
	return closeAt(b, value)
}
