// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package fluoconnector // import "github.com/fluo-otel/fluo/go-shim/fluoconnector"

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"

	"github.com/fluo-otel/fluo/go-shim/fluoconnector/internal/metadata"
	"github.com/fluo-otel/fluo/go-shim/internal/shim"
)

// engines are the running engines, by configuration object: the edges of one connector share one.
var engines shim.Registry

// NewFactory returns the factory of the connector.
func NewFactory() connector.Factory {
	return connector.NewFactory(
		metadata.Type,
		createDefaultConfig,
		connector.WithTracesToLogs(createTracesToLogs, metadata.TracesToLogsStability),
		connector.WithTracesToMetrics(createTracesToMetrics, metadata.TracesToMetricsStability),
	)
}

func createDefaultConfig() component.Config {
	return &Config{Engine: shim.DefaultConfig(), MetricsInterval: 15 * time.Second}
}

func createTracesToLogs(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Logs) (connector.Traces, error) {
	return &logsEdge{edge: edge{cfg: cfg.(*Config), set: set}, next: next}, nil
}

func createTracesToMetrics(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Traces, error) {
	return &metricsEdge{edge: edge{cfg: cfg.(*Config), set: set}, next: next}, nil
}
