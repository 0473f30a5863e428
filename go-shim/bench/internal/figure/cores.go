// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package figure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/figure"

import (
	"context"
	"fmt"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/measure"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/report"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/side"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/turns"
)

// moreSpans makes the runs of a fast side long enough to be timed.
const moreSpans = 5

// Cores compares two senders on two cores with one on one.
func Cores(ctx context.Context, o Options) (r Result, err error) {
	var specs []turns.Spec
	for _, name := range []string{side.Nothing, side.Fluo, side.TailSampling} {
		for _, cores := range []int{1, 2} {
			specs = append(specs, measure.Spec{
				What: measure.Throughput, Side: name, Shape: measure.Typical, Rules: 10, Spans: moreSpans * o.Spans, Cores: cores, Wait: wait, Grace: grace,
			})
		}
	}
	all, err := turns.Take[measure.Result](ctx, o.Runs, specs...)
	if err != nil {
		return r, err
	}
	t := report.NewTable("side", "1 core", "2 cores", "ratio")
	row := func(at int) (string, string, float64) {
		more := turns.Ratio(all[at+1], all[at], wall)
		return rate(all[at]), rate(all[at+1]), more
	}
	for i, name := range []string{"renaming the spans alone", side.Fluo, side.TailSampling} {
		one, two, more := row(2 * i)
		t.Add(name, one, two, report.Number(more))
	}
	one, two, more := row(2)
	_, _, peer := row(4)
	r.table("Spans a second through ConsumeTraces, 10 rules", t)
	r.Figures = []report.Figure{{
		Name: "two cores against one, ConsumeTraces, 10 rules", Ours: two + " against " + one,
		Peer: fmt.Sprintf("tail_sampling %s×", report.Number(peer)), Ratio: report.Number(more) + "×",
		Value: more, Bound: 1.8, AtLeast: true, Target: "at least 1.8×",
	}}
	return r, nil
}

func wall(r measure.Result) float64 { return float64(r.Wall) / float64(r.Spans) }

func rate(runs []measure.Result) string {
	return fmt.Sprintf("%s M/s", report.Number(1e3/turns.Median(runs, wall)))
}
