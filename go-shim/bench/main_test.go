// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/figure"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/measure"
)

// TestMain takes measurements like the program: the sections run the program that they are in.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == (measure.Spec{}).Kind() {
		if err := run(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestSectionsMeasureInProcessesOfTheirOwn(t *testing.T) {
	options := figure.Options{Runs: 1, Spans: 3000, Traces: 200}
	for name, section := range map[string]func(context.Context, figure.Options) (figure.Result, error){
		"memory": figure.Memory, "cores": figure.Cores,
	} {
		r, err := section(t.Context(), options)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(r.Tables) == 0 || len(r.Figures) == 0 {
			t.Errorf("%s has no table or no figure", name)
		}
		for _, f := range r.Figures {
			if f.Value <= 0 || f.Bound <= 0 {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}
