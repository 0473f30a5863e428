// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package fluoconnector // import "github.com/fluo-otel/fluo/go-shim/fluoconnector"

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/fluo-otel/fluo/go-shim/fluoconnector/internal/metadata"
	"github.com/fluo-otel/fluo/go-shim/internal/shim"
)

// metricsEdge emits the engine's counters. Beside a logs edge it only reads them; alone it evaluates the spans itself.
type metricsEdge struct {
	edge
	next consumer.Metrics

	cancel context.CancelFunc
	done   chan struct{}
}

func (e *metricsEdge) Start(_ context.Context, host component.Host) error {
	if err := e.open(host, func(s *shim.Shared) bool { return !s.SignalsTaken() }); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel, e.done = cancel, make(chan struct{})
	go e.loop(ctx, e.engine)
	return nil
}

// Shutdown decides the open traces and emits the final counts.
func (e *metricsEdge) Shutdown(ctx context.Context) error {
	s := e.engine
	if s == nil {
		return nil
	}
	ctx, end := s.Ending(ctx)
	defer end()
	e.cancel()
	err := shim.Finish(ctx, func() error {
		<-e.done
		s.Flush()
		return e.next.ConsumeMetrics(ctx, e.metrics(s))
	})
	return errors.Join(err, e.close())
}

// ConsumeTraces evaluates a batch where no logs edge does. It never fails.
func (e *metricsEdge) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	if s := e.engine; s != nil && !s.SignalsTaken() {
		s.Ingest(td)
	}
	return nil
}

func (e *metricsEdge) loop(ctx context.Context, s *shim.Shared) {
	defer close(e.done)
	ticker := time.NewTicker(e.cfg.MetricsInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := e.next.ConsumeMetrics(ctx, e.metrics(s)); err != nil && ctx.Err() == nil {
				e.set.Logger.Warn("verdict counts not taken by the next consumer", zap.Error(err))
			}
		}
	}
}

// metrics are the counters as they are now.
func (e *metricsEdge) metrics(engine *shim.Shared) pmetric.Metrics {
	s := engine.Snapshot()
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	for k, v := range e.cfg.Engine.Resource {
		rm.Resource().Attributes().PutStr(k, v)
	}
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(metadata.ScopeName)
	sm.Scope().SetVersion(e.set.BuildInfo.Version)
	w := metricWriter{
		to:    sm.Metrics(),
		start: pcommon.Timestamp(engine.Started()),
		now:   pcommon.Timestamp(engine.Now()),
	}
	w.verdicts(s)
	w.revisions(s)
	w.counter("fluo.spans", "Spans that were evaluated", "{span}", s.SpansReceived)
	w.counter("fluo.spans.selected", "Spans that at least one rule asks for", "{span}", s.SpansSelected)
	w.counter("fluo.traces.completed", "Traces that were decided", "{trace}", s.TracesCompleted)
	w.counter("fluo.traces.evicted", "Traces that were decided early because of a limit", "{trace}", s.TracesEvicted)
	w.gauge("fluo.traces.open", "Traces that are not decided yet", "{trace}", s.TracesOpen)
	w.counter("fluo.signals", "Signals that the rules gave rise to and the queue took", "{signal}", s.SignalsEmitted)
	w.counter("fluo.signals.dropped", "Signals that the full queue could not hold", "{signal}", s.SignalsDropped)
	return md
}

// metricWriter appends metrics of one emission.
type metricWriter struct {
	to         pmetric.MetricSlice
	start, now pcommon.Timestamp
}

func (w metricWriter) add(name, description, unit string) pmetric.Metric {
	m := w.to.AppendEmpty()
	m.SetName(name)
	m.SetDescription(description)
	m.SetUnit(unit)
	return m
}

func (w metricWriter) sum(m pmetric.Metric) pmetric.NumberDataPointSlice {
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return sum.DataPoints()
}

func (w metricWriter) point(p pmetric.NumberDataPoint, value int64) {
	p.SetStartTimestamp(w.start)
	p.SetTimestamp(w.now)
	p.SetIntValue(value)
}

func (w metricWriter) counter(name, description, unit string, value int64) {
	w.point(w.sum(w.add(name, description, unit)).AppendEmpty(), value)
}

func (w metricWriter) gauge(name, description, unit string, value int64) {
	p := w.add(name, description, unit).SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(w.now)
	p.SetIntValue(value)
}

func (w metricWriter) verdicts(s shim.Snapshot) {
	points := w.sum(w.add("fluo.verdicts", "Verdicts by rule and outcome", "{verdict}"))
	for v := range s.Verdicts() {
		p := points.AppendEmpty()
		w.point(p, v.Count)
		attrs := p.Attributes()
		aboutRule(attrs, v.Rule, v.Severity, v.Mode)
		attrs.PutStr("fluo.verdict", v.Outcome)
		if v.Reason != "" {
			attrs.PutStr("fluo.verdict.reason", v.Reason)
		}
	}
}

// revisions are absent where no verdict was ever revised: a sum has at least one point.
func (w metricWriter) revisions(s shim.Snapshot) {
	var points pmetric.NumberDataPointSlice
	first := true
	for v := range s.Revisions() {
		if first {
			points = w.sum(w.add("fluo.revisions", "Verdicts that late spans changed, by rule", "{revision}"))
			first = false
		}
		p := points.AppendEmpty()
		w.point(p, v.Count)
		attrs := p.Attributes()
		aboutRule(attrs, v.Rule, v.Severity, v.Mode)
		attrs.PutStr("fluo.verdict.from", v.From)
		attrs.PutStr("fluo.verdict.to", v.To)
	}
}

func aboutRule(attrs pcommon.Map, name, severity, mode string) {
	attrs.PutStr("fluo.rule.name", name)
	attrs.PutStr("fluo.rule.severity", severity)
	attrs.PutStr("fluo.rule.mode", mode)
}
