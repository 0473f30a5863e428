// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package shim

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

var (
	errBusy = errors.New("busy")
	errNo   = consumererror.NewPermanent(errors.New("no"))
)

// hasty is the retry policy in small.
var hasty = retryPolicy{
	first: time.Millisecond, most: 4 * time.Millisecond, total: 300 * time.Millisecond,
}

func TestSignalsArriveWithoutBeingAskedFor(t *testing.T) {
	r := start(t, earlyConfig())
	to := &receiver{}
	d := startDrainer(r, engine.FormLogs, to.deliver, hasty)
	violate(r, 0, 3)
	require.Eventually(t, func() bool { return to.got() == 3 }, patience, pause)
	require.NoError(t, d.Shutdown(t.Context()))
}

func TestRefusedChunkIsOfferedAgain(t *testing.T) {
	r := start(t, earlyConfig())
	to := &receiver{answers: []error{errBusy, errBusy, errBusy, nil}}
	d := startDrainer(r, engine.FormLogs, to.deliver, hasty)
	violate(r, 0, 1)
	require.Eventually(t, func() bool { return to.got() == 1 }, patience, pause)
	assert.Equal(t, 4, to.tried())
	assert.Zero(t, r.Snapshot().SignalsFailed)
	require.NoError(t, d.Shutdown(t.Context()))
}

func TestChunkThatIsNeverTakenFailsAndTheNextGoesOn(t *testing.T) {
	r := start(t, earlyConfig())
	to := &receiver{answers: []error{errBusy}}
	d := startDrainer(r, engine.FormLogs, to.deliver, hasty)
	violate(r, 0, 1)
	require.Eventually(t, func() bool { return r.Snapshot().SignalsFailed == 1 }, patience, pause)
	assert.Greater(t, to.tried(), 5)
	to.mu.Lock()
	to.answers = nil
	to.mu.Unlock()
	violate(r, 10, 1)
	require.Eventually(t, func() bool { return to.got() == 1 }, patience, pause)
	require.NoError(t, d.Shutdown(t.Context()))
}

func TestPermanentErrorIsNotTriedAgain(t *testing.T) {
	r := start(t, earlyConfig())
	to := &receiver{answers: []error{errNo, nil}}
	d := startDrainer(r, engine.FormLogs, to.deliver, hasty)
	violate(r, 0, 1)
	require.Eventually(t, func() bool { return r.Snapshot().SignalsFailed == 1 }, patience, pause)
	assert.Equal(t, 1, to.tried())
	require.NoError(t, d.Shutdown(t.Context()))
	assert.Equal(t, 0, to.got())
}

func TestQueueHoldsWhatTheConsumerRefuses(t *testing.T) {
	cfg := earlyConfig()
	cfg.SignalQueueSize = 5
	r := start(t, cfg)
	to := &receiver{answers: []error{errBusy}}
	d := startDrainer(r, engine.FormLogs, to.deliver, retryPolicy{first: time.Hour, most: time.Hour, total: 2 * time.Hour})
	violate(r, 0, 1)
	require.Eventually(t, func() bool { return to.tried() == 1 }, patience, pause)
	violate(r, 1, 20)
	s := r.Snapshot()
	assert.Equal(t, int64(6), s.SignalsQueued, "those in the queue and the one that is being offered")
	assert.Equal(t, int64(15), s.SignalsDropped)
	assert.Zero(t, s.SignalsFailed)
	to.mu.Lock()
	to.answers = nil
	to.mu.Unlock()
	require.NoError(t, d.Shutdown(t.Context()), "a shutdown ends the wait and tries once more")
	assert.Equal(t, 6, to.got())
	assert.Zero(t, r.Snapshot().SignalsQueued)
}

func TestShutdownGivesUpAndCounts(t *testing.T) {
	r := start(t, earlyConfig())
	r.ending.time = 0
	to := &receiver{answers: []error{errBusy}}
	patient := hasty
	patient.total = time.Hour
	d := startDrainer(r, engine.FormLogs, to.deliver, patient)
	violate(r, 0, 2000)
	assert.EqualError(t, d.Shutdown(t.Context()), "2000 signals were not taken by the next consumer before the shutdown ended")
	assert.Equal(t, int64(2000), r.Snapshot().SignalsFailed)
}

func TestShutdownLeavesAConsumerThatIgnoresItsContext(t *testing.T) {
	for _, c := range []struct {
		name  string
		ctx   func(*testing.T) context.Context
		limit time.Duration // of the runtime
		most  time.Duration
	}{
		{"of the collector", shortly, endingTime, time.Second},
		{"of the runtime", (*testing.T).Context, 2 * time.Second, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, earlyConfig())
			r.ending.time = c.limit
			gate, entered := tracetest.NewGate(), make(chan struct{}, 1)
			d := startDrainer(r, engine.FormLogs, func(context.Context, []byte) error {
				entered <- struct{}{}
				return gate.Pass(context.Background())
			}, hasty)
			violate(r, 0, 1)
			<-entered
			violate(r, 1, 3)
			began := time.Now()
			err := d.Shutdown(c.ctx(t))
			assert.Less(t, time.Since(began), c.most)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.ErrorContains(t, err, "4 signals were not taken", "the one under way and those behind it")
			s := r.Snapshot()
			assert.Equal(t, int64(4), s.SignalsFailed)
			assert.Zero(t, s.SignalsQueued)
			r.Close() // the drainer is still inside the consumer: freeing the engine must not disturb it
			gate.Open()
			<-d.done
			s = r.Snapshot()
			assert.Equal(t, int64(4), s.SignalsFailed, "each counts once, whatever the consumer says in the end")
			assert.Zero(t, s.SignalsQueued)
		})
	}
}

func shortly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// TestNoShutdownIsLongerThanPromised is about the constants, which no other test waits for.
func TestNoShutdownIsLongerThanPromised(t *testing.T) {
	r := start(t, earlyConfig())
	began := time.Now()
	first, end := r.Ending(t.Context())
	defer end()
	by, bounded := first.Deadline()
	require.True(t, bounded)
	assert.LessOrEqual(t, by.Sub(began)+noticeTime+leastTime+noticeTime, endingTime+time.Millisecond)
	r.ending.by = began.Add(-time.Second)
	second, end := r.Ending(t.Context())
	defer end()
	assert.NoError(t, second.Err(), "the second edge has a moment of its own")
}
