// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package measure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/measure"

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/gauge"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/side"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"
)

const (
	// settled is how much longer than the wait a side may need: tail_sampling decides by the second.
	settled = 2500 * time.Millisecond
	poll    = 100 * time.Millisecond
)

// sender feeds a side and remembers what it must find.
type sender struct {
	traffic *traffic.Traffic
	to      side.Side
	locked  bool

	rounds    uint64
	inConsume time.Duration
	// last is when the last request of a round went out.
	last []time.Time
}

// round sends one round of the traffic.
func (s *sender) round(ctx context.Context) error {
	began := time.Now()
	for i := range s.traffic.Requests() {
		td, err := s.traffic.Request(s.rounds, i, began)
		if err != nil {
			return err
		}
		if s.locked {
			before := gauge.ThreadCPU()
			err = s.to.ConsumeTraces(ctx, td)
			s.inConsume += gauge.ThreadCPU() - before
		} else {
			err = s.to.ConsumeTraces(ctx, td)
		}
		if err != nil {
			return err
		}
	}
	s.rounds++
	s.last = append(s.last, time.Now())
	return nil
}

// consume feeds the side as fast as it takes spans, then waits until every trace is decided.
func (s Spec) consume(ctx context.Context) (Result, error) {
	var r Result
	t, err := s.traffic()
	if err != nil {
		return r, err
	}
	set, err := s.settings(t)
	if err != nil {
		return r, err
	}
	asked := t.Answer(set.Rules)
	if len(asked) == 0 {
		return r, fmt.Errorf("the question is about no trace of the traffic `%s`", t.Name)
	}
	var found side.Found
	to, err := side.Start(ctx, s.Side, set, &found)
	if err != nil {
		return r, err
	}
	send := sender{traffic: t, to: to, locked: s.Locked}
	if s.Locked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	// The first round makes what is made once.
	if err := send.round(ctx); err != nil {
		return r, errors.Join(err, to.Shutdown(ctx))
	}
	send.inConsume = 0
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := gauge.ProcessCPU()
	for r.Spans < s.Spans && err == nil {
		err = send.round(ctx)
		r.Spans += t.Spans
	}
	if !s.Hurried {
		err = errors.Join(err, await(to, s.Wait, func() bool { return found.Len() >= len(asked)*int(send.rounds) }))
	}
	verdicts := ""
	if found.Len() != len(asked)*int(send.rounds) {
		verdicts = to.Verdicts()
	}
	err = errors.Join(err, to.Shutdown(ctx))
	r.Total = int64(gauge.ProcessCPU() - began)
	runtime.ReadMemStats(&after)
	if err != nil {
		return r, err
	}
	r.InConsume = int64(send.inConsume)
	r.Allocations = int64(after.Mallocs - before.Mallocs)
	r.Allocated = int64(after.TotalAlloc - before.TotalAlloc)
	rounds := r.Spans / t.Spans
	r.Traces, r.Bytes, r.Keys = rounds*t.Traces, rounds*t.Bytes, to.Keys()
	if s.Side == side.Nothing || s.Hurried {
		return r, nil
	}
	if err := send.check(asked, found.At(), &r); err != nil {
		return r, fmt.Errorf("%w; its own account: %s", err, verdicts)
	}
	return r, nil
}

// await waits until every trace is decided: as the side says, or where it does not tell, until it has found what it must.
func await(to side.Side, wait time.Duration, complete func() bool) error {
	time.Sleep(wait)
	for deadline := time.Now().Add(settled); time.Now().Before(deadline); time.Sleep(poll) {
		open, err := to.Open()
		if err != nil {
			return err
		}
		if open == 0 || open < 0 && complete() {
			return nil
		}
	}
	if open, err := to.Open(); open > 0 || err != nil {
		return errors.Join(err, fmt.Errorf("%d traces are still undecided", open))
	}
	return nil
}

// check compares what the side found with what it must find. An answer that is wrong is no measurement.
func (s *sender) check(asked []pcommon.TraceID, found map[pcommon.TraceID]time.Time, r *Result) error {
	for round := range s.rounds {
		for _, id := range traffic.InRound(asked, round) {
			at, ok := found[id]
			if !ok {
				return fmt.Errorf("round %d: trace %s was not found", round, id)
			}
			delete(found, id)
			r.Found++
			r.Late = append(r.Late, int64(at.Sub(s.last[round])))
		}
	}
	for _, id := range slices.Collect(maps.Keys(found)) {
		return fmt.Errorf("trace %s and %d others were found and must not be", id, len(found)-1)
	}
	return nil
}
