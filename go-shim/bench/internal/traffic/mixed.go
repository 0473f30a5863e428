// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package traffic // import "github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/question"
)

// The shape of the traffic by which the authors of tail_sampling measure it: four services with a resource as Kubernetes
// gives it, two scopes each, spans of seven attributes, traces of 1 to 48 spans in one request of 128 traces.
const (
	mixedRequest = 128
	mixedService = 4
)

var (
	mixedSizes    = [...]int{1, 2, 4, 8, 16, 48}
	mixedServices = [mixedService]string{"frontend", "checkout", question.Auth, "fraud"}
	mixedScopes   = [...]string{"net/http", "database/sql"}
	mixedNames    = [...]string{
		"GET /api/v1/items/{id}", "POST /api/v1/orders", "SELECT orders", "POST /verify", "render", "publish order.created",
	}
	mixedKinds = [...]ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindInternal}
)

// Every failedEvery-th trace has a failed span of auth; every checkedEvery-th trace has been checked.
const (
	failedEvery  = 10
	checkedEvery = 3
)

// Mixed is the synthetic traffic, traces of 1 to 48 spans.
func Mixed() (*Traffic, error) { return MixedOf(mixedRequest) }

// MixedOf is the same traffic with so many traces in a request.
func MixedOf(traces int) (*Traffic, error) {
	sizes := make([]int, traces)
	for i := range sizes {
		sizes[i] = mixedSizes[i%len(mixedSizes)]
	}
	return encode("synthetic, 1 to 48 spans", []ptrace.Traces{batch(sizes)})
}

// Sized is the same traffic with all traces of one size, of that many traces a request.
func Sized(spans, traces int) (*Traffic, error) {
	sizes := make([]int, traces)
	for i := range sizes {
		sizes[i] = spans
	}
	return encode(fmt.Sprintf("synthetic, %d spans", spans), []ptrace.Traces{batch(sizes)})
}

// batch is one request with traces of these sizes.
func batch(sizes []int) ptrace.Traces {
	td := ptrace.NewTraces()
	var into [mixedService][len(mixedScopes)]ptrace.SpanSlice
	for n, service := range mixedServices {
		rs := td.ResourceSpans().AppendEmpty()
		resource(rs.Resource().Attributes(), service)
		for k, scope := range mixedScopes {
			ss := rs.ScopeSpans().AppendEmpty()
			ss.Scope().SetName(scope)
			ss.Scope().SetVersion("0.63.0")
			into[n][k] = ss.Spans()
		}
	}
	id := uint64(0)
	for i, size := range sizes {
		first := id + 1
		for j := range size {
			id++
			s := into[(i+j)%mixedService][j%len(mixedScopes)].AppendEmpty()
			s.SetTraceID(traceID(uint64(i)))
			s.SetSpanID(spanID(id))
			if j > 0 {
				s.SetParentSpanID(spanID(first + uint64(j-1)/3))
			}
			fill(s, i, j)
			failedAuth := i%failedEvery == 7 && mixedServices[(i+j)%mixedService] == question.Auth
			if failedAuth {
				s.Status().SetCode(ptrace.StatusCodeError)
				s.Attributes().PutInt("http.response.status_code", 500)
			}
			if j == 3 && i%checkedEvery == 0 {
				s.SetName(question.FraudCheck)
			}
		}
	}
	return td
}

func resource(to pcommon.Map, service string) {
	pod := service + "-7d9f8b6c5-x2k4p"
	for _, kv := range [][2]string{
		{"service.name", service}, {"service.namespace", "shop"}, {"service.version", "1.2.3"}, {"service.instance.id", pod},
		{"deployment.environment.name", "production"}, {"telemetry.sdk.name", "opentelemetry"},
		{"telemetry.sdk.language", "go"}, {"telemetry.sdk.version", "1.44.0"},
		{"host.name", "ip-10-0-0-7.eu-west-1.compute.internal"}, {"cloud.region", "eu-west-1"},
		{"k8s.cluster.name", "prod-eu-west-1"}, {"k8s.namespace.name", "shop"}, {"k8s.deployment.name", service},
		{"k8s.pod.name", pod},
	} {
		to.PutStr(kv[0], kv[1])
	}
}

func fill(s ptrace.Span, i, j int) {
	began := time.Unix(1_700_000_000, 0)
	s.SetName(mixedNames[(i+j)%len(mixedNames)])
	s.SetKind(mixedKinds[j%len(mixedKinds)])
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(began.Add(time.Duration(j) * time.Microsecond)))
	s.SetEndTimestamp(pcommon.NewTimestampFromTime(began.Add(time.Duration(500+j) * time.Microsecond)))
	a := s.Attributes()
	a.PutStr("http.request.method", "GET")
	a.PutStr("http.route", "/api/v1/items/{id}")
	a.PutInt("http.response.status_code", 200)
	a.PutStr("server.address", "items.shop.svc.cluster.local")
	a.PutInt("server.port", 8080)
	a.PutStr("url.path", fmt.Sprintf("/api/v1/items/%d", i))
	a.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)")
}

func traceID(n uint64) (id pcommon.TraceID) {
	// A collector sees random ids; a few bits of them would put all traces into one shard.
	binary.BigEndian.PutUint64(id[:8], (n+1)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], (n+1)*0xbf58476d1ce4e5b9)
	return id
}

func spanID(n uint64) (id pcommon.SpanID) {
	binary.BigEndian.PutUint64(id[:], (n+1)*0x94d049bb133111eb)
	return id
}
