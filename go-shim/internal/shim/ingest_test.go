// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package shim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/internal/projection"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

func TestBatchAfterTheEndIsCountedAsNotEvaluated(t *testing.T) {
	r := start(t, earlyConfig())
	r.Ingest(tracetest.Trace(1, "a"))
	r.Flush()
	r.Flush()
	r.Ingest(tracetest.Trace(2, "a"))
	r.Close()
	r.Ingest(tracetest.Trace(3, "a"))
	s := r.Snapshot()
	assert.Equal(t, int64(2), s.IngestErrors)
	assert.Equal(t, int64(1), s.SpansReceived, "the counters outlive the engine")
}

func TestBatchWithoutSpansOfOthersIsNoCall(t *testing.T) {
	r := start(t, earlyConfig())
	own := tracetest.Trace(1, "fluo.violation")
	own.ResourceSpans().At(0).ScopeSpans().At(0).Scope().SetName(projection.OwnScope)
	r.Ingest(ptrace.NewTraces())
	r.Ingest(own)
	s := r.Snapshot()
	assert.Zero(t, s.SpansReceived)
	assert.Zero(t, s.IngestErrors)
}

// TestNobodyDrains is the life of a metrics edge alone: what has nowhere to go must not fill the queue.
func TestNobodyDrains(t *testing.T) {
	cfg := earlyConfig()
	cfg.SignalQueueSize = 2
	r := start(t, cfg)
	for n := range uint64(5) {
		violate(r, n, 1)
		require.Eventually(t, func() bool { return r.Snapshot().SignalsQueued == 0 }, patience, time.Millisecond)
	}
	s := r.Snapshot()
	assert.Equal(t, int64(5), s.SignalsEmitted)
	assert.Zero(t, s.SignalsDropped)
	assert.Zero(t, s.SignalsFailed)
}
