// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && fluo_faults

package fluoconnector

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/fluo-otel/fluo/go-shim/fluoconnector/internal/metadatatest"
	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

// TestPanicStopsOneEngineAndNothingElse makes an engine panic inside the library.
func TestPanicStopsOneEngineAndNothingElse(t *testing.T) {
	tel, host := telemetry(t), &tracetest.Host{}
	cfg := config()
	cfg.Engine.Faults.PanicOnSpan = "boom"
	sink := &consumertest.LogsSink{}
	edge := newLogsEdge(t, tel, cfg, sink)
	require.NoError(t, edge.Start(t.Context(), host))
	otherSink := &consumertest.LogsSink{}
	other := newLogsEdge(t, telemetry(t), config(), otherSink)
	start(t, other)

	consume(t, edge, tracetest.Trace(1, "fine"))
	assert.Empty(t, host.Statuses())
	for n := range uint64(3) {
		consume(t, edge, tracetest.Trace(10+n, "boom"), tracetest.Trace(20+n, tracetest.Charge, tracetest.Charge))
	}
	assert.Equal(t, []componentstatus.Status{componentstatus.StatusPermanentError}, host.Statuses(), "reported once")
	metadatatest.AssertEqualConnectorFluoEnginesPoisoned(t, tel, one(1), metricdatatest.IgnoreTimestamp())
	assert.Equal(t, int64(0), value(tel, "otelcol_connector_fluo_signals_emitted"))

	latecomer := &tracetest.Host{}
	metrics := newMetricsEdge(t, telemetry(t), cfg, consumertest.NewNop())
	require.NoError(t, metrics.Start(t.Context(), latecomer))
	assert.Equal(t, []componentstatus.Status{componentstatus.StatusPermanentError}, latecomer.Statuses())

	consume(t, other, tracetest.Trace(1, "boom", tracetest.Charge, tracetest.Charge))
	require.Eventually(t, func() bool { return otherSink.LogRecordCount() > 0 }, patience, pause, "the other engine goes on")

	require.NoError(t, metrics.Shutdown(t.Context()))
	require.NoError(t, edge.Shutdown(t.Context()))
	require.NoError(t, other.Shutdown(t.Context()))
	assert.Zero(t, engine.LiveCount())
}
