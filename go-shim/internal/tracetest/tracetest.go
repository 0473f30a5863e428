// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package tracetest builds the traces and the rules that the tests of this module use.
package tracetest // import "github.com/fluo-otel/fluo/go-shim/internal/tracetest"

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Names of spans that the rules below speak of.
const (
	Charge = "payment.charge_card"
	Check  = "payment.fraud_check"
)

// PaymentRule is violated by a trace that has Charge without Check, once that trace is complete.
func PaymentRule() map[string]any {
	return map[string]any{
		"name":   "payment-needs-fraud-check",
		"always": "trace.has(payment.charge_card) and trace.has(payment.fraud_check)",
	}
}

// DoubleChargeRule is violated by the second Charge of a trace, at once.
func DoubleChargeRule() map[string]any {
	return map[string]any{
		"name":     "charged-once",
		"never":    "trace.spans.where(payment.charge_card).count() > 1",
		"severity": "error",
	}
}

// TraceID is the id of the trace that Trace makes for n.
func TraceID(n uint64) pcommon.TraceID {
	var id pcommon.TraceID
	binary.BigEndian.PutUint64(id[8:], n)
	id[0] = 0xf1
	return id
}

// Trace is one whole trace of the service `shop`: the first name is the root's, the others are its children's.
func Trace(n uint64, names ...string) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("tracetest")
	end := time.Now()
	for i, name := range names {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(TraceID(n))
		s.SetSpanID(spanID(i))
		if i > 0 {
			s.SetParentSpanID(spanID(0))
		}
		s.SetName(name)
		s.SetKind(ptrace.SpanKindInternal)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-10 * time.Millisecond)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
	}
	return td
}

func spanID(i int) pcommon.SpanID { return pcommon.SpanID{1, 2, 3, 4, 5, 6, 7, byte(i + 1)} }

// Host is a component host that remembers what is reported to it.
type Host struct {
	mu     sync.Mutex
	events []*componentstatus.Event
}

// GetExtensions returns none.
func (*Host) GetExtensions() map[component.ID]component.Component { return nil }

// Report remembers the event.
func (h *Host) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, event)
}

// Statuses are the statuses that were reported, oldest first.
func (h *Host) Statuses() []componentstatus.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]componentstatus.Status, 0, len(h.events))
	for _, e := range h.events {
		all = append(all, e.Status())
	}
	return all
}

// Gate is a consumer's door: closed it holds every caller, until it is opened or the caller's context ends.
type Gate struct {
	once sync.Once
	open chan struct{}
}

// NewGate returns a closed gate.
func NewGate() *Gate { return &Gate{open: make(chan struct{})} }

// Open lets everybody pass from now on.
func (g *Gate) Open() { g.once.Do(func() { close(g.open) }) }

// Pass waits for the gate.
func (g *Gate) Pass(ctx context.Context) error {
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
