// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package figure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/figure"

import (
	"context"
	"fmt"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/measure"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/report"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/side"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/turns"
)

// numbers of rules, and the share of the spans that sides get whose costs grow with them.
var numbers = []struct{ rules, share int }{{1, 1}, {10, 2}, {100, 10}, {1000, 40}}

// soon is how long Fluo waits where it is compared with itself.
const soon = 250 * time.Millisecond

// Rules compares 1,000 rules with 10, on every side.
func Rules(ctx context.Context, o Options) (r Result, err error) {
	var specs []turns.Spec
	at := map[string]int{}
	add := func(key string, s measure.Spec) {
		s.Cores, s.Grace = 1, grace
		at[key] = len(specs)
		specs = append(specs, s)
	}
	add(side.Nothing, measure.Spec{What: measure.Consume, Side: side.Nothing, Shape: measure.Typical, Rules: 1, Spans: o.Spans, Wait: soon})
	for _, n := range numbers {
		for _, shape := range []string{measure.Typical, measure.Disjoint} {
			add(fmt.Sprint(side.Fluo, shape, n.rules), measure.Spec{
				What: measure.Consume, Side: side.Fluo, Shape: shape, Rules: n.rules, Spans: o.Spans, Locked: true, Wait: soon,
			})
		}
		few := o.Spans / n.share
		for _, name := range []string{side.TailSampling, side.GroupByTrace} {
			add(fmt.Sprint(name, n.rules), measure.Spec{
				What: measure.Consume, Side: name, Shape: measure.Typical, Rules: n.rules, Spans: few, Wait: wait,
			})
		}
		add(fmt.Sprint(measure.OTTL, n.rules), measure.Spec{What: measure.OTTL, Shape: measure.Typical, Rules: n.rules, Spans: few})
	}
	all, err := turns.Take[measure.Result](ctx, min(3, o.Runs), specs...)
	if err != nil {
		return r, err
	}
	get := func(parts ...any) []measure.Result { return all[at[fmt.Sprint(parts...)]] }
	t := report.NewTable("rules", "Fluo in ConsumeTraces, typical", "disjoint", "Fluo in total, typical", "disjoint",
		"tail_sampling in total", "groupbytrace in total", "OTTL alone")
	inTotal := func(runs []measure.Result) string { return nanos(turns.Middle(net(runs, get(side.Nothing), total))) }
	for _, n := range numbers {
		typical, disjoint := get(side.Fluo, measure.Typical, n.rules), get(side.Fluo, measure.Disjoint, n.rules)
		t.Add(fmt.Sprint(n.rules), nanos(turns.Median(typical, inConsume)), nanos(turns.Median(disjoint, inConsume)),
			inTotal(typical), inTotal(disjoint), inTotal(get(side.TailSampling, n.rules)), inTotal(get(side.GroupByTrace, n.rules)),
			nanos(turns.Median(get(measure.OTTL, n.rules), total)))
	}
	r.table("CPU a span by number of rules, 1 core", t)
	ottl := turns.Ratio(get(measure.OTTL, 10), get(measure.OTTL, 1000), total)
	for _, promise := range []struct {
		shape string
		bound float64
	}{{measure.Typical, 3}, {measure.Disjoint, 1.2}} {
		ten, many := get(side.Fluo, promise.shape, 10), get(side.Fluo, promise.shape, 1000)
		more := turns.Ratio(ten, many, inConsume)
		r.Figures = append(r.Figures, report.Figure{
			Name:  fmt.Sprintf("1,000 %s rules against 10, in ConsumeTraces", promise.shape),
			Ours:  nanos(turns.Median(many, inConsume)) + " against " + nanos(turns.Median(ten, inConsume)),
			Peer:  "OTTL alone " + nanos(turns.Median(get(measure.OTTL, 1000), total)) + fmt.Sprintf(", %.0f×", ottl),
			Ratio: report.Number(more) + "×", Value: more, Bound: promise.bound, Target: fmt.Sprintf("at most %v×", promise.bound),
		})
	}
	return r, nil
}
