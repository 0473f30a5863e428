// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package turns takes measurements in turns, each in a process of its own: ours, the peer's, ours, the peer's. So what else the
// machine does meets both.
package turns // import "github.com/fluo-otel/fluo/go-shim/bench/internal/turns"

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/gauge"
)

// limit bounds one measurement.
const limit = 5 * time.Minute

// Spec is one measurement, as JSON.
type Spec interface {
	// Kind is the argument by which this program takes such a measurement.
	Kind() string
	// On picks the cores of the process, of all there are.
	On(all []int) []int
	// String says what is measured, for people.
	String() string
}

// Take takes every measurement so many times, in turns. The result lists the runs of each.
func Take[R any](ctx context.Context, runs int, specs ...Spec) ([][]R, error) {
	all := make([][]R, len(specs))
	for range runs {
		for i, s := range specs {
			r, err := once[R](ctx, s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s, err)
			}
			all[i] = append(all[i], r)
		}
	}
	return all, nil
}

func once[R any](ctx context.Context, s Spec) (r R, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	text, err := json.Marshal(s)
	if err != nil {
		return r, err
	}
	program, err := os.Executable()
	if err != nil {
		return r, err
	}
	all, err := gauge.Cores()
	if err != nil {
		return r, err
	}
	cores := s.On(all)
	if len(cores) == 0 {
		return r, fmt.Errorf("%d cores are too few", len(all))
	}
	var out, complaint bytes.Buffer
	command := exec.CommandContext(ctx, program, s.Kind(), string(text))
	command.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(len(cores)))
	command.Stdout, command.Stderr = &out, &complaint
	if err := gauge.On(cores, command.Start); err != nil {
		return r, err
	}
	if err := command.Wait(); err != nil {
		return r, fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaint.Bytes()))
	}
	return r, json.Unmarshal(out.Bytes(), &r)
}

// Median of what f reads of each run. It is 0 where there are no runs.
func Median[R any](runs []R, f func(R) float64) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = f(r)
	}
	return Middle(values)
}

// Middle is the median of the values.
func Middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// Ratio is the median, over the turns, of what b cost by what a cost.
func Ratio[R any](a, b []R, f func(R) float64) float64 {
	var values []float64
	for i := range min(len(a), len(b)) {
		if of := f(a[i]); of > 0 {
			values = append(values, f(b[i])/of)
		}
	}
	return Middle(values)
}
