// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package side // import "github.com/fluo-otel/fluo/go-shim/bench/internal/side"

import (
	"context"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/question"
)

// Conditions are conditions on a span, compiled by the collector's own language.
type Conditions []*ottl.Condition[*ottlspan.TransformContext]

// ParseConditions compiles conditions.
func ParseConditions(all []question.Condition) (Conditions, error) {
	parser, err := ottlspan.NewParser(
		ottlfuncs.StandardConverters[*ottlspan.TransformContext](), componenttest.NewNopTelemetrySettings(),
		ottlspan.EnablePathContextNames())
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = c.OTTL()
	}
	return parser.ParseConditions(texts)
}

// Count evaluates every condition on every span and counts those that hold.
func (c Conditions) Count(ctx context.Context, td ptrace.Traces) (int, error) {
	n := 0
	for _, one := range c {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					holds, err := eval(ctx, one, rs, ss, s)
					if err != nil {
						return n, err
					}
					if holds {
						n++
					}
				}
			}
		}
	}
	return n, nil
}

func eval(
	ctx context.Context, c *ottl.Condition[*ottlspan.TransformContext], rs ptrace.ResourceSpans, ss ptrace.ScopeSpans, s ptrace.Span,
) (bool, error) {
	span := ottlspan.NewTransformContextPtr(rs, ss, s)
	defer span.Close()
	return c.Eval(ctx, span)
}

// evaluator asks the rules of a whole trace.
type evaluator struct{ has, lacks Conditions }

func newEvaluator(rules []question.Rule) (*evaluator, error) {
	var has, lacks []question.Condition
	for _, r := range rules {
		has, lacks = append(has, r.Has), append(lacks, r.Lacks)
	}
	h, err := ParseConditions(has)
	if err != nil {
		return nil, err
	}
	l, err := ParseConditions(lacks)
	return &evaluator{h, l}, err
}

// asks tells whether some rule asks for this trace.
func (e *evaluator) asks(ctx context.Context, td ptrace.Traces) (bool, error) {
	for i := range e.has {
		has, err := Conditions(e.has[i:i+1]).exists(ctx, td)
		if err != nil {
			return false, err
		}
		if !has {
			continue
		}
		if lacked, err := Conditions(e.lacks[i:i+1]).exists(ctx, td); err != nil || !lacked {
			return err == nil, err
		}
	}
	return false, nil
}

// exists tells whether some span satisfies the first condition.
func (c Conditions) exists(ctx context.Context, td ptrace.Traces) (bool, error) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				if holds, err := eval(ctx, c[0], rs, ss, s); holds || err != nil {
					return holds, err
				}
			}
		}
	}
	return false, nil
}
