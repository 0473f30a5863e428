// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && fluo_faults

package fluoprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumertest"

	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

func TestSpansPassAfterAPanic(t *testing.T) {
	host, sink := &tracetest.Host{}, &consumertest.TracesSink{}
	cfg := config()
	cfg.Engine.Faults.PanicOnSpan = "boom"
	p := newProcessor(t, telemetry(t), cfg, sink)
	require.NoError(t, p.Start(t.Context(), host))
	consume(t, p, tracetest.Trace(1, "boom"), tracetest.Trace(2, tracetest.Charge), tracetest.Trace(3, "boom"))
	assert.Equal(t, 3, sink.SpanCount())
	assert.Equal(t, []componentstatus.Status{componentstatus.StatusPermanentError}, host.Statuses())
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Equal(t, 3, sink.SpanCount())
}
