// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package fluoprocessor

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

const withoutCgo = "built without cgo: set `dist.cgo_enabled: true`"

// prepare skips the generated test that starts the component, which cannot start in this build.
func prepare() {
	if err := flag.Set("test.skip", "^TestComponentLifecycle$/-lifecycle$"); err != nil {
		panic(err)
	}
}

func TestWithoutCgoNothingIsValid(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Engine.Rules = []map[string]any{tracetest.PaymentRule()}
	assert.EqualError(t, confmap.Validate(cfg), withoutCgo)
}

func TestWithoutCgoNothingStarts(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Engine.Rules = []map[string]any{tracetest.PaymentRule()}
	p, err := NewFactory().CreateTraces(
		t.Context(), processortest.NewNopSettings(NewFactory().Type()), cfg, consumertest.NewNop())
	require.NoError(t, err)
	assert.EqualError(t, p.Start(t.Context(), componenttest.NewNopHost()), withoutCgo)
	assert.NoError(t, p.Shutdown(t.Context()))
}
