// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoconnector

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/fluo-otel/fluo/go-shim/fluoconnector/internal/metadatatest"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

const (
	patience = 10 * time.Second
	pause    = 10 * time.Millisecond
)

// config has both rules of tracetest and decides complete traces soon.
func config() *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Engine.Rules = []map[string]any{tracetest.PaymentRule(), tracetest.DoubleChargeRule()}
	cfg.Engine.Settle = 200 * time.Millisecond
	cfg.MetricsInterval = time.Hour
	return cfg
}

func telemetry(t *testing.T) *componenttest.Telemetry {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	return tel
}

func newLogsEdge(t *testing.T, tel *componenttest.Telemetry, cfg *Config, next consumer.Logs) connector.Traces {
	edge, err := NewFactory().CreateTracesToLogs(t.Context(), settings(tel), cfg, next)
	require.NoError(t, err)
	return edge
}

func newMetricsEdge(t *testing.T, tel *componenttest.Telemetry, cfg *Config, next consumer.Metrics) connector.Traces {
	edge, err := NewFactory().CreateTracesToMetrics(t.Context(), settings(tel), cfg, next)
	require.NoError(t, err)
	return edge
}

func settings(tel *componenttest.Telemetry) connector.Settings {
	set := metadatatest.NewSettings(tel)
	set.ID = component.NewID(NewFactory().Type())
	return set
}

func start(t *testing.T, c component.Component) {
	require.NoError(t, c.Start(t.Context(), &tracetest.Host{}))
}

// consume hands over batches as the collector does to a component that mutates nothing.
func consume(t *testing.T, c consumer.Traces, batches ...ptrace.Traces) {
	for _, td := range batches {
		td.MarkReadOnly()
		require.NoError(t, c.ConsumeTraces(t.Context(), td))
	}
}

// splitSpans makes one batch of each span.
func splitSpans(td ptrace.Traces) (batches []ptrace.Traces) {
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	for i := range spans.Len() {
		one := ptrace.NewTraces()
		td.CopyTo(one)
		at := 0
		one.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(func(ptrace.Span) bool {
			at++
			return at-1 != i
		})
		batches = append(batches, one)
	}
	return batches
}

// value is the sum of a metric of the collector's own telemetry; 0 where there is none yet.
func value(tel *componenttest.Telemetry, name string) (sum int64) {
	m, err := tel.GetMetric(name)
	if err != nil {
		return 0
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			sum += p.Value
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			sum += p.Value
		}
	}
	return sum
}
