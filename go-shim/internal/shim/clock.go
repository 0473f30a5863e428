// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"sync/atomic"
	"time"
)

const (
	// lasting is how long the wall clock has to be ahead before the difference is taken for a correction.
	lasting = time.Minute
	// aside is how far the wall clock may be ahead and still be taken for right.
	aside = time.Second
)

// clock tells the time of arrival: the wall clock's time at the start and the time that has passed since. A wall clock
// that is put forward and back moves nothing: the engine, for which time never goes back, would else stand still until the
// wall clock is there again.
//
// Two things move it forward beyond that. The time that the host slept counts where the host tells it. And a wall clock
// that has been ahead for a minute is right, the time at the start was not: spans bear the wall clock's time, and those too
// far ahead of their arrival are not believed.
type clock struct {
	// passed, alive and wall are nanoseconds: awake since some instant, the same with sleep, since the Unix epoch.
	passed, alive, wall func() int64

	offset atomic.Int64 // what is added to passed

	// What follow alone knows: the sleep counted so far, and since when the wall clock has been ahead, by passed.
	slept int64
	ahead int64
	early bool
}

var origin = time.Now()

// hostClock is the clock of this host.
func hostClock() *clock {
	return newClock(
		func() int64 { return int64(time.Since(origin)) },
		aliveNanos,
		func() int64 { return time.Now().UnixNano() },
	)
}

func newClock(passed, alive, wall func() int64) *clock {
	c := &clock{passed: passed, alive: alive, wall: wall}
	at := passed()
	c.slept = alive() - at
	c.offset.Store(wall() - at)
	return c
}

// now is the time of arrival in nanoseconds since the Unix epoch, from any goroutine.
func (c *clock) now() uint64 { return uint64(c.passed() + c.offset.Load()) }

// follow takes sleep and corrections in. One goroutine calls it, at every tick.
func (c *clock) follow() {
	alive := c.alive() // read first: what passes between the two is no sleep
	at := c.passed()
	if slept := alive - at; slept-c.slept >= int64(tickInterval) {
		c.offset.Add(slept - c.slept)
		c.slept = slept
	}
	behind := c.wall() - at - c.offset.Load()
	switch {
	case behind <= int64(aside):
		c.early = false
	case !c.early:
		c.early, c.ahead = true, at
	case at-c.ahead >= int64(lasting):
		c.early = false
		c.offset.Add(behind)
	}
}
