// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package traffic is the spans that every side of the benchmark is fed with.
package traffic // import "github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/question"
)

// Traffic is a list of OTLP requests that is sent round after round, each round with trace ids of its own.
type Traffic struct {
	// Name of the traffic in tables.
	Name string
	// Spans and Traces of one round.
	Spans, Traces int
	// Bytes of one round on the wire.
	Bytes int
	// Pairs of service and name that occur, sorted.
	Pairs []question.Pair
	// Asked is the question about this traffic.
	Asked question.Rule

	requests []request
	traces   map[pcommon.TraceID][]located
}

// request is one OTLP request, encoded: so the garbage collector has nothing to look at in what waits to be sent.
type request struct {
	data []byte
	// newest is when the last span of the recording ended that the request belongs to.
	newest pcommon.Timestamp
}

type located struct {
	service string
	span    ptrace.Span
}

// encode makes traffic of recordings.
func encode(name string, recordings ...[]ptrace.Traces) (*Traffic, error) {
	t := &Traffic{Name: name, traces: map[pcommon.TraceID][]located{}}
	pairs := map[question.Pair]struct{}{}
	for _, recording := range recordings {
		var newest pcommon.Timestamp
		for _, td := range recording {
			each(td, func(_ string, s ptrace.Span) { newest = max(newest, s.EndTimestamp()) })
		}
		for _, td := range recording {
			data, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
			if err != nil {
				return nil, err
			}
			t.requests = append(t.requests, request{data: data, newest: newest})
			t.Bytes += len(data)
			each(td, func(service string, s ptrace.Span) {
				t.Spans++
				t.traces[s.TraceID()] = append(t.traces[s.TraceID()], located{service, s})
				pairs[question.Pair{Service: service, Span: s.Name()}] = struct{}{}
			})
		}
	}
	t.Traces = len(t.traces)
	for p := range pairs {
		t.Pairs = append(t.Pairs, p)
	}
	slices.SortFunc(t.Pairs, func(a, b question.Pair) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Span, b.Span))
	})
	forms := question.Main()
	t.Asked = forms[0]
	for _, form := range forms {
		if len(t.Answer([]question.Rule{form})) > 0 {
			t.Asked = form
			break
		}
	}
	return t, nil
}

func each(td ptrace.Traces, f func(service string, s ptrace.Span)) {
	for _, rs := range td.ResourceSpans().All() {
		service := ""
		if v, ok := rs.Resource().Attributes().Get("service.name"); ok {
			service = v.AsString()
		}
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				f(service, s)
			}
		}
	}
}

// Requests is how many requests a round has.
func (t *Traffic) Requests() int { return len(t.requests) }

// Request decodes request i of a round: its traces are those of this round, and the newest span of the round ends now.
func (t *Traffic) Request(round uint64, i int, now time.Time) (ptrace.Traces, error) {
	r := &t.requests[i]
	td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(r.data)
	if err == nil {
		Renew(td, 0, round, now.Sub(r.newest.AsTime()))
	}
	return td, err
}

// Renew makes a request of one round the same request of another, sent so much later.
func Renew(td ptrace.Traces, from, to uint64, later time.Duration) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				s.SetTraceID(renamed(s.TraceID(), from^to))
				s.SetStartTimestamp(s.StartTimestamp() + pcommon.Timestamp(later))
				s.SetEndTimestamp(s.EndTimestamp() + pcommon.Timestamp(later))
			}
		}
	}
}

// The number of the round goes into the second half of a trace id, by which tail_sampling remembers decisions.
const (
	roundHalf  = 8
	roundShift = 20
)

// renamed is the id of a trace in a round.
func renamed(id pcommon.TraceID, round uint64) pcommon.TraceID {
	binary.BigEndian.PutUint64(id[roundHalf:], binary.BigEndian.Uint64(id[roundHalf:])^round<<roundShift)
	return id
}

// Answer lists the traces of a round that some rule asks for, by the benchmark's own evaluation.
func (t *Traffic) Answer(rules []question.Rule) []pcommon.TraceID {
	var found []pcommon.TraceID
	for id, spans := range t.traces {
		any := func(c question.Condition) bool {
			return slices.ContainsFunc(spans, func(l located) bool { return c.Satisfied(l.service, l.span) })
		}
		if slices.ContainsFunc(rules, func(r question.Rule) bool { return any(r.Has) && !any(r.Lacks) }) {
			found = append(found, id)
		}
	}
	return found
}

// InRound gives the ids the names that they have in a round.
func InRound(ids []pcommon.TraceID, round uint64) []pcommon.TraceID {
	all := make([]pcommon.TraceID, len(ids))
	for i, id := range ids {
		all[i] = renamed(id, round)
	}
	return all
}
