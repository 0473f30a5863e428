// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package figure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/figure"

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/measure"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/report"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/side"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/turns"
)

// dear is the rule of the cookbook that reads every attribute.
const dear = "card-number"

// contender is a side with its rules.
type contender struct {
	name  string
	spec  measure.Spec
	peers bool
}

// compared are the runs of a contender: with the thread locked, which tells what ConsumeTraces costs its caller, and without,
// which tells what all of it costs the process.
type compared struct{ locked, free []measure.Result }

// Consume compares the CPU of the same question on all sides.
func Consume(ctx context.Context, o Options) (r Result, err error) {
	columns := []string{
		"traffic", "cores", "side", "in ConsumeTraces", "in total", "Go allocations", "last span to verdict, p50 and p99", "attributes copied",
	}
	t := report.NewTable(columns...)
	folders := append([]string{""}, o.Recordings...)
	for _, cores := range []int{1, 2} {
		if cores > 1 {
			folders = folders[:1]
		}
		for _, folder := range folders {
			base := measure.Spec{
				What: measure.Consume, Shape: measure.Typical, Rules: 1, Recordings: folder, Spans: o.Spans, Cores: cores, Wait: wait, Grace: grace,
			}
			sides := []contender{{name: side.Fluo, spec: base}}
			peers := []string{side.TailSampling}
			if cores == 1 {
				peers = append(peers, side.GroupByTrace)
			}
			if folder == "" && cores == 1 {
				sides = append(sides, o.cookbook(base)...)
			}
			for _, name := range peers {
				spec := base
				spec.Side = name
				sides = append(sides, contender{name: name, spec: spec, peers: true})
			}
			nothing, runs, err := o.compare(ctx, base, sides)
			if err != nil {
				return r, err
			}
			for i, c := range sides {
				t.Add(cells(base, c, nothing, runs[i])...)
			}
			if folder == "" && cores == 1 {
				r.Figures = promised(nothing, sides, runs)
			}
		}
	}
	r.table("CPU and allocations a span, one question, decided in all", t)
	return r, nil
}

// cookbook is Fluo with all rules of the cookbook beside the question, and with all but one.
func (o Options) cookbook(base measure.Spec) []contender {
	whole := base
	whole.Shape, whole.Page = measure.Cookbook, o.Cookbook
	without := whole
	without.Without = []string{dear}
	return []contender{
		{name: "fluo, whole cookbook", spec: whole},
		{name: "fluo, cookbook without " + dear, spec: without},
	}
}

// compare runs all contenders in turns, and the requests alone.
func (o Options) compare(ctx context.Context, base measure.Spec, sides []contender) ([]measure.Result, []compared, error) {
	base.Side = side.Nothing
	specs := []turns.Spec{base}
	for _, c := range sides {
		c.spec.Side = cmp.Or(c.spec.Side, side.Fluo)
		locked := c.spec
		locked.Locked, locked.Hurried = true, true
		specs = append(specs, locked, c.spec)
	}
	all, err := turns.Take[measure.Result](ctx, o.Runs, specs...)
	if err != nil {
		return nil, nil, err
	}
	runs := make([]compared, len(sides))
	for i := range runs {
		runs[i] = compared{locked: all[1+2*i], free: all[2+2*i]}
	}
	return all[0], runs, nil
}

func cells(base measure.Spec, c contender, nothing []measure.Result, runs compared) []string {
	traffic := "synthetic"
	if base.Recordings != "" {
		traffic = "recorded"
	}
	return []string{
		traffic, fmt.Sprint(base.Cores), c.name,
		nanos(turns.Median(runs.locked, inConsume)),
		nanos(turns.Middle(net(runs.free, nothing, total))),
		report.Number(turns.Middle(net(runs.free, nothing, allocations))),
		late(runs.free, 0.5) + ", " + late(runs.free, 0.99),
		keys(runs.free[0].Keys),
	}
}

// late is a quantile of the time from a trace's last span to its verdict, beyond the wait that was asked for.
func late(runs []measure.Result, q float64) string {
	var all []int64
	for _, r := range runs {
		all = append(all, r.Late...)
	}
	slices.Sort(all)
	at := time.Duration(all[int(q*float64(len(all)-1))])
	return fmt.Sprintf("%.2f s", at.Seconds())
}

// promised are the rows with a target.
func promised(nothing []measure.Result, sides []contender, runs []compared) (rows []report.Figure) {
	peer := runs[slices.IndexFunc(sides, func(c contender) bool { return c.name == side.TailSampling })]
	for i, c := range sides {
		if c.peers {
			continue
		}
		bound, target := 15.0, "at most 1/15, goal 1/20"
		if i > 0 {
			bound, target = 10, "at most 1/10"
		}
		name := fmt.Sprintf("%s, %s attributes copied", c.name, keys(runs[i].free[0].Keys))
		caller := turns.Ratio(runs[i].locked, peer.locked, inConsume)
		ours, theirs := net(runs[i].free, nothing, total), net(peer.free, nothing, total)
		all := turns.Middle(over(theirs, ours))
		rows = append(rows, report.Figure{
			Name: "CPU a span in ConsumeTraces, 1 core: " + name,
			Ours: nanos(turns.Median(runs[i].locked, inConsume)), Peer: "tail_sampling " + nanos(turns.Median(peer.locked, inConsume)),
			Ratio: part(caller), Value: caller, Bound: bound, AtLeast: true, Target: target,
		}, report.Figure{
			Name: "the same up to the verdict, all threads: " + name,
			Ours: nanos(turns.Middle(ours)), Peer: "tail_sampling " + nanos(turns.Middle(theirs)),
			Ratio: part(all), Value: all, Bound: bound, AtLeast: true, Target: target,
		})
	}
	return rows
}
