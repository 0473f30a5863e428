// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package projection

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// predicates read every part of a span that a rule can read. %q is an attribute key.
var predicates = []string{
	"exists(attr(%q))",
	"attr(%q) contains 'a'",
	"exists(span.attr(%q)) and not exists(resource.attr(%[1]q))",
	"resource.attr(%q) == true",
	"exists(scope.attr(%q))",
	"event('*', exists(attr(%q)))",
	"link(exists(attr(%q)))",
	"missing(attr(%q)) and kind == server",
	"attr(%q) > 0.5",
	"scope_name contains 'e' or exists(attr(%q))",
	"status_message contains 'x' and exists(attr(%q))",
	"status == error and attr(%q) != 'nothing'",
	"attr('*') contains 'abc' or exists(attr(%q))",
}

// related makes spans of a few traces with parents and plausible times out of random ones.
func (r randomizer) related(td ptrace.Traces, now time.Time) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				s.SetTraceID(pcommon.TraceID{1, byte(r.IntN(3))})
				s.SetSpanID(pcommon.SpanID{1, byte(r.IntN(20))})
				s.SetParentSpanID(pcommon.SpanID{})
				if r.chance(0.8) {
					s.SetParentSpanID(pcommon.SpanID{1, byte(r.IntN(20))})
				}
				began := now.Add(-time.Duration(r.IntN(1e9)))
				s.SetStartTimestamp(pcommon.NewTimestampFromTime(began))
				s.SetEndTimestamp(pcommon.NewTimestampFromTime(began.Add(time.Duration(r.IntN(1e8)))))
			}
		}
	}
}

func (r randomizer) rules(n int) (rules []map[string]any) {
	for i := range n {
		predicate := fmt.Sprintf(predicates[r.IntN(len(predicates))], allKeys[1+r.IntN(len(allKeys)-1)])
		rules = append(rules, map[string]any{
			"name":  fmt.Sprint("rule-", i),
			"never": fmt.Sprintf("trace.spans.where(%s).count() > %d", predicate, r.IntN(3)),
		})
	}
	return rules
}

// TestVerdictsDoNotDependOnTheProjection evaluates random batches as a whole and projected.
func TestVerdictsDoNotDependOnTheProjection(t *testing.T) {
	now := time.Now()
	at := uint64(now.UnixNano())
	violated := int64(0)
	for seed := range uint64(300) {
		r := randomizer{rand.New(rand.NewPCG(seed, 2))}
		inline := r.rules(1 + r.IntN(4))
		rs, report, err := engine.Compile([]engine.Source{{Name: "rules", Inline: inline}})
		require.NoError(t, err, "%v %+v", inline, report.Diagnostics)
		td := r.traces()
		r.related(td, now)

		whole, err := engine.New(rs, settings, at)
		require.NoError(t, err)
		projected, err := engine.New(rs, settings, at)
		require.NoError(t, err)
		p, err := projected.Projection()
		require.NoError(t, err)
		text, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
		require.NoError(t, err)
		_, err = whole.Ingest(0, at, text)
		require.NoError(t, err)
		_, err = projected.Ingest(p.Epoch, at, New(p).Append(nil, td))
		require.NoError(t, err)

		want, got := verdictsOf(t, whole, at), verdictsOf(t, projected, at)
		if !assert.Equal(t, want, got, "seed %d: %v", seed, inline) {
			return
		}
		for _, rule := range got {
			violated += rule.Violated
		}
		rs.Close()
	}
	assert.Greater(t, violated, int64(50), "the rules must speak of what is there")
	assert.Zero(t, engine.LiveCount())
}

func verdictsOf(t *testing.T, e *engine.Engine, at uint64) []engine.RuleStats {
	defer e.Close()
	_, err := e.Flush(at)
	require.NoError(t, err)
	stats, err := e.Stats()
	require.NoError(t, err)
	return stats.Rules
}

var settings = engine.Settings{
	SettleNS: 1e10, MaxDurationNS: 60e9, LateGraceNS: 60e9, TopIsRoot: "age", MaxSkewNS: 1e8, AllowedLatenessNS: 30e9,
	MemoryBytes: 64 << 20, MaxTraces: 1000, MaxSpansPerTrace: 1000, MaxGroups: 1000, MaxStepsPerDecision: 10_000_000, SignalQueueSize: 10_000,
}
