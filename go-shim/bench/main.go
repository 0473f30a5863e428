// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Bench measures Fluo beside what people use today: the same OTLP requests and the same question, each side in a process of
// its own, in turns. docs/performance.md says how to read what it prints.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/figure"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/measure"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/report"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/whole"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// sections of the benchmark, in the order in which they run.
var sections = []struct {
	name string
	run  func(context.Context, figure.Options) (figure.Result, error)
}{
	{"engine", figure.Engine},
	{"consume", figure.Consume},
	{"rules", figure.Rules},
	{"memory", figure.Memory},
	{"cores", figure.Cores},
	{"collectors", figure.Collectors},
}

func run(ctx context.Context, args []string) error {
	if len(args) == 2 {
		switch args[0] {
		case measure.Spec{}.Kind():
			return take[measure.Spec, measure.Result](ctx, args[1])
		case whole.Spec{}.Kind():
			return take[whole.Spec, whole.Result](ctx, args[1])
		}
	}
	var o figure.Options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.Runs, "runs", 3, "`times` that each measurement is taken, in turns")
	flags.IntVar(&o.Spans, "spans", 200_000, "`spans` of a measurement of CPU")
	flags.IntVar(&o.Traces, "traces", 100_000, "`traces` of a measurement of memory")
	flags.StringVar(&o.Criterion, "criterion", "../../target/criterion", "`folder` of the results of cargo bench")
	flags.StringVar(&o.Collector, "collector", "../../.bin/bench/otelcol-bench", "`program` that whole collectors are compared with")
	flags.StringVar(&o.Cookbook, "cookbook", "../../docs/cookbook.md", "`page` whose rules are loaded as a whole")
	recordings := flags.String("recordings", "../../examples/quickstart/traces", "`folders` of recorded traces, separated by commas; may be empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *recordings != "" {
		o.Recordings = strings.Split(*recordings, ",")
	}
	wanted := flags.Args()
	var figures []report.Figure
	for _, s := range sections {
		if len(wanted) > 0 && !slices.Contains(wanted, s.name) {
			continue
		}
		r, err := s.run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		for i, t := range r.Tables {
			fmt.Printf("\n%s\n\n", r.Titles[i])
			if err := t.Print(os.Stdout); err != nil {
				return err
			}
		}
		figures = append(figures, r.Figures...)
	}
	fmt.Println()
	return report.Figures(figures).Print(os.Stdout)
}

// take takes one measurement, for a process that runs in turns with others.
func take[S interface {
	Run(context.Context) (R, error)
}, R any](ctx context.Context, text string) error {
	var s S
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	r, err := s.Run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
