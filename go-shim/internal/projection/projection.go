// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package projection writes the part of a batch of spans that the loaded rules read, as plain OTLP.
//
// A rule set reads a handful of attributes, so encoding whole batches would cost more than evaluating them. What is
// written is always a valid TracesData message: nested lengths are varints of fixed width, patched once the content is
// there. In the steady state nothing is allocated.
package projection // import "github.com/fluo-otel/fluo/go-shim/internal/projection"

import (
	"encoding/binary"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// OwnScope is the instrumentation scope of what Fluo itself emits. Its spans are never evaluated, so that two Fluo
// components in a row do not feed on each other.
const OwnScope = "github.com/fluo-otel/fluo"

// Projection is what the rules read, ready for encoding. It is immutable.
type Projection struct {
	epoch                              uint64
	span, resource, scope, event, link *keySet
	scopeName, events, links           bool
	statusMessage, dropped             bool
}

// New prepares a projection as read from the engine.
func New(p engine.Projection) *Projection {
	return &Projection{
		epoch:         p.Epoch,
		span:          newKeySet(p.Span.All, p.Span.Keys),
		resource:      newKeySet(p.Resource.All, p.Resource.Keys),
		scope:         newKeySet(p.Scope.All, p.Scope.Keys),
		event:         newKeySet(p.Event.All, p.Event.Keys),
		link:          newKeySet(p.Link.All, p.Link.Keys),
		scopeName:     p.Scope.Name,
		events:        p.Event.Carry,
		links:         p.Link.Carry,
		statusMessage: p.StatusMessage,
		dropped:       p.Dropped,
	}
}

// Epoch names this projection to the engine.
func (p *Projection) Epoch() uint64 { return p.epoch }

// Buffer holds one encoded message.
type Buffer struct{ data []byte }

// Bytes is the message, valid until Release.
func (b *Buffer) Bytes() []byte { return b.data }

// maxPooled keeps one enormous batch from pinning its buffer for good.
const maxPooled = 16 << 20

var pool = sync.Pool{New: func() any { return &Buffer{data: make([]byte, 0, 64<<10)} }}

// Release gives the buffer back.
func (b *Buffer) Release() {
	if cap(b.data) <= maxPooled {
		b.data = b.data[:0]
		pool.Put(b)
	}
}

// Encode writes the batch into a pooled buffer. The batch is only read.
func (p *Projection) Encode(td ptrace.Traces) *Buffer {
	b := pool.Get().(*Buffer)
	b.data = p.Append(b.data[:0], td)
	return b
}

// Fields of TracesData, ResourceSpans, ScopeSpans, Resource, InstrumentationScope, Span, Event, Link and Status.
const (
	tagResourceSpans = 1<<3 | lenType

	tagResource   = 1<<3 | lenType
	tagScopeSpans = 2<<3 | lenType

	tagResourceAttr    = 1<<3 | lenType
	tagResourceDropped = 2<<3 | varint

	tagScope        = 1<<3 | lenType
	tagScopeName    = 1<<3 | lenType
	tagScopeAttr    = 3<<3 | lenType
	tagScopeDropped = 4<<3 | varint

	tagSpan             = 2<<3 | lenType
	tagTraceID          = 1<<3 | lenType
	tagSpanID           = 2<<3 | lenType
	tagParentID         = 4<<3 | lenType
	tagName             = 5<<3 | lenType
	tagKind             = 6<<3 | varint
	tagStart            = 7<<3 | fixed64
	tagEnd              = 8<<3 | fixed64
	tagSpanAttr         = 9<<3 | lenType
	tagSpanAttrDropped  = 10<<3 | varint
	tagEvent            = 11<<3 | lenType
	tagEventsDropped    = 12<<3 | varint
	tagLink             = 13<<3 | lenType
	tagLinksDropped     = 14<<3 | varint
	tagStatus           = 15<<3 | lenType
	tagEventTime        = 1<<3 | fixed64
	tagEventName        = 2<<3 | lenType
	tagEventAttr        = 3<<3 | lenType
	tagEventAttrDropped = 4<<3 | varint
	tagLinkTraceID      = 1<<3 | lenType
	tagLinkSpanID       = 2<<3 | lenType
	tagLinkAttr         = 4<<3 | lenType
	tagLinkAttrDropped  = 5<<3 | varint
	tagStatusMessage    = 2<<3 | lenType
	tagStatusCode       = 3<<3 | varint
	tagFlags            = 16<<3 | fixed32 // the one tag of two bytes
)

// Append writes the batch behind dst.
func (p *Projection) Append(dst []byte, td ptrace.Traces) []byte {
	b := dst
	for _, rs := range td.ResourceSpans().All() {
		var frame int
		before := len(b)
		b, frame = open(b, tagResourceSpans)
		b = p.appendResource(b, rs.Resource())
		empty := true
		for _, ss := range rs.ScopeSpans().All() {
			if ss.Spans().Len() == 0 || ss.Scope().Name() == OwnScope {
				continue
			}
			empty = false
			b = p.appendScopeSpans(b, ss)
		}
		if empty {
			b = b[:before]
			continue
		}
		b = closeAt(b, frame)
	}
	return b
}

func (p *Projection) appendResource(b []byte, r pcommon.Resource) []byte {
	b, at := open(b, tagResource)
	b = appendAttributes(b, tagResourceAttr, p.resource, r.Attributes())
	if p.dropped {
		b = appendCount(b, tagResourceDropped, r.DroppedAttributesCount())
	}
	return closeAt(b, at)
}

func (p *Projection) appendScopeSpans(b []byte, ss ptrace.ScopeSpans) []byte {
	b, frame := open(b, tagScopeSpans)
	if p.scopeName || p.dropped || !p.scope.empty() {
		b = p.appendScope(b, ss.Scope())
	}
	spans := ss.Spans()
	for i := range spans.Len() {
		b = p.appendSpan(b, spans.At(i))
	}
	return closeAt(b, frame)
}

func (p *Projection) appendScope(b []byte, s pcommon.InstrumentationScope) []byte {
	b, at := open(b, tagScope)
	if name := s.Name(); p.scopeName && name != "" {
		b = appendString(b, tagScopeName, name)
	}
	b = appendAttributes(b, tagScopeAttr, p.scope, s.Attributes())
	if p.dropped {
		b = appendCount(b, tagScopeDropped, s.DroppedAttributesCount())
	}
	return closeAt(b, at)
}

func (p *Projection) appendSpan(b []byte, s ptrace.Span) []byte {
	b, at := open(b, tagSpan)
	b = appendHead(b, s)
	b = appendAttributes(b, tagSpanAttr, p.span, s.Attributes())
	if p.events {
		for _, e := range s.Events().All() {
			b = p.appendEvent(b, e)
		}
	}
	if p.links {
		for _, l := range s.Links().All() {
			b = p.appendLink(b, l)
		}
	}
	if p.dropped {
		b = appendCount(b, tagSpanAttrDropped, s.DroppedAttributesCount())
		b = appendCount(b, tagEventsDropped, s.DroppedEventsCount())
		b = appendCount(b, tagLinksDropped, s.DroppedLinksCount())
	}
	b = p.appendStatus(b, s.Status())
	if flags := s.Flags(); flags != 0 {
		b = binary.LittleEndian.AppendUint32(appendVarint(b, tagFlags), flags)
	}
	return closeAt(b, at)
}

// appendHead writes what every projection carries, except for the status and the flags.
func appendHead(b []byte, s ptrace.Span) []byte {
	b, ids := extend(b, 2+16+2+8)
	ids[0], ids[1] = tagTraceID, 16
	*(*[16]byte)(ids[2:]) = s.TraceID()
	ids[18], ids[19] = tagSpanID, 8
	*(*[8]byte)(ids[20:]) = s.SpanID()
	if id := s.ParentSpanID(); !id.IsEmpty() {
		var parent []byte
		b, parent = extend(b, 2+8)
		parent[0], parent[1] = tagParentID, 8
		*(*[8]byte)(parent[2:]) = id
	}
	b = appendString(b, tagName, s.Name())
	if kind := s.Kind(); kind != 0 {
		b = appendVarint(append(b, tagKind), uint64(kind))
	}
	b, times := extend(b, 1+8+1+8)
	times[0], times[9] = tagStart, tagEnd
	binary.LittleEndian.PutUint64(times[1:], uint64(s.StartTimestamp()))
	binary.LittleEndian.PutUint64(times[10:], uint64(s.EndTimestamp()))
	return b
}

func (p *Projection) appendStatus(b []byte, s ptrace.Status) []byte {
	message := ""
	if p.statusMessage {
		message = s.Message()
	}
	code := s.Code()
	if message == "" {
		if code != 0 {
			n := 1 + varintSize(uint64(code))
			b = appendVarint(append(b, tagStatus, byte(n), tagStatusCode), uint64(code))
		}
		return b
	}
	b, at := open(b, tagStatus)
	b = appendString(b, tagStatusMessage, message)
	if code != 0 {
		b = appendVarint(append(b, tagStatusCode), uint64(code))
	}
	return closeAt(b, at)
}

func (p *Projection) appendEvent(b []byte, e ptrace.SpanEvent) []byte {
	b, at := open(b, tagEvent)
	if t := e.Timestamp(); t != 0 {
		b = appendFixed64(b, tagEventTime, uint64(t))
	}
	if name := e.Name(); name != "" {
		b = appendString(b, tagEventName, name)
	}
	b = appendAttributes(b, tagEventAttr, p.event, e.Attributes())
	if p.dropped {
		b = appendCount(b, tagEventAttrDropped, e.DroppedAttributesCount())
	}
	return closeAt(b, at)
}

func (p *Projection) appendLink(b []byte, l ptrace.SpanLink) []byte {
	b, at := open(b, tagLink)
	if id := l.TraceID(); !id.IsEmpty() {
		b = append(append(b, tagLinkTraceID, 16), id[:]...)
	}
	if id := l.SpanID(); !id.IsEmpty() {
		b = append(append(b, tagLinkSpanID, 8), id[:]...)
	}
	b = appendAttributes(b, tagLinkAttr, p.link, l.Attributes())
	if p.dropped {
		b = appendCount(b, tagLinkAttrDropped, l.DroppedAttributesCount())
	}
	return closeAt(b, at)
}

func appendAttributes(b []byte, tag byte, keys *keySet, attrs pcommon.Map) []byte {
	if keys.empty() {
		return b
	}
	for k, v := range attrs.All() {
		if keys.all || keys.has(k) {
			b = appendKeyValue(b, tag, k, v)
		}
	}
	return b
}
