// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Instruments are a component's own metrics. The component makes them from its metadata; all are observed at once, from
// one reading of the counters.
type Instruments struct {
	FramesRejected   metric.Int64ObservableCounter
	SpansReceived    metric.Int64ObservableCounter
	SpansBadTime     metric.Int64ObservableCounter
	SpansConflicting metric.Int64ObservableCounter
	SpansSelected    metric.Int64ObservableCounter
	SpansRejected    metric.Int64ObservableCounter
	SpansDuplicate   metric.Int64ObservableCounter
	SpansLate        metric.Int64ObservableCounter
	SpansOverLimit   metric.Int64ObservableCounter
	TracesOpen       metric.Int64ObservableGauge
	TracesEvicted    metric.Int64ObservableCounter
	GroupsEvicted    metric.Int64ObservableCounter
	BytesHeld        metric.Int64ObservableGauge
	Verdicts         metric.Int64ObservableCounter
	Revisions        metric.Int64ObservableCounter
	SignalsEmitted   metric.Int64ObservableCounter
	SignalsDropped   metric.Int64ObservableCounter
	SignalsFailed    metric.Int64ObservableCounter
	SignalsQueued    metric.Int64ObservableGauge
	IngestErrors     metric.Int64ObservableCounter
	Reloads          metric.Int64ObservableCounter
	EnginesPoisoned  metric.Int64ObservableGauge
}

// Register observes the counters at every collection for which report is true, until the registration is ended.
func (i *Instruments) Register(meter metric.Meter, r *Runtime, report func() bool) (metric.Registration, error) {
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if report() {
			i.observe(o, r.Snapshot())
		}
		return nil
	},
		i.SpansReceived, i.SpansSelected, i.SpansRejected, i.SpansDuplicate, i.SpansConflicting, i.SpansLate, i.SpansBadTime,
		i.SpansOverLimit, i.FramesRejected, i.TracesOpen, i.TracesEvicted, i.GroupsEvicted, i.BytesHeld, i.Verdicts, i.Revisions,
		i.SignalsEmitted, i.SignalsDropped, i.SignalsFailed, i.SignalsQueued, i.IngestErrors, i.Reloads, i.EnginesPoisoned)
}

func (i *Instruments) observe(o metric.Observer, s Snapshot) {
	o.ObserveInt64(i.SpansReceived, s.SpansReceived)
	o.ObserveInt64(i.SpansSelected, s.SpansSelected)
	o.ObserveInt64(i.SpansRejected, s.SpansRejected)
	o.ObserveInt64(i.SpansDuplicate, s.SpansDuplicate)
	o.ObserveInt64(i.SpansConflicting, s.SpansConflicting)
	o.ObserveInt64(i.SpansLate, s.SpansLate)
	o.ObserveInt64(i.SpansBadTime, s.SpansBadTime)
	o.ObserveInt64(i.SpansOverLimit, s.SpansOverLimit)
	o.ObserveInt64(i.FramesRejected, s.FramesRejected)
	o.ObserveInt64(i.TracesOpen, s.TracesOpen)
	o.ObserveInt64(i.TracesEvicted, s.TracesEvicted)
	o.ObserveInt64(i.GroupsEvicted, s.GroupsEvicted)
	o.ObserveInt64(i.BytesHeld, s.BytesHeld)
	for v := range s.Verdicts() {
		o.ObserveInt64(i.Verdicts, v.Count, metric.WithAttributes(
			attribute.String("rule", v.Rule), attribute.String("mode", v.Mode),
			attribute.String("outcome", v.Outcome), attribute.String("reason", v.Reason)))
	}
	for v := range s.Revisions() {
		o.ObserveInt64(i.Revisions, v.Count, metric.WithAttributes(
			attribute.String("rule", v.Rule), attribute.String("mode", v.Mode),
			attribute.String("from", v.From), attribute.String("to", v.To)))
	}
	o.ObserveInt64(i.SignalsEmitted, s.SignalsEmitted)
	o.ObserveInt64(i.SignalsDropped, s.SignalsDropped)
	o.ObserveInt64(i.SignalsFailed, s.SignalsFailed)
	o.ObserveInt64(i.SignalsQueued, s.SignalsQueued)
	o.ObserveInt64(i.IngestErrors, s.IngestErrors)
	o.ObserveInt64(i.Reloads, s.Reloads, metric.WithAttributes(attribute.String("result", "success")))
	o.ObserveInt64(i.Reloads, s.ReloadsFailed, metric.WithAttributes(attribute.String("result", "failure")))
	poisoned := int64(0)
	if s.Poisoned {
		poisoned = 1
	}
	o.ObserveInt64(i.EnginesPoisoned, poisoned)
}
