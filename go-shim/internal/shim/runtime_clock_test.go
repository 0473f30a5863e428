// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package shim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

// TestStepOfTheHostsClockDoesNotStopSettling puts the wall clock an hour forward and back while a trace settles.
func TestStepOfTheHostsClockDoesNotStopSettling(t *testing.T) {
	h, c := newHands()
	cfg := earlyConfig()
	cfg.Settle, cfg.MaxDuration = 10*time.Second, time.Minute
	r, err := startAt(c, cfg, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(r.Close)
	// The runtime's own ticks follow the clock; time passes when the test says so.
	pass := func(d time.Duration) {
		h.passed.Add(int64(d))
		h.alive.Add(int64(d))
		h.wall.Add(int64(d))
	}
	r.Ingest(tracetest.Trace(1, tracetest.Charge))
	h.wall.Add(int64(time.Hour))
	pass(5 * time.Second)
	r.Ingest(tracetest.Trace(2, tracetest.Charge))
	time.Sleep(3 * tickInterval)
	assert.Equal(t, int64(2), r.Snapshot().TracesOpen, "an hour on the wall is no hour of quiet")
	h.wall.Add(-int64(time.Hour))
	pass(6 * time.Second)
	require.Eventually(t, func() bool { return r.Snapshot().TracesCompleted == 1 }, patience, pause)
	pass(6 * time.Second)
	require.Eventually(t, func() bool { return r.Snapshot().TracesCompleted == 2 }, patience, pause)
}
