// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoconnector

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/fluo-otel/fluo/go-shim/fluoconnector/internal/metadatatest"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

func one(value int64) []metricdata.DataPoint[int64] {
	return []metricdata.DataPoint[int64]{{Value: value}}
}

func verdicts(rule, outcome, reason string, count int64) metricdata.DataPoint[int64] {
	return metricdata.DataPoint[int64]{Value: count, Attributes: attribute.NewSet(
		attribute.String("rule", rule), attribute.String("mode", "enforce"), attribute.String("outcome", outcome), attribute.String("reason", reason))}
}

func TestOwnTelemetry(t *testing.T) {
	tel := telemetry(t)
	cfg := config()
	cfg.Engine.MaxSpansPerTrace = 5
	sink := &consumertest.LogsSink{}
	edge := newLogsEdge(t, tel, cfg, sink)
	start(t, edge)

	charged := tracetest.Trace(1, tracetest.Charge)
	malformed := tracetest.Trace(4, "no span id")
	malformed.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetSpanID(pcommon.SpanID{})
	again := tracetest.Trace(1, tracetest.Charge)
	charged.CopyTo(again)
	consume(t, edge, charged, again, tracetest.Trace(2, tracetest.Charge, tracetest.Check), tracetest.Trace(3, "browse"), malformed)
	require.Eventually(t, func() bool {
		return sink.LogRecordCount() == 1 && value(tel, "otelcol_connector_fluo_traces_open") == 0
	}, patience, pause)

	same := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualConnectorFluoSpansReceived(t, tel, one(5), same)
	metadatatest.AssertEqualConnectorFluoSpansSelected(t, tel, one(4), same)
	metadatatest.AssertEqualConnectorFluoSpansRejected(t, tel, one(1), same)
	metadatatest.AssertEqualConnectorFluoSpansDuplicate(t, tel, one(1), same)
	metadatatest.AssertEqualConnectorFluoSpansConflicting(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoSpansLate(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoSpansBadTime(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoFramesRejected(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoTracesOpen(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoTracesEvicted(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoGroupsEvicted(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoSpansOverLimit(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoSignalsEmitted(t, tel, one(1), same)
	metadatatest.AssertEqualConnectorFluoSignalsDropped(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoSignalsFailed(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoSignalsQueued(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoIngestErrors(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoEnginesPoisoned(t, tel, one(0), same)
	metadatatest.AssertEqualConnectorFluoReloads(t, tel, []metricdata.DataPoint[int64]{
		{Attributes: attribute.NewSet(attribute.String("result", "success"))},
		{Attributes: attribute.NewSet(attribute.String("result", "failure"))},
	}, same)
	metadatatest.AssertEqualConnectorFluoVerdicts(t, tel, []metricdata.DataPoint[int64]{
		verdicts("payment-needs-fraud-check", "satisfied", "", 1),
		verdicts("payment-needs-fraud-check", "violated", "", 1),
		verdicts("payment-needs-fraud-check", "not_applicable", "", 1),
		verdicts("charged-once", "satisfied", "", 3),
		verdicts("charged-once", "violated", "", 0),
		verdicts("charged-once", "not_applicable", "", 0),
	}, same)
	metadatatest.AssertEqualConnectorFluoMemoryHeld(t, tel, one(0), same, metricdatatest.IgnoreValue())
	assert.Positive(t, value(tel, "otelcol_connector_fluo_memory_held"), "decided traces are held for the late grace")
	require.NoError(t, edge.Shutdown(t.Context()))
}

func TestLimitsShowInTelemetry(t *testing.T) {
	tel := telemetry(t)
	cfg := config()
	cfg.Engine.Settle, cfg.Engine.MaxDuration = time.Hour, 2*time.Hour
	cfg.Engine.MaxTraces = 10
	cfg.Engine.SignalQueueSize = 4
	gate := tracetest.NewGate()
	stuck, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error { return gate.Pass(ctx) })
	require.NoError(t, err)
	edge := newLogsEdge(t, tel, cfg, stuck)
	start(t, edge)
	for n := range uint64(100) {
		consume(t, edge, tracetest.Trace(n, tracetest.Charge, tracetest.Charge, tracetest.Check))
	}
	emitted, dropped := value(tel, "otelcol_connector_fluo_signals_emitted"), value(tel, "otelcol_connector_fluo_signals_dropped")
	assert.Equal(t, int64(100), emitted+dropped)
	assert.Equal(t, emitted, value(tel, "otelcol_connector_fluo_signals_queued"), "the chunk that the consumer holds waits too")
	assert.LessOrEqual(t, emitted, int64(4+4), "the queue and at most one chunk under way")
	open, evicted := value(tel, "otelcol_connector_fluo_traces_open"), value(tel, "otelcol_connector_fluo_traces_evicted")
	assert.Equal(t, int64(100), open+evicted)
	assert.Greater(t, evicted, open, "the engine divides the limit among its shards, so it holds about that many")
	gate.Open()
	require.NoError(t, edge.Shutdown(t.Context()))
}

func TestSpansAndGroupsOverALimitAreCounted(t *testing.T) {
	tel := telemetry(t)
	cfg := config()
	cfg.Engine.MaxSpansPerTrace = 5
	cfg.Engine.MaxGroups = 3
	cfg.Engine.Rules = append(cfg.Engine.Rules, map[string]any{
		"name": "once", "never": "spans.where(name != 'x').by(span_id).within(1m).count() > 1",
	})
	edge := newLogsEdge(t, tel, cfg, &consumertest.LogsSink{})
	start(t, edge)
	consume(t, edge, tracetest.Trace(1, "a", "b", "c", "d", "e", "f", "g"))
	assert.Equal(t, int64(2), value(tel, "otelcol_connector_fluo_spans_over_limit"))
	assert.Equal(t, int64(4), value(tel, "otelcol_connector_fluo_groups_evicted"), "of seven spans in groups of their own three are held: windows take those too that the trace has no room for")
	require.NoError(t, edge.Shutdown(t.Context()))
}

func TestLateSpanRevisesTheVerdict(t *testing.T) {
	tel := telemetry(t)
	sink := &consumertest.LogsSink{}
	edge := newLogsEdge(t, tel, config(), sink)
	start(t, edge)
	batches := splitSpans(tracetest.Trace(1, tracetest.Charge, tracetest.Check))
	consume(t, edge, batches[0])
	require.Eventually(t, func() bool { return sink.LogRecordCount() == 1 }, patience, pause)
	consume(t, edge, batches[1])
	require.Eventually(t, func() bool { return sink.LogRecordCount() == 2 }, patience, pause)
	assert.Equal(t, "fluo.violation.retracted", records(sink)[1].EventName())
	same := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualConnectorFluoSpansLate(t, tel, one(1), same)
	metadatatest.AssertEqualConnectorFluoVerdicts(t, tel, []metricdata.DataPoint[int64]{
		verdicts("payment-needs-fraud-check", "satisfied", "", 0),
		verdicts("payment-needs-fraud-check", "violated", "", 1),
		verdicts("payment-needs-fraud-check", "not_applicable", "", 0),
		verdicts("charged-once", "satisfied", "", 1),
		verdicts("charged-once", "violated", "", 0),
		verdicts("charged-once", "not_applicable", "", 0),
	}, same)
	metadatatest.AssertEqualConnectorFluoRevisions(t, tel, []metricdata.DataPoint[int64]{{Value: 1, Attributes: attribute.NewSet(
		attribute.String("rule", "payment-needs-fraud-check"), attribute.String("mode", "enforce"),
		attribute.String("from", "violated"), attribute.String("to", "satisfied"))}}, same)
	require.NoError(t, edge.Shutdown(t.Context()))
}

func TestWhatIsWrongWithSpansIsCounted(t *testing.T) {
	tel := telemetry(t)
	cfg := config()
	cfg.Engine.Rules = append(cfg.Engine.Rules, map[string]any{
		"name": "often", "never": "spans.where(payment.charge_card).within(1m).count() > 100",
	})
	edge := newLogsEdge(t, tel, cfg, &consumertest.LogsSink{})
	start(t, edge)
	other := tracetest.Trace(1, tracetest.Charge)
	other.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetEndTimestamp(1)
	consume(t, edge, tracetest.Trace(1, tracetest.Charge), other)
	ahead := tracetest.Trace(2, tracetest.Charge)
	ahead.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetEndTimestamp(
		pcommon.NewTimestampFromTime(time.Now().Add(time.Hour)))
	consume(t, edge, ahead)
	assert.Equal(t, int64(1), value(tel, "otelcol_connector_fluo_spans_conflicting"))
	assert.Equal(t, int64(1), value(tel, "otelcol_connector_fluo_spans_bad_time"))
	require.NoError(t, edge.Shutdown(t.Context()))
}

// TestOneEdgeSpeaksForTheEngine keeps a dashboard that adds up both edges from counting twice.
func TestOneEdgeSpeaksForTheEngine(t *testing.T) {
	logsTel, metricsTel, cfg := telemetry(t), telemetry(t), config()
	metrics := newMetricsEdge(t, metricsTel, cfg, consumertest.NewNop())
	logs := newLogsEdge(t, logsTel, cfg, consumertest.NewNop())
	start(t, metrics)
	start(t, logs)
	consume(t, logs, tracetest.Trace(1, tracetest.Charge))
	consume(t, metrics, tracetest.Trace(1, tracetest.Charge))
	assert.Equal(t, int64(1), value(logsTel, "otelcol_connector_fluo_spans_received"))
	_, err := metricsTel.GetMetric("otelcol_connector_fluo_spans_received")
	assert.Error(t, err)
	require.NoError(t, logs.Shutdown(t.Context()))
	require.NoError(t, metrics.Shutdown(t.Context()))
}
