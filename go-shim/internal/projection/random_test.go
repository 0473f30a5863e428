// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"fmt"
	"math/rand/v2"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// allKeys are the attribute keys of random spans. Some agree in length, first and last byte.
var allKeys = []string{
	"", "a", "ab", "http.status_code", "http.response.status_code", "http.request.method", "http.request.marked",
	"db.query.text", "service.name", "service.instance.id", "host.name", "order.id", "ordep.id", "enduser.id", "ключ",
	"a.very.long.key.that.fills.more.than.a.hundred.and.twenty.seven.bytes.so.that.its.length.takes.two.bytes.on.the.wire.of.protobuf.messages",
}

type randomizer struct{ *rand.Rand }

func (r randomizer) chance(p float64) bool { return r.Float64() < p }

func (r randomizer) text() string {
	if r.chance(0.1) {
		return ""
	}
	b := make([]byte, r.IntN(200))
	for i := range b {
		b[i] = 'a' + byte(r.IntN(26))
	}
	return string(b)
}

func (r randomizer) value(v pcommon.Value, depth int) {
	switch k := r.IntN(8); {
	case k == 0:
		v.SetStr(r.text())
	case k == 1:
		v.SetBool(r.chance(0.5))
	case k == 2:
		v.SetInt(int64(r.Uint64() >> r.IntN(64)))
	case k == 3:
		v.SetDouble(r.NormFloat64())
	case k == 4:
		v.SetEmptyBytes().FromRaw([]byte(r.text()))
	case k == 5 && depth > 0:
		list := v.SetEmptySlice()
		for range r.IntN(4) {
			r.value(list.AppendEmpty(), depth-1)
		}
	case k == 6 && depth > 0:
		m := v.SetEmptyMap()
		for i := range r.IntN(4) {
			r.value(m.PutEmpty(fmt.Sprint("k", i)), depth-1)
		}
	default: // an attribute without a value
	}
}

func (r randomizer) attributes(m pcommon.Map) {
	for _, i := range r.Perm(len(allKeys))[:r.IntN(len(allKeys)+1)] {
		r.value(m.PutEmpty(allKeys[i]), 3)
	}
}

func (r randomizer) traceID() (id pcommon.TraceID) {
	if r.chance(0.95) {
		for i := range id {
			id[i] = byte(r.Uint32())
		}
	}
	return id
}

func (r randomizer) spanID() (id pcommon.SpanID) {
	if r.chance(0.8) {
		for i := range id {
			id[i] = byte(r.Uint32())
		}
	}
	return id
}

func (r randomizer) count() uint32 {
	if r.chance(0.5) {
		return 0
	}
	return r.Uint32() >> r.IntN(32)
}

func (r randomizer) time() pcommon.Timestamp {
	if r.chance(0.1) {
		return 0
	}
	return pcommon.Timestamp(r.Uint64())
}

func (r randomizer) traces() ptrace.Traces {
	td := ptrace.NewTraces()
	for range r.IntN(4) {
		rs := td.ResourceSpans().AppendEmpty()
		rs.SetSchemaUrl(r.text())
		r.attributes(rs.Resource().Attributes())
		rs.Resource().SetDroppedAttributesCount(r.count())
		for range r.IntN(4) {
			ss := rs.ScopeSpans().AppendEmpty()
			ss.SetSchemaUrl(r.text())
			ss.Scope().SetName(r.text())
			if r.chance(0.2) {
				ss.Scope().SetName(OwnScope)
			}
			ss.Scope().SetVersion(r.text())
			r.attributes(ss.Scope().Attributes())
			ss.Scope().SetDroppedAttributesCount(r.count())
			for range r.IntN(5) {
				r.span(ss.Spans().AppendEmpty())
			}
		}
	}
	return td
}

func (r randomizer) span(s ptrace.Span) {
	s.SetTraceID(r.traceID())
	s.SetSpanID(r.spanID())
	s.SetParentSpanID(r.spanID())
	s.TraceState().FromRaw(r.text())
	s.SetName(r.text())
	s.SetKind(ptrace.SpanKind(r.IntN(7)))
	s.SetStartTimestamp(r.time())
	s.SetEndTimestamp(r.time())
	s.SetFlags(r.count())
	s.Status().SetCode(ptrace.StatusCode(r.IntN(3)))
	s.Status().SetMessage(r.text())
	r.attributes(s.Attributes())
	s.SetDroppedAttributesCount(r.count())
	s.SetDroppedEventsCount(r.count())
	s.SetDroppedLinksCount(r.count())
	for range r.IntN(3) {
		e := s.Events().AppendEmpty()
		e.SetName(r.text())
		e.SetTimestamp(r.time())
		r.attributes(e.Attributes())
		e.SetDroppedAttributesCount(r.count())
	}
	for range r.IntN(3) {
		l := s.Links().AppendEmpty()
		l.SetTraceID(r.traceID())
		l.SetSpanID(r.spanID())
		l.TraceState().FromRaw(r.text())
		l.SetFlags(r.count())
		r.attributes(l.Attributes())
		l.SetDroppedAttributesCount(r.count())
	}
}

func (r randomizer) keys() []string {
	var keys []string
	for _, k := range allKeys {
		if r.chance(0.3) {
			keys = append(keys, k)
		}
	}
	return keys
}

func (r randomizer) projection() engine.Projection {
	return engine.Projection{
		Epoch:         1,
		Span:          engine.Keys{All: r.chance(0.2), Keys: r.keys()},
		Resource:      engine.Keys{All: r.chance(0.2), Keys: r.keys()},
		Scope:         engine.ScopeKeys{Name: r.chance(0.5), All: r.chance(0.2), Keys: r.keys()},
		Event:         engine.ListKeys{Carry: r.chance(0.5), All: r.chance(0.2), Keys: r.keys()},
		Link:          engine.ListKeys{Carry: r.chance(0.5), All: r.chance(0.2), Keys: r.keys()},
		StatusMessage: r.chance(0.5),
		Dropped:       r.chance(0.5),
	}
}
