// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

var everything = engine.Projection{
	Span: engine.Keys{All: true}, Resource: engine.Keys{All: true}, Scope: engine.ScopeKeys{Name: true, All: true},
	Event: engine.ListKeys{Carry: true, All: true}, Link: engine.ListKeys{Carry: true, All: true},
	StatusMessage: true, Dropped: true,
}

// spanKeys are the twelve attributes of a benchmark span.
var spanKeys = []string{
	"http.request.method", "http.response.status_code", "http.route", "url.path", "url.scheme", "server.address",
	"server.port", "client.address", "user_agent.original", "network.protocol.version", "enduser.id", "thread.name",
}

// projectionOf reads n keys, up to four of which the spans have, as rules about several kinds of spans do.
func projectionOf(n int) engine.Projection {
	keys := []string{"http.response.status_code", "http.route", "enduser.id", "server.address"}
	for i := len(keys); i < n; i++ {
		keys = append(keys, fmt.Sprintf("messaging.destination.key_%d", i))
	}
	return engine.Projection{
		Epoch:    1,
		Span:     engine.Keys{Keys: keys},
		Resource: engine.Keys{Keys: []string{"service.name", "service.instance.id", "host.name"}},
		Dropped:  true,
	}
}

// benchTraces is one batch of one service with twelve attributes a span.
func benchTraces(spans int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	rs.Resource().Attributes().PutStr("service.instance.id", "checkout-7d9c5b6f4-x2x9k")
	rs.Resource().Attributes().PutStr("host.name", "node-17")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("io.opentelemetry.http")
	for i := range spans {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID([16]byte{1, 2, 3, byte(i / 20), byte(i / 5120)})
		s.SetSpanID([8]byte{4, byte(i), byte(i >> 8)})
		s.SetParentSpanID([8]byte{4, byte(i - 1), byte((i - 1) >> 8)})
		s.SetName("GET /api/orders/{id}")
		s.SetKind(ptrace.SpanKindServer)
		s.SetStartTimestamp(1_700_000_000_000_000_000)
		s.SetEndTimestamp(1_700_000_000_012_000_000)
		for j, k := range spanKeys {
			switch k {
			case "http.response.status_code":
				s.Attributes().PutInt(k, 200)
			case "server.port":
				s.Attributes().PutInt(k, 8443)
			default:
				s.Attributes().PutStr(k, fmt.Sprintf("value-%d-of-%d", j, i%50))
			}
		}
	}
	return td
}

func BenchmarkEncode(b *testing.B) {
	const spans = 1000
	td := benchTraces(spans)
	td.MarkReadOnly()
	for _, c := range []struct {
		name string
		p    engine.Projection
	}{{"keys=4", projectionOf(4)}, {"keys=16", projectionOf(16)}, {"keys=all", everything}} {
		b.Run(c.name, func(b *testing.B) {
			p := New(c.p)
			var size int
			b.ReportAllocs()
			for b.Loop() {
				buf := p.Encode(td)
				size = len(buf.Bytes())
				buf.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/spans, "ns/span")
			b.ReportMetric(float64(size)/spans, "B/span")
		})
	}
	b.Run("whole", func(b *testing.B) {
		var m ptrace.ProtoMarshaler
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.MarshalTraces(td); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/spans, "ns/span")
	})
}
