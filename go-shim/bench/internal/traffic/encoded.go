// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package traffic // import "github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"

import (
	"encoding/binary"
	"errors"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"google.golang.org/protobuf/encoding/protowire"
)

// Encoded is one request as bytes, whose traces and times can be changed in place: that costs a sender next to nothing.
type Encoded struct {
	// Bytes are the request, valid until the next Renew.
	Bytes []byte
	// Spans of the request.
	Spans int

	newest time.Time
	ids    []field
	times  []field
}

// field is a place in the bytes and the number that stands there in the traffic as it is.
type field struct {
	at  int
	was uint64
}

// Encoded copies request i.
func (t *Traffic) Encoded(i int) (*Encoded, error) {
	r := t.requests[i]
	e := &Encoded{Bytes: append([]byte(nil), r.data...), newest: r.newest.AsTime()}
	err := e.locate(0, len(e.Bytes), requestToSpan)
	e.Spans = len(e.ids)
	return e, err
}

// Renew gives the traces the names that they have in a round; the newest span ends now.
func (e *Encoded) Renew(round uint64, now time.Time) {
	later := uint64(now.Sub(e.newest))
	for _, f := range e.ids {
		binary.BigEndian.PutUint64(e.Bytes[f.at:], f.was^round<<roundShift)
	}
	for _, f := range e.times {
		binary.LittleEndian.PutUint64(e.Bytes[f.at:], f.was+later)
	}
}

// requestToSpan are the fields that lead from a request to its spans.
var requestToSpan = []protowire.Number{1, 2, 2}

// Fields of a span.
const (
	spanTraceID = 1
	spanStart   = 7
	spanEnd     = 8
)

// locate finds the trace ids and the times in the bytes from one place to another, which are a message on the way to spans.
func (e *Encoded) locate(from, to int, way []protowire.Number) error {
	for at := from; at < to; {
		number, kind, n := protowire.ConsumeTag(e.Bytes[at:to])
		if n < 0 {
			return protowire.ParseError(n)
		}
		at += n
		size := protowire.ConsumeFieldValue(number, kind, e.Bytes[at:to])
		if size < 0 {
			return protowire.ParseError(size)
		}
		switch {
		case len(way) > 0 && number == way[0] && kind == protowire.BytesType:
			inner, head := protowire.ConsumeBytes(e.Bytes[at:to])
			if err := e.locate(at+head-len(inner), at+head, way[1:]); err != nil {
				return err
			}
		case len(way) == 0 && number == spanTraceID:
			if size != 1+len(pcommon.TraceID{}) {
				return errors.New("a trace id is not as long as it must be")
			}
			id := at + 1 + roundHalf
			e.ids = append(e.ids, field{id, binary.BigEndian.Uint64(e.Bytes[id:])})
		case len(way) == 0 && (number == spanStart || number == spanEnd):
			e.times = append(e.times, field{at, binary.LittleEndian.Uint64(e.Bytes[at:])})
		}
		at += size
	}
	return nil
}
