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
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

func TestCreateMakesNoEngine(t *testing.T) {
	tel, cfg := telemetry(t), config()
	newLogsEdge(t, tel, cfg, consumertest.NewNop())
	newMetricsEdge(t, tel, cfg, consumertest.NewNop())
	assert.Zero(t, engine.LiveCount())
}

func TestShutdownWithoutStartAndTwice(t *testing.T) {
	tel, cfg := telemetry(t), config()
	logs, metrics := newLogsEdge(t, tel, cfg, consumertest.NewNop()), newMetricsEdge(t, tel, cfg, consumertest.NewNop())
	for _, edge := range []connector.Traces{logs, metrics} {
		require.NoError(t, edge.Shutdown(t.Context()))
		start(t, edge)
		require.NoError(t, edge.Shutdown(t.Context()))
		require.NoError(t, edge.Shutdown(t.Context()))
	}
	assert.Zero(t, engine.LiveCount())
}

func TestEdgesOfOneConfigurationShareAnEngine(t *testing.T) {
	tel, cfg := telemetry(t), config()
	logs, metrics := newLogsEdge(t, tel, cfg, consumertest.NewNop()), newMetricsEdge(t, tel, cfg, consumertest.NewNop())
	other := newLogsEdge(t, telemetry(t), config(), consumertest.NewNop())
	start(t, metrics)
	start(t, logs)
	assert.Equal(t, 1, engine.LiveCount())
	start(t, other)
	assert.Equal(t, 2, engine.LiveCount(), "another connector has an engine of its own")
	require.NoError(t, logs.Shutdown(t.Context()))
	assert.Equal(t, 2, engine.LiveCount(), "the metrics edge still reads")
	require.NoError(t, metrics.Shutdown(t.Context()))
	assert.Equal(t, 1, engine.LiveCount())
	require.NoError(t, other.Shutdown(t.Context()))
	assert.Zero(t, engine.LiveCount())
}

func TestStartRefusesBadRules(t *testing.T) {
	cfg := config()
	cfg.Engine.Rules[0]["always"] = "trace.has("
	edge := newLogsEdge(t, telemetry(t), cfg, consumertest.NewNop())
	assert.ErrorContains(t, edge.Start(t.Context(), &tracetest.Host{}), "payment-needs-fraud-check")
	require.NoError(t, edge.Shutdown(t.Context()))
	assert.Zero(t, engine.LiveCount())
}

// TestShutdownEndsWhateverTheConsumersDo is about consumers that hear of nothing, in both orders, because the collector
// shuts the edges down one after the other.
func TestShutdownEndsWhateverTheConsumersDo(t *testing.T) {
	for _, logsFirst := range []bool{true, false} {
		tel, cfg := telemetry(t), config()
		cfg.MetricsInterval = pause
		gate, entered := tracetest.NewGate(), make(chan struct{}, 10)
		deaf := func() error {
			select {
			case entered <- struct{}{}:
			default:
			}
			return gate.Pass(context.Background())
		}
		toLogs, err := consumer.NewLogs(func(context.Context, plog.Logs) error { return deaf() })
		require.NoError(t, err)
		toMetrics, err := consumer.NewMetrics(func(context.Context, pmetric.Metrics) error { return deaf() })
		require.NoError(t, err)
		edges := []connector.Traces{newLogsEdge(t, tel, cfg, toLogs), newMetricsEdge(t, telemetry(t), cfg, toMetrics)}
		for _, edge := range edges {
			start(t, edge)
		}
		consume(t, edges[0], tracetest.Trace(1, tracetest.Charge, tracetest.Charge))
		<-entered
		<-entered
		if !logsFirst {
			edges[0], edges[1] = edges[1], edges[0]
		}
		began := time.Now()
		for _, edge := range edges {
			assert.ErrorIs(t, edge.Shutdown(context.Background()), context.DeadlineExceeded)
		}
		assert.Less(t, time.Since(began), 5100*time.Millisecond)
		assert.Zero(t, engine.LiveCount())
		gate.Open()
	}
}
