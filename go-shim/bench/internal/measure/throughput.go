// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package measure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/measure"

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/side"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"
)

// throughput has one sender for each core send as fast as it can. The senders decode their requests before and only rename them
// each time, so nearly all of the time is the side's. Sides that keep what they are given cannot be measured so.
func (s Spec) throughput(ctx context.Context) (r Result, err error) {
	t, err := s.traffic()
	if err != nil {
		return r, err
	}
	set, err := s.settings(t)
	if err != nil {
		return r, err
	}
	to, err := side.Start(ctx, s.Side, set, &side.Found{})
	if err != nil {
		return r, err
	}
	if to.Capabilities().MutatesData {
		return r, errors.Join(errors.New("this side keeps what it is given"), to.Shutdown(ctx))
	}
	var senders sync.WaitGroup
	failed := make(chan error, s.Cores)
	rounds := (s.Spans/s.Cores + t.Spans - 1) / t.Spans
	runtime.GC()
	began := time.Now()
	for n := range s.Cores {
		senders.Go(func() { failed <- repeat(ctx, t, to, uint64(n*rounds), rounds) })
	}
	senders.Wait()
	r.Wall = int64(time.Since(began))
	for range s.Cores {
		err = errors.Join(err, <-failed)
	}
	r.Spans = s.Cores * rounds * t.Spans
	return r, errors.Join(err, to.Shutdown(ctx))
}

// repeat sends so many rounds from one on.
func repeat(ctx context.Context, t *traffic.Traffic, to side.Side, from uint64, rounds int) error {
	for i := range t.Requests() {
		last := time.Now()
		td, err := t.Request(from, i, last)
		if err != nil {
			return err
		}
		for n := range uint64(rounds) {
			if n > 0 {
				now := time.Now()
				traffic.Renew(td, from+n-1, from+n, now.Sub(last))
				last = now
			}
			if err := to.ConsumeTraces(ctx, td); err != nil {
				return err
			}
		}
	}
	return nil
}
