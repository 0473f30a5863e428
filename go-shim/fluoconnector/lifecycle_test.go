// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoconnector

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer/consumertest"

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
