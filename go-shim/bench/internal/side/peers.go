// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package side // import "github.com/fluo-otel/fluo/go-shim/bench/internal/side"

import (
	"context"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/groupbytraceprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
)

// peer is a processor of contrib as it is.
type peer struct{ processor.Traces }

func (peer) Open() (int64, error) { return -1, nil }
func (peer) Held() (int64, error) { return 0, nil }
func (peer) Keys() int            { return -1 }
func (peer) Verdicts() string     { return "not told" }

func startPeer(ctx context.Context, factory processor.Factory, values map[string]any, next consumer.Traces) (Side, error) {
	cfg := factory.CreateDefaultConfig()
	if err := configure(cfg, values); err != nil {
		return nil, err
	}
	set := processor.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	p, err := factory.CreateTraces(ctx, set, cfg, next)
	if err != nil {
		return nil, err
	}
	return peer{p}, p.Start(ctx, host())
}

// startTailSampling keeps the traces that a rule asks for and drops all others.
func startTailSampling(ctx context.Context, s Settings, found *Found) (Side, error) {
	policies := make([]any, len(s.Rules))
	for i, r := range s.Rules {
		policies[i] = r.TailSampling()
	}
	return startPeer(ctx, tailsamplingprocessor.NewFactory(), map[string]any{
		"decision_wait": s.Wait.String(), "num_traces": s.MaxTraces, "policies": policies,
	}, kept{found})
}

// startGroupByTrace groups and has the traces looked at as a whole behind it, by OTTL.
func startGroupByTrace(ctx context.Context, s Settings, found *Found) (Side, error) {
	asked, err := newEvaluator(s.Rules)
	if err != nil {
		return nil, err
	}
	return startPeer(ctx, groupbytraceprocessor.NewFactory(), map[string]any{
		"wait_duration": s.Wait.String(), "num_traces": s.MaxTraces,
	}, grouped{asked, kept{found}})
}

// kept notes the traces of the spans that arrive.
type kept struct{ found *Found }

func (kept) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (k kept) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	if id, ok := traceOf(td); ok {
		k.found.Add(id)
	}
	return nil
}

// traceOf is the trace of a batch that holds one trace.
func traceOf(td ptrace.Traces) (pcommon.TraceID, bool) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			if ss.Spans().Len() > 0 {
				return ss.Spans().At(0).TraceID(), true
			}
		}
	}
	return pcommon.TraceID{}, false
}

// grouped hands on the traces that a rule asks for.
type grouped struct {
	asked *evaluator
	next  kept
}

func (grouped) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (g grouped) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	asks, err := g.asked.asks(ctx, td)
	if err != nil || !asks {
		return err
	}
	return g.next.ConsumeTraces(ctx, td)
}
