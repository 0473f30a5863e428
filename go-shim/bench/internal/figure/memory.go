// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package figure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/figure"

import (
	"context"
	"fmt"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/measure"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/question"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/report"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/side"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/turns"
)

const (
	// held is longer than it takes to fill a side.
	held = 5 * time.Minute
	// peersShare of the traces is enough for sides that hold a thousand bytes a span.
	peersShare = 10
)

// sizes of traces that are weighed, the smallest first.
var sizes = []int{1, 20, 48}

// weighed is what a trace of each size holds, in bytes.
type weighed struct{ engine, heap, rss []float64 }

// marginal is what each further span of a trace of size i adds.
func marginal(of []float64, i int) float64 { return (of[i] - of[0]) / float64(sizes[i]-sizes[0]) }

// Memory weighs open traces and decided ones.
func Memory(ctx context.Context, o Options) (r Result, err error) {
	t := report.NewTable("side", "what it keeps of a span", "a trace of 1 span", "each further span, of 20", "of 48", "RSS: a trace of 1 span", "each further, of 20", "of 48")
	bounds := map[string]float64{question.Unselected: 8, question.Absence: 16, question.Related: 40, question.Selected: 64}
	fluo := map[string]weighed{}
	for _, class := range question.Classes() {
		if fluo[class], err = o.weigh(ctx, measure.Spec{Side: side.Fluo, Shape: measure.Class, Class: class, Wait: held}, o.Traces); err != nil {
			return r, err
		}
		t.Add(row("fluo", class, fluo[class].engine, fluo[class].rss)...)
	}
	decided, err := o.weigh(ctx, measure.Spec{Side: side.Fluo, Shape: measure.Class, Class: question.Unselected, Wait: wait, Decided: true}, o.Traces)
	if err != nil {
		return r, err
	}
	t.Add(row("fluo", "K0, decided and in its grace", decided.engine, decided.rss)...)
	peers := map[string]weighed{}
	for _, name := range []string{side.TailSampling, side.GroupByTrace} {
		if peers[name], err = o.weigh(ctx, measure.Spec{Side: name, Shape: measure.Typical, Rules: 1, Wait: held}, o.Traces/peersShare); err != nil {
			return r, err
		}
		t.Add(row(name, "all", peers[name].heap, peers[name].rss)...)
	}
	r.table(fmt.Sprintf("Bytes held, %d traces (peers: %d)", o.Traces, o.Traces/peersShare), t)

	peer := peers[side.TailSampling].heap
	unselected := fluo[question.Unselected].engine
	r.Figures = append(r.Figures, heldFigure("bytes a trace: header and map", unselected[0]-marginal(unselected, 1), peer[0]-marginal(peer, 1), 128),
		heldFigure("bytes a decided trace of 20 spans in its grace", decided.engine[1], peer[1], 128+4*20))
	for _, class := range question.Classes() {
		for i := 1; i < len(sizes); i++ {
			r.Figures = append(r.Figures, heldFigure(fmt.Sprintf("bytes a span, %s, traces of %d", class, sizes[i]),
				marginal(fluo[class].engine, i), marginal(peer, i), bounds[class]))
		}
	}
	return r, nil
}

// weigh measures traces of all sizes. Memory does not vary from run to run, so it is measured once.
func (o Options) weigh(ctx context.Context, s measure.Spec, traces int) (w weighed, err error) {
	s.What, s.Cores, s.Grace = measure.Hold, 2, held
	for _, size := range sizes {
		s.TraceSpans, s.Spans = size, size*traces
		all, err := turns.Take[measure.Result](ctx, 1, s)
		if err != nil {
			return w, err
		}
		one := all[0][0]
		of := float64(one.Traces)
		w.engine = append(w.engine, float64(one.Held.Engine)/of)
		w.heap = append(w.heap, float64(one.Held.Heap)/of)
		w.rss = append(w.rss, float64(one.Held.RSS)/of)
	}
	return w, nil
}

func row(name, keeps string, own, rss []float64) []string {
	cells := []string{name, keeps}
	for _, of := range [][]float64{own, rss} {
		cells = append(cells, bytes(of[0]), bytes(marginal(of, 1)), bytes(marginal(of, 2)))
	}
	return cells
}

func heldFigure(name string, ours, peer, bound float64) report.Figure {
	return report.Figure{
		Name: name, Ours: bytes(ours), Peer: "tail_sampling " + bytes(peer), Ratio: part(peer / ours),
		Value: ours, Bound: bound, Target: "at most " + bytes(bound),
	}
}

func bytes(v float64) string { return fmt.Sprintf("%.0f B", v) }
