// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package figure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/figure"

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/gauge"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/report"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/turns"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/whole"
)

// How long a collector runs before it is measured, which is until it decides as many traces as it takes, and how long then.
const (
	warm = 2500 * time.Millisecond
	long = 4 * time.Second
)

// Promised: how much later than the wait an answer may come, and how late one that needs no wait.
const (
	lateBound  = 100 * time.Millisecond
	earlyBound = 10 * time.Millisecond
)

// rates of the load, as shares of what the collector with Fluo takes at most. The last is the one for latencies.
var rates = []float64{0.3, 0.6, 0.8}

var pipelines = []string{whole.Plain, whole.WithFluo, whole.TailSampling}

// Collectors compares whole collectors, each on one core: as fast as they can, then at rising rates.
func Collectors(ctx context.Context, o Options) (r Result, err error) {
	if o.Collector == "" {
		return r, errors.New("say where the collector is: -collector")
	}
	cores, err := gauge.Cores()
	if err != nil {
		return r, err
	}
	load := func(pipeline string, rate float64) turns.Spec {
		return whole.Spec{Program: o.Collector, Pipeline: pipeline, Core: cores[0], Rate: rate, Warm: warm, Long: long, Wait: wait}
	}
	var full []turns.Spec
	for _, p := range pipelines {
		full = append(full, load(p, 0))
	}
	most, err := turns.Take[whole.Result](ctx, o.Runs, full...)
	if err != nil {
		return r, err
	}
	knee := turns.Median(most[1], throughput)
	t := report.NewTable("pipeline", "spans a second", "CPU s per million spans", "of the core", "RSS")
	for i, p := range pipelines {
		t.Add(loaded(p, most[i])...)
	}
	r.table("Whole collectors on one core, as fast as they can", t)

	rising := report.NewTable("pipeline", "spans a second", "CPU s per million spans", "of the core", "RSS",
		"last span to answer, p50 and p99", "early answer, p50 and p99")
	var last [][]whole.Result
	for _, share := range rates {
		var specs []turns.Spec
		for _, p := range pipelines {
			specs = append(specs, load(p, share*knee))
		}
		if last, err = turns.Take[whole.Result](ctx, 1, specs...); err != nil {
			return r, err
		}
		for i, p := range pipelines {
			one := last[i][0]
			rising.Add(append(loaded(p, last[i]), quantiles(one.Late), quantiles(one.Early))...)
		}
	}
	r.table(fmt.Sprintf("The same at 30, 60 and 80 %% of what the one with Fluo takes at most; traces are waited for %s", wait), rising)
	r.Figures = collectorFigures(most, last)
	return r, nil
}

func collectorFigures(most, last [][]whole.Result) []report.Figure {
	fluo, tail := last[1][0], last[2][0]
	equal := turns.Ratio(most[1], most[0], ofCPU)
	late, early := quantile(fluo.Late, 0.99), quantile(fluo.Early, 0.99)
	return []report.Figure{{
		Name:  "whole collector: spans for the same CPU, with against without",
		Ours:  fmt.Sprintf("%.0f %%", 100*equal),
		Peer:  fmt.Sprintf("tail_sampling %.0f %%", 100*turns.Ratio(most[2], most[0], ofCPU)),
		Ratio: report.Number(equal / turns.Ratio(most[2], most[0], ofCPU)),
		Value: equal, Bound: 0.95, AtLeast: true, Target: "at least 95 %",
	}, {
		Name:  "last span to signal at 80 % of the knee, p99",
		Ours:  millis(late),
		Peer:  "tail_sampling " + millis(quantile(tail.Late, 0.99)),
		Ratio: part(float64(quantile(tail.Late, 0.99)) / float64(late)),
		Value: float64(late), Bound: float64(wait + lateBound), Target: "at most settle + " + millis(lateBound),
	}, {
		Name: "last span to early signal at 80 % of the knee, p99", Ours: millis(early), Peer: "none", Ratio: "—",
		Value: float64(early), Bound: float64(earlyBound), Target: "at most " + millis(earlyBound),
	}}
}

func throughput(r whole.Result) float64 { return float64(r.Spans) / time.Duration(r.Wall).Seconds() }

// ofCPU is the CPU of a span: the less, the more spans for the same.
func ofCPU(r whole.Result) float64 { return float64(r.CPU) / float64(r.Spans) }

func loaded(pipeline string, runs []whole.Result) []string {
	return []string{
		pipeline,
		fmt.Sprintf("%.0f", turns.Median(runs, throughput)),
		report.Number(turns.Median(runs, ofCPU) / 1e3),
		fmt.Sprintf("%.0f %%", 100*turns.Median(runs, func(r whole.Result) float64 { return float64(r.CPU) / float64(r.Wall) })),
		fmt.Sprintf("%.0f MB", turns.Median(runs, func(r whole.Result) float64 { return float64(r.RSS) / 1e6 })),
	}
}

func quantile(all []int64, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return time.Duration(all[int(q*float64(len(all)-1))])
}

func quantiles(all []int64) string {
	if len(all) == 0 {
		return "—"
	}
	return millis(quantile(all, 0.5)) + ", " + millis(quantile(all, 0.99))
}

func millis(d time.Duration) string { return report.Number(float64(d)/1e6) + " ms" }
