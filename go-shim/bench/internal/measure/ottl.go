// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package measure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/measure"

import (
	"context"
	"errors"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/gauge"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/question"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/side"
)

// ottl evaluates the condition of every rule on every span, as a list of OTTL conditions does, and nothing else.
func (s Spec) ottl(ctx context.Context) (Result, error) {
	var r Result
	t, err := s.traffic()
	if err != nil {
		return r, err
	}
	set, err := s.settings(t)
	if err != nil {
		return r, err
	}
	var has []question.Condition
	for _, rule := range set.Rules {
		has = append(has, rule.Has)
	}
	conditions, err := side.ParseConditions(has)
	if err != nil {
		return r, err
	}
	for round := uint64(0); r.Spans < s.Spans; round++ {
		for i := range t.Requests() {
			td, err := t.Request(round, i, time.Now())
			if err != nil {
				return r, err
			}
			began := gauge.ProcessCPU()
			n, err := conditions.Count(ctx, td)
			r.Total += int64(gauge.ProcessCPU() - began)
			if err != nil {
				return r, err
			}
			r.Found += n
			r.Spans += td.SpanCount()
		}
	}
	if r.Found == 0 {
		return r, errors.New("no span satisfied a condition")
	}
	return r, nil
}
