// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// reduce is the specification: the same batch with everything taken out that the projection does not name.
func reduce(p engine.Projection, td ptrace.Traces) ptrace.Traces {
	out := ptrace.NewTraces()
	td.CopyTo(out)
	out.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		rs.SetSchemaUrl("")
		keep(rs.Resource().Attributes(), p.Resource.All, p.Resource.Keys)
		if !p.Dropped {
			rs.Resource().SetDroppedAttributesCount(0)
		}
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			if ss.Spans().Len() == 0 || ss.Scope().Name() == OwnScope {
				return true
			}
			ss.SetSchemaUrl("")
			ss.Scope().SetVersion("")
			keep(ss.Scope().Attributes(), p.Scope.All, p.Scope.Keys)
			if !p.Scope.Name {
				ss.Scope().SetName("")
			}
			if !p.Dropped {
				ss.Scope().SetDroppedAttributesCount(0)
			}
			for _, s := range ss.Spans().All() {
				reduceSpan(p, s)
			}
			return false
		})
		return rs.ScopeSpans().Len() == 0
	})
	return out
}

func reduceSpan(p engine.Projection, s ptrace.Span) {
	s.TraceState().FromRaw("")
	keep(s.Attributes(), p.Span.All, p.Span.Keys)
	if !p.StatusMessage {
		s.Status().SetMessage("")
	}
	if !p.Dropped {
		s.SetDroppedAttributesCount(0)
		s.SetDroppedEventsCount(0)
		s.SetDroppedLinksCount(0)
	}
	s.Events().RemoveIf(func(e ptrace.SpanEvent) bool {
		keep(e.Attributes(), p.Event.All, p.Event.Keys)
		if !p.Dropped {
			e.SetDroppedAttributesCount(0)
		}
		return !p.Event.Carry
	})
	s.Links().RemoveIf(func(l ptrace.SpanLink) bool {
		l.TraceState().FromRaw("")
		l.SetFlags(0)
		keep(l.Attributes(), p.Link.All, p.Link.Keys)
		if !p.Dropped {
			l.SetDroppedAttributesCount(0)
		}
		return !p.Link.Carry
	})
}

func keep(m pcommon.Map, all bool, keys []string) {
	m.RemoveIf(func(k string, _ pcommon.Value) bool { return !all && !slices.Contains(keys, k) })
}

// TestProjectedMessageIsTheReducedBatch compares the encoding of the same message by both encoders, so it sees every
// field, and by pdata's reader, so the padded lengths are read by someone else than their writer.
func TestProjectedMessageIsTheReducedBatch(t *testing.T) {
	for seed := range uint64(2000) {
		r := randomizer{rand.New(rand.NewPCG(seed, 1))}
		td, p := r.traces(), r.projection()
		td.MarkReadOnly()

		got, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(New(p).Append(nil, td))
		require.NoError(t, err, "seed %d", seed)
		want := reduce(p, td)
		var m ptrace.ProtoMarshaler
		gotBytes, err := m.MarshalTraces(got)
		require.NoError(t, err)
		wantBytes, err := m.MarshalTraces(want)
		require.NoError(t, err)
		if !bytes.Equal(wantBytes, gotBytes) {
			var j ptrace.JSONMarshaler
			g, _ := j.MarshalTraces(got)
			w, _ := j.MarshalTraces(want)
			require.Equal(t, string(w), string(g), "seed %d", seed)
			require.Fail(t, "the messages differ", "seed %d", seed)
		}
	}
}

func TestProjectedMessageHoldsNoKeyThatNoRuleReads(t *testing.T) {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "carried-service")
	rs.Resource().Attributes().PutStr("secret.resource", "secret-value")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("secret-scope")
	ss.Scope().Attributes().PutStr("secret.scope", "secret-value")
	s := ss.Spans().AppendEmpty()
	s.SetName("carried-name")
	s.TraceState().FromRaw("secret-state")
	s.Status().SetMessage("secret-status")
	s.Attributes().PutStr("order.id", "carried-order")
	s.Attributes().PutStr("secret.span", "secret-value")
	s.Events().AppendEmpty().SetName("secret-event")
	s.Links().AppendEmpty().TraceState().FromRaw("secret-link")

	got := string(New(engine.Projection{
		Span:     engine.Keys{Keys: []string{"order.id"}},
		Resource: engine.Keys{Keys: []string{"service.name"}},
	}).Append(nil, td))
	assert.Equal(t, 3, strings.Count(got, "carried"))
	assert.NotContains(t, got, "secret")
}

func TestSpansOfOurOwnScopeAreNotWritten(t *testing.T) {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	ss.Scope().SetName(OwnScope)
	ss.Spans().AppendEmpty().SetName("fluo.violation")
	assert.Empty(t, New(engine.Projection{Span: engine.Keys{All: true}}).Append(nil, td))
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	r := randomizer{rand.New(rand.NewPCG(7, 7))}
	td, p := r.traces(), New(r.projection())
	assert.Equal(t, append([]byte("head"), p.Append(nil, td)...), p.Append([]byte("head"), td))
}

func TestLengthsBeyondTheirUsualWidth(t *testing.T) {
	const huge = 1 << (7 * lengthWidth)
	body := bytes.Repeat([]byte{'x'}, huge+5)
	b, at := open([]byte{1, 2, 3}, tagSpan)
	b = closeAt(append(b, body...), at)
	assert.Equal(t, []byte{1, 2, 3}, b[:3])
	b = b[4:] // the tag
	want := appendVarint(nil, uint64(len(body)))
	assert.Equal(t, want, b[:len(want)])
	assert.True(t, bytes.Equal(body, b[len(want):]))
}

func TestEncodeReusesItsBuffer(t *testing.T) {
	td := benchTraces(100)
	for _, p := range []*Projection{New(projectionOf(4)), New(projectionOf(16)), New(everything)} {
		p.Encode(td).Release()
		assert.Zero(t, testing.AllocsPerRun(200, func() { p.Encode(td).Release() }))
	}
}
