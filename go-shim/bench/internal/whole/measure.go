// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package whole // import "github.com/fluo-otel/fluo/go-shim/bench/internal/whole"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"
)

// requestTraces is how many traces a request has, about what a service sends at once.
const requestTraces = 32

// Spec is one collector under one load.
type Spec struct {
	// Program is the collector, Pipeline what it does, Core where it runs.
	Program, Pipeline string
	Core              int
	// Rate of spans a second; 0 sends as many as are accepted.
	Rate float64
	// Warm is how long it runs before it is measured, Long for how long it is measured.
	Warm, Long time.Duration
	// Wait is how long traces are waited for.
	Wait time.Duration
}

// Result of a load.
type Result struct {
	// Spans that were accepted while it was measured, in Wall nanoseconds, for CPU nanoseconds of the collector.
	Spans     int
	Wall, CPU int64
	// RSS of the collector at the end.
	RSS int64
	// Late and Early are the nanoseconds from a trace's last span to the answer: at completion, and before.
	Late, Early []int64
}

// Kind is the argument by which the program takes such a measurement.
func (Spec) Kind() string { return "whole" }

// On leaves the first core to the collector.
func (Spec) On(all []int) []int { return all[min(1, len(all)):] }

func (s Spec) String() string {
	return fmt.Sprintf("the collector, pipeline %s, at %.0f spans a second", s.Pipeline, s.Rate)
}

// Run starts the collector, loads it and waits for all answers.
func (s Spec) Run(ctx context.Context) (r Result, err error) {
	t, err := traffic.MixedOf(requestTraces)
	if err != nil {
		return r, err
	}
	scratch, err := os.MkdirTemp("", "bench")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(scratch)
	answers := newAnswers()
	spans, err := listen(func([]byte, bool) {})
	if err != nil {
		return r, err
	}
	defer spans.server.Stop()
	answered, err := listen(answers.take)
	if err != nil {
		return r, err
	}
	defer answered.server.Stop()
	a := addresses{spans: spans.address, answers: answered.address}
	if a.receiver, err = freeAddress(); err != nil {
		return r, err
	}
	configured, err := config(s.Pipeline, t.Asked, s.Wait, a)
	if err != nil {
		return r, err
	}
	c, err := start(s.Program, s.Core, configured, a, scratch)
	if err != nil {
		return r, err
	}
	l := newLoad(t, answers)
	from, err := s.measure(ctx, c, l, a, &r)
	if err == nil {
		err = s.answered(answers, from, &r)
	}
	if err != nil {
		err = errors.Join(err, c.complain("the collector's log"))
	}
	if err = errors.Join(err, c.stop()); err == nil && spans.bytes.Load() == 0 {
		err = errors.New("no span was passed on")
	}
	return r, err
}

// measure loads the collector twice: to warm it, and to measure from a time on.
func (s Spec) measure(ctx context.Context, c *collector, l *load, a addresses, r *Result) (from time.Time, err error) {
	if err := l.run(ctx, a.receiver, s.Rate, s.Warm); err != nil {
		return from, err
	}
	before, err := c.cpu()
	if err != nil {
		return from, err
	}
	spans := l.spans.Load()
	from = time.Now()
	if err := l.run(ctx, a.receiver, s.Rate, s.Long); err != nil {
		return from, err
	}
	r.Spans, r.Wall = int(l.spans.Load()-spans), int64(time.Since(from))
	after, err := c.cpu()
	if err != nil {
		return from, err
	}
	r.CPU = int64(after - before)
	r.RSS, err = c.rss()
	return from, err
}

// settled is how much longer than the wait an answer may take.
const settled = 10 * time.Second

// answered waits for the answers and checks them: all that were asked for, and no others.
func (s Spec) answered(a *answers, from time.Time, r *Result) (err error) {
	if s.Pipeline == Plain {
		return nil
	}
	for deadline := time.Now().Add(s.Wait + settled); a.missing() > 0 && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	if n := a.missing(); n > 0 {
		return fmt.Errorf("%d traces were not found", n)
	}
	var more int
	if r.Late, r.Early, more, err = a.result(from); err == nil && more > 0 {
		err = fmt.Errorf("%d traces were found and must not be", more)
	}
	return err
}
