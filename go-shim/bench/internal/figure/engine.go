// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package figure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/figure"

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/report"
)

// criterion is a folder of results of the engine's own benchmarks.
type criterion string

// span reads the nanoseconds a span of a benchmark.
func (c criterion) span(group, name string) (float64, error) {
	folder := filepath.Join(string(c), group, name, "new")
	var estimates struct {
		Median struct {
			PointEstimate float64 `json:"point_estimate"`
		} `json:"median"`
	}
	var benchmark struct {
		Throughput struct{ Elements float64 } `json:"throughput"`
	}
	for file, into := range map[string]any{"estimates.json": &estimates, "benchmark.json": &benchmark} {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			return 0, err
		}
		if err := json.Unmarshal(text, into); err != nil {
			return 0, fmt.Errorf("%s: %w", folder, err)
		}
	}
	if benchmark.Throughput.Elements == 0 {
		return 0, fmt.Errorf("%s: the benchmark does not say how many spans it has", folder)
	}
	return estimates.Median.PointEstimate / benchmark.Throughput.Elements, nil
}

// Engine reads what `cargo bench` has measured of the engine alone.
func Engine(_ context.Context, o Options) (r Result, err error) {
	c := criterion(o.Criterion)
	t := report.NewTable("engine, from the bytes to the verdicts", "whole OTLP", "projected OTLP")
	values := map[string]float64{}
	for _, what := range []string{
		"quickstart", "10 typical rules", "1000 typical rules", "10 disjoint rules", "1000 disjoint rules", "prost decode",
	} {
		cells := []string{what}
		for _, form := range []string{"whole", "projected"} {
			name := form + ", " + what
			if values[name], err = c.span("ingest", name); err != nil {
				return r, err
			}
			cells = append(cells, nanos(values[name]))
		}
		t.Add(cells...)
	}
	sum, err := c.span("memory", "sum of all bytes")
	if err != nil {
		return r, err
	}
	t.Add("reading the bytes once", nanos(sum), "")
	r.table("The engine alone, a span, one core", t)

	ours, peer := values["whole, 10 typical rules"], values["whole, prost decode"]
	r.Figures = append(r.Figures, report.Figure{
		Name: "engine, whole OTLP to verdicts, 10 rules, against decoding alone", Ours: nanos(ours), Peer: "prost " + nanos(peer),
		Ratio: part(peer / ours), Value: peer / ours, Bound: 10, AtLeast: true, Target: "at most 1/10",
	})
	one, err := c.span("threads", "1")
	if err != nil {
		return r, err
	}
	two, err := c.span("threads", "2")
	if err != nil {
		return r, err
	}
	r.Figures = append(r.Figures, report.Figure{
		Name: "engine, two cores against one, 10 rules", Ours: nanos(two) + " against " + nanos(one), Peer: "—",
		Ratio: report.Number(one/two) + "×", Value: one / two, Bound: 1.8, AtLeast: true, Target: "at least 1.8×",
	})
	return r, nil
}
