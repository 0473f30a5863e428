// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoconnector

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

// benchBatch has traces of twenty spans with twelve attributes each; one span in ten is selected by a rule.
func benchBatch(traces int) ptrace.Traces {
	td := ptrace.NewTraces()
	for n := range traces {
		names := make([]string, 20)
		for i := range names {
			names[i] = fmt.Sprint("step-", i)
		}
		names[5], names[6] = tracetest.Charge, tracetest.Check
		one := tracetest.Trace(uint64(n), names...)
		for _, s := range one.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			for k := range 12 {
				s.Attributes().PutStr(fmt.Sprintf("some.attribute.%d", k), fmt.Sprintf("value-%d", n%50))
			}
		}
		one.ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	}
	return td
}

// renew gives the batch's traces ids that have not been seen, and the time of now.
func renew(td ptrace.Traces, round uint64) {
	now := pcommon.NewTimestampFromTime(time.Now())
	for n, rs := range td.ResourceSpans().All() {
		id := tracetest.TraceID(uint64(n))
		binary.BigEndian.PutUint64(id[:8], round+1)
		for _, s := range rs.ScopeSpans().At(0).Spans().All() {
			s.SetTraceID(id)
			s.SetStartTimestamp(now - 1e6)
			s.SetEndTimestamp(now)
		}
	}
}

// BenchmarkConsumeTraces is what the connector costs the pipeline, encoding and evaluation together.
func BenchmarkConsumeTraces(b *testing.B) {
	for _, rules := range []int{2, 100} {
		b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
			cfg := config()
			cfg.Engine.LateGrace = time.Second
			for i := len(cfg.Engine.Rules); i < rules; i++ {
				cfg.Engine.Rules = append(cfg.Engine.Rules, map[string]any{
					"name":  fmt.Sprint("rule-", i),
					"never": fmt.Sprintf("trace.spans.where(service == 'service-%d' and http.response.status_code == 500).count() > 5", i),
				})
			}
			edge, err := NewFactory().CreateTracesToLogs(
				b.Context(), connectortest.NewNopSettings(NewFactory().Type()), cfg, consumertest.NewNop())
			require.NoError(b, err)
			require.NoError(b, edge.Start(b.Context(), &tracetest.Host{}))
			td := benchBatch(50)
			spans := float64(td.SpanCount())
			round := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				renew(td, round)
				round++
				if err := edge.ConsumeTraces(b.Context(), td); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/spans, "ns/span")
			require.NoError(b, edge.Shutdown(b.Context()))
		})
	}
}
