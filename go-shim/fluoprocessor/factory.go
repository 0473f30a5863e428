// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package fluoprocessor // import "github.com/fluo-otel/fluo/go-shim/fluoprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/fluo-otel/fluo/go-shim/fluoprocessor/internal/metadata"
	"github.com/fluo-otel/fluo/go-shim/internal/shim"
)

// NewFactory returns the factory of the processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(
		metadata.Type,
		createDefaultConfig,
		processor.WithTraces(createTraces, metadata.TracesStability),
	)
}

func createDefaultConfig() component.Config { return &Config{Engine: shim.DefaultConfig()} }

func createTraces(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	return &tracesProcessor{cfg: cfg.(*Config), set: set, next: next}, nil
}
