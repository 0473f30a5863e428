// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoconnector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/fluo-otel/fluo/go-shim/fluoconnector/internal/metadata"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

// points of the last emission that the sink has got: metric name, or name/rule/verdict/reason, to value.
func points(t *testing.T, sink *consumertest.MetricsSink) map[string]int64 {
	all := sink.AllMetrics()
	require.NotEmpty(t, all)
	values := map[string]int64{}
	for _, m := range all[len(all)-1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Type() == pmetric.MetricTypeGauge {
			values[m.Name()] = m.Gauge().DataPoints().At(0).IntValue()
			continue
		}
		assert.True(t, m.Sum().IsMonotonic())
		assert.Equal(t, pmetric.AggregationTemporalityCumulative, m.Sum().AggregationTemporality())
		for _, p := range m.Sum().DataPoints().All() {
			assert.NotZero(t, p.StartTimestamp())
			assert.GreaterOrEqual(t, p.Timestamp(), p.StartTimestamp())
			key := m.Name()
			for _, k := range []string{"fluo.rule.name", "fluo.verdict", "fluo.verdict.reason", "fluo.verdict.from", "fluo.verdict.to"} {
				if v, ok := p.Attributes().Get(k); ok {
					key += "/" + v.Str()
				}
			}
			values[key] = p.IntValue()
		}
	}
	return values
}

func TestMetricsEdgeAloneEvaluates(t *testing.T) {
	sink := &consumertest.MetricsSink{}
	cfg := config()
	cfg.MetricsInterval = 50 * time.Millisecond
	cfg.Engine.SignalQueueSize = 1
	cfg.Engine.Resource = map[string]string{"deployment.environment.name": "staging"}
	edge := newMetricsEdge(t, telemetry(t), cfg, sink)
	start(t, edge)
	consume(t, edge,
		tracetest.Trace(1, tracetest.Charge),
		tracetest.Trace(2, tracetest.Charge, tracetest.Check),
		tracetest.Trace(3, "browse"))
	require.Eventually(t, func() bool {
		return len(sink.AllMetrics()) > 0 && points(t, sink)["fluo.traces.completed"] == 3
	}, patience, pause)
	require.NoError(t, edge.Shutdown(t.Context()))
	got := points(t, sink)
	const rule = "fluo.verdicts/payment-needs-fraud-check/"
	assert.Equal(t, int64(1), got[rule+"violated"])
	assert.Equal(t, int64(1), got[rule+"satisfied"])
	assert.Equal(t, int64(1), got[rule+"not_applicable"])
	assert.Equal(t, int64(0), got["fluo.verdicts/charged-once/violated"])
	assert.Equal(t, int64(4), got["fluo.spans"])
	assert.Equal(t, int64(1), got["fluo.signals"])
	assert.Equal(t, int64(0), got["fluo.signals.dropped"], "signals that nobody takes fill no queue")
	assert.Equal(t, int64(0), got["fluo.traces.open"])

	rm := sink.AllMetrics()[0].ResourceMetrics().At(0)
	assert.Equal(t, map[string]any{"deployment.environment.name": "staging"}, rm.Resource().Attributes().AsRaw())
	assert.Equal(t, metadata.ScopeName, rm.ScopeMetrics().At(0).Scope().Name())
}

func TestMetricsEdgeEmitsFinalCountsAtShutdown(t *testing.T) {
	sink := &consumertest.MetricsSink{}
	cfg := config()
	cfg.Engine.Settle, cfg.Engine.MaxDuration = time.Hour, 2*time.Hour
	edge := newMetricsEdge(t, telemetry(t), cfg, sink)
	start(t, edge)
	consume(t, edge, tracetest.Trace(1, tracetest.Charge))
	require.NoError(t, edge.Shutdown(t.Context()))
	got := points(t, sink)
	assert.Equal(t, int64(1), got["fluo.verdicts/payment-needs-fraud-check/inconclusive/shutdown"])
	assert.Equal(t, int64(0), got["fluo.verdicts/payment-needs-fraud-check/violated"])
}

// TestSumsNeverFall is what a backend relies on that takes a fall for a restart.
func TestSumsNeverFall(t *testing.T) {
	sink := &consumertest.MetricsSink{}
	cfg := config()
	cfg.MetricsInterval = 20 * time.Millisecond
	edge := newMetricsEdge(t, telemetry(t), cfg, sink)
	start(t, edge)
	batches := splitSpans(tracetest.Trace(1, tracetest.Charge, tracetest.Check))
	consume(t, edge, batches[0])
	const given, revised = "fluo.verdicts/payment-needs-fraud-check/violated", "fluo.revisions/payment-needs-fraud-check/violated/satisfied"
	require.Eventually(t, func() bool { return len(sink.AllMetrics()) > 0 && points(t, sink)[given] == 1 }, patience, pause)
	assert.NotContains(t, points(t, sink), revised)
	consume(t, edge, batches[1])
	require.Eventually(t, func() bool { return points(t, sink)[revised] == 1 }, patience, pause)
	assert.Equal(t, int64(1), points(t, sink)[given])
	assert.Equal(t, int64(0), points(t, sink)["fluo.verdicts/payment-needs-fraud-check/satisfied"])
	require.NoError(t, edge.Shutdown(t.Context()))
}

func TestRulesInShadowAreToldApart(t *testing.T) {
	sink := &consumertest.MetricsSink{}
	cfg := config()
	cfg.Engine.Rules[0]["mode"] = "shadow"
	edge := newMetricsEdge(t, telemetry(t), cfg, sink)
	start(t, edge)
	require.NoError(t, edge.Shutdown(t.Context()))
	modes := map[string]string{}
	for _, m := range sink.AllMetrics()[0].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == "fluo.verdicts" {
			for _, p := range m.Sum().DataPoints().All() {
				attrs := p.Attributes().AsRaw()
				modes[attrs["fluo.rule.name"].(string)] = attrs["fluo.rule.mode"].(string)
			}
		}
	}
	assert.Equal(t, map[string]string{"payment-needs-fraud-check": "shadow", "charged-once": "enforce"}, modes)
}

// TestBothEdgesCountEachSpanOnce shuts the edges down in both orders, because the collector may.
func TestBothEdgesCountEachSpanOnce(t *testing.T) {
	for _, logsFirst := range []bool{true, false} {
		tel, cfg := telemetry(t), config()
		logs, metrics := &consumertest.LogsSink{}, &consumertest.MetricsSink{}
		edges := []connector.Traces{newLogsEdge(t, tel, cfg, logs), newMetricsEdge(t, telemetry(t), cfg, metrics)}
		for _, edge := range edges {
			start(t, edge)
		}
		for n := range uint64(10) {
			for _, edge := range edges {
				consume(t, edge, tracetest.Trace(n, tracetest.Charge, tracetest.Charge, tracetest.Check))
			}
		}
		if !logsFirst {
			edges[0], edges[1] = edges[1], edges[0]
		}
		for _, edge := range edges {
			require.NoError(t, edge.Shutdown(t.Context()))
		}
		got := points(t, metrics)
		assert.Equal(t, int64(30), got["fluo.spans"])
		assert.Equal(t, int64(10), got["fluo.verdicts/charged-once/violated"])
		assert.Equal(t, 10, logs.LogRecordCount())
	}
}
