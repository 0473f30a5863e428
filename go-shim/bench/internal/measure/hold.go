// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package measure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/measure"

import (
	"context"
	"errors"
	"fmt"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/gauge"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/side"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"
)

// hold fills the side with traces and weighs them.
func (s Spec) hold(ctx context.Context) (Result, error) {
	var r Result
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
	before, err := weigh(to)
	if err == nil {
		rounds := (s.Spans + t.Spans - 1) / t.Spans
		r.Spans = rounds * t.Spans
		err = s.fill(ctx, t, to, rounds)
	}
	r.Traces, r.Keys = r.Spans/t.Spans*t.Traces, to.Keys()
	want := int64(r.Traces)
	if s.Decided && err == nil {
		want = 0
		err = await(to, s.Wait, func() bool { return false })
	}
	if err == nil {
		r.Held, err = since(before, to)
	}
	if open, told := to.Open(); told == nil && open >= 0 && open != want {
		err = errors.Join(err, fmt.Errorf("%d of %d traces were open when they were weighed", open, r.Traces))
	}
	return r, errors.Join(err, to.Shutdown(ctx))
}

// fill sends so many rounds. The requests are decoded anew, so that the spans that a side keeps share nothing; Fluo keeps nothing
// of a request.
func (s Spec) fill(ctx context.Context, t *traffic.Traffic, to side.Side, rounds int) error {
	if s.Side == side.Fluo {
		return repeat(ctx, t, to, 0, rounds)
	}
	send := sender{traffic: t, to: to}
	for range rounds {
		if err := send.round(ctx); err != nil {
			return err
		}
	}
	return nil
}

func weigh(to side.Side) (Held, error) {
	m, err := gauge.ReadMemory()
	if err != nil {
		return Held{}, err
	}
	held, err := to.Held()
	return Held{Engine: held, Heap: m.Heap, RSS: m.RSS}, err
}

func since(before Held, to side.Side) (Held, error) {
	now, err := weigh(to)
	return Held{Engine: now.Engine - before.Engine, Heap: now.Heap - before.Heap, RSS: now.RSS - before.RSS}, err
}
