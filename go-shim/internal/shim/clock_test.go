// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// hands are the clocks of a host, set by a test.
type hands struct{ passed, alive, wall atomic.Int64 }

// someday is when the hosts of these tests start.
const someday = int64(1_800_000_000 * time.Second)

func newHands() (*hands, *clock) {
	h := &hands{}
	h.passed.Store(int64(time.Hour))
	h.alive.Store(int64(3 * time.Hour))
	h.wall.Store(someday)
	return h, newClock(h.passed.Load, h.alive.Load, h.wall.Load)
}

// pass lets time pass on all clocks, tick by tick.
func (h *hands) pass(c *clock, d time.Duration) {
	for ; d > 0; d -= tickInterval {
		for _, hand := range []*atomic.Int64{&h.passed, &h.alive, &h.wall} {
			hand.Add(int64(min(d, tickInterval)))
		}
		c.follow()
	}
}

func (c *clock) since() time.Duration { return time.Duration(int64(c.now()) - someday) }

func TestClockBeginsWithTheWallClockAndRunsOnByItself(t *testing.T) {
	h, c := newHands()
	assert.Zero(t, c.since())
	h.pass(c, 90*time.Minute)
	assert.Equal(t, 90*time.Minute, c.since())
}

func TestStepOfTheWallClockThatDoesNotLastMovesNothing(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, -time.Second, 10 * time.Millisecond, time.Hour, 10_000 * time.Hour} {
		h, c := newHands()
		h.wall.Add(int64(step))
		h.pass(c, lasting-time.Second)
		assert.Equal(t, lasting-time.Second, c.since(), step)
		h.wall.Add(-int64(step))
		h.pass(c, 10*time.Minute)
		assert.Equal(t, lasting-time.Second+10*time.Minute, c.since(), step)
	}
}

func TestWallClockThatStaysAheadIsRight(t *testing.T) {
	h, c := newHands()
	h.wall.Add(int64(time.Hour))
	h.pass(c, lasting+time.Second)
	assert.Equal(t, time.Hour+lasting+time.Second, c.since())
	h.pass(c, 10*time.Minute)
	assert.Equal(t, time.Hour+lasting+time.Second+10*time.Minute, c.since(), "once")
}

func TestWallClockThatStaysBehindMovesNothing(t *testing.T) {
	h, c := newHands()
	h.wall.Add(-int64(time.Hour))
	h.pass(c, 3*time.Hour)
	assert.Equal(t, 3*time.Hour, c.since())
}

func TestSleepCounts(t *testing.T) {
	h, c := newHands()
	h.pass(c, time.Second)
	h.alive.Add(int64(8 * time.Hour))
	h.wall.Add(int64(8 * time.Hour))
	h.pass(c, time.Second)
	assert.Equal(t, 8*time.Hour+2*time.Second, c.since())
	h.pass(c, 10*time.Minute)
	assert.Equal(t, 8*time.Hour+2*time.Second+10*time.Minute, c.since(), "once")
}

func TestHostClockIsTheWallClock(t *testing.T) {
	c := hostClock()
	c.follow()
	assert.WithinDuration(t, time.Now(), time.Unix(0, int64(c.now())), aside)
}
