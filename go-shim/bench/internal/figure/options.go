// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package figure plans the measurements and makes rows of them.
package figure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/figure"

import (
	"fmt"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/measure"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/report"
)

// Options of a run of the benchmark.
type Options struct {
	// Runs of each measurement, in turns.
	Runs int
	// Spans of a measurement of CPU; fewer where a side is slow.
	Spans int
	// Traces of a measurement of memory.
	Traces int
	// Recordings are folders of recorded traffic.
	Recordings []string
	// Criterion is the folder where the engine's own benchmarks left their results.
	Criterion string
	// Collector is the program that collectors are compared with.
	Collector string
	// Cookbook is the page of the documentation whose rules are loaded as a whole.
	Cookbook string
}

// Result of a section: its tables for people, and its rows of the one table.
type Result struct {
	Titles  []string
	Tables  []*report.Table
	Figures []report.Figure
}

func (r *Result) table(title string, t *report.Table) {
	r.Titles, r.Tables = append(r.Titles, title), append(r.Tables, t)
}

const (
	// wait is how long traces are waited for where CPU is measured, the shortest that tail_sampling can.
	wait = time.Second
	// grace is longer than any recording, so that its spans count as in time.
	grace = 2 * time.Minute
)

// What is read of a run, per span.
func inConsume(r measure.Result) float64   { return float64(r.InConsume) / float64(r.Spans) }
func total(r measure.Result) float64       { return float64(r.Total) / float64(r.Spans) }
func allocations(r measure.Result) float64 { return float64(r.Allocations) / float64(r.Spans) }

// net is f without what the requests themselves cost, run by run.
func net(runs, nothing []measure.Result, f func(measure.Result) float64) []float64 {
	values := make([]float64, min(len(runs), len(nothing)))
	for i := range values {
		values[i] = f(runs[i]) - f(nothing[i])
	}
	return values
}

// over is the ratio of two lists, run by run.
func over(a, b []float64) []float64 {
	values := make([]float64, min(len(a), len(b)))
	for i := range values {
		values[i] = a[i] / b[i]
	}
	return values
}

func keys(n int) string {
	if n < 0 {
		return "all"
	}
	return fmt.Sprint(n)
}

func nanos(v float64) string { return report.Number(v) + " ns" }

// part is a ratio of which the whole is the peer.
func part(of float64) string { return "1/" + report.Number(of) }
