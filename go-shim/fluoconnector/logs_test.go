// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoconnector

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/fluo-otel/fluo/go-shim/fluoconnector/internal/metadatatest"
	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/projection"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

// records flattens what a sink has got.
func records(sink *consumertest.LogsSink) (all []plog.LogRecord) {
	for _, ld := range sink.AllLogs() {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					all = append(all, r)
				}
			}
		}
	}
	return all
}

func ruleOf(r plog.LogRecord) string {
	v, _ := r.Attributes().Get("fluo.rule.name")
	return v.AsString()
}

func TestViolationBecomesLogRecord(t *testing.T) {
	sink := &consumertest.LogsSink{}
	cfg := config()
	cfg.Engine.Resource = map[string]string{"deployment.environment.name": "staging"}
	edge := newLogsEdge(t, telemetry(t), cfg, sink)
	start(t, edge)
	consume(t, edge, tracetest.Trace(1, tracetest.Charge, tracetest.Check), tracetest.Trace(2, tracetest.Charge))

	require.Eventually(t, func() bool { return sink.LogRecordCount() > 0 }, patience, pause)
	require.NoError(t, edge.Shutdown(t.Context()))
	require.Equal(t, 1, sink.LogRecordCount())
	record := records(sink)[0]
	assert.Equal(t, "fluo.violation", record.EventName())
	assert.Equal(t, "payment-needs-fraud-check", ruleOf(record))
	assert.Equal(t, tracetest.TraceID(2), record.TraceID())
	assert.Equal(t, plog.SeverityNumberWarn, record.SeverityNumber())
	assert.NotZero(t, record.ObservedTimestamp())
	assert.NotEmpty(t, record.Body().Str())

	rl := sink.AllLogs()[0].ResourceLogs().At(0)
	assert.Equal(t, projection.OwnScope, rl.ScopeLogs().At(0).Scope().Name())
	assert.Equal(t, map[string]any{"service.name": "shop", "deployment.environment.name": "staging"},
		rl.Resource().Attributes().AsRaw())
}

func TestSpansOfOneTraceMeetAcrossBatches(t *testing.T) {
	sink := &consumertest.LogsSink{}
	edge := newLogsEdge(t, telemetry(t), config(), sink)
	start(t, edge)
	batches := splitSpans(tracetest.Trace(1, "checkout", tracetest.Charge, tracetest.Charge))
	for _, td := range batches[:2] {
		consume(t, edge, td)
	}
	time.Sleep(150 * time.Millisecond)
	require.Zero(t, sink.LogRecordCount(), "one charge breaks nothing yet")
	consume(t, edge, batches[2])
	require.Eventually(t, func() bool { return sink.LogRecordCount() > 0 }, patience, pause)
	assert.Equal(t, "charged-once", ruleOf(records(sink)[0]))
	require.NoError(t, edge.Shutdown(t.Context()))
}

func TestShutdownHandsOnWhatIsDecidedAndWhatIsOpen(t *testing.T) {
	cfg := config()
	cfg.Engine.Settle, cfg.Engine.MaxDuration = time.Hour, 2*time.Hour
	unsure := tracetest.PaymentRule()
	unsure["on_gap"] = "signal"
	cfg.Engine.Rules = []map[string]any{unsure}
	sink := &consumertest.LogsSink{}
	edge := newLogsEdge(t, telemetry(t), cfg, sink)
	start(t, edge)
	for n := range uint64(2000) { // several chunks
		consume(t, edge, tracetest.Trace(n, tracetest.Charge))
	}
	assert.Zero(t, sink.LogRecordCount())
	require.NoError(t, edge.Shutdown(t.Context()))
	require.Equal(t, 2000, sink.LogRecordCount())
	complete, _ := records(sink)[0].Attributes().Get("fluo.trace.complete")
	assert.False(t, complete.Bool(), "a trace that the shutdown cut off is not complete")
	assert.Zero(t, engine.LiveCount())
}

func TestSlowConsumerHoldsNoSpansBack(t *testing.T) {
	gate := tracetest.NewGate()
	sink := &consumertest.LogsSink{}
	slow, err := consumer.NewLogs(func(ctx context.Context, ld plog.Logs) error {
		return errors.Join(gate.Pass(ctx), sink.ConsumeLogs(ctx, ld))
	})
	require.NoError(t, err)
	edge := newLogsEdge(t, telemetry(t), config(), slow)
	start(t, edge)
	for n := range uint64(500) {
		began := time.Now()
		consume(t, edge, tracetest.Trace(n, tracetest.Charge, tracetest.Charge, tracetest.Check))
		require.Less(t, time.Since(began), patience/2)
	}
	assert.Zero(t, sink.LogRecordCount())
	gate.Open()
	require.NoError(t, edge.Shutdown(t.Context()))
	assert.Equal(t, 500, sink.LogRecordCount())
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	tel := telemetry(t)
	gate := tracetest.NewGate()
	defer gate.Open()
	stuck, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error { return gate.Pass(ctx) })
	require.NoError(t, err)
	edge := newLogsEdge(t, tel, config(), stuck)
	start(t, edge)
	consume(t, edge, tracetest.Trace(1, tracetest.Charge, tracetest.Charge))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	assert.ErrorContains(t, edge.Shutdown(ctx), "signals were not taken")
	assert.Less(t, time.Since(began), 3*time.Second)
	assert.Zero(t, engine.LiveCount())
}

func TestRefusedSignalsAreCountedAndSpansPass(t *testing.T) {
	tel := telemetry(t)
	edge := newLogsEdge(t, tel, config(), consumertest.NewErr(consumererror.NewPermanent(errors.New("no"))))
	start(t, edge)
	consume(t, edge, tracetest.Trace(1, tracetest.Charge, tracetest.Charge, tracetest.Check))
	require.Eventually(t, func() bool {
		return value(tel, "otelcol_connector_fluo_signals_failed") == 1
	}, patience, pause)
	metadatatest.AssertEqualConnectorFluoSignalsFailed(t, tel,
		[]metricdata.DataPoint[int64]{{Value: 1}}, metricdatatest.IgnoreTimestamp())
	require.NoError(t, edge.Shutdown(t.Context()))
}
