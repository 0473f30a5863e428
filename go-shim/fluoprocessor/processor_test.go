// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoprocessor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"

	"github.com/fluo-otel/fluo/go-shim/fluoprocessor/internal/metadatatest"
	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/projection"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

const (
	patience = 10 * time.Second
	pause    = 10 * time.Millisecond
)

// config has both rules of tracetest and decides complete traces soon.
func config() *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Engine.Rules = []map[string]any{tracetest.PaymentRule(), tracetest.DoubleChargeRule()}
	cfg.Engine.Settle = 200 * time.Millisecond
	return cfg
}

func telemetry(t *testing.T) *componenttest.Telemetry {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	return tel
}

func newProcessor(t *testing.T, tel *componenttest.Telemetry, cfg *Config, next consumer.Traces) processor.Traces {
	set := metadatatest.NewSettings(tel)
	set.ID = component.NewID(NewFactory().Type())
	p, err := NewFactory().CreateTraces(t.Context(), set, cfg, next)
	require.NoError(t, err)
	return p
}

func start(t *testing.T, p processor.Traces) {
	require.NoError(t, p.Start(t.Context(), &tracetest.Host{}))
}

func consume(t *testing.T, p processor.Traces, batches ...ptrace.Traces) {
	for _, td := range batches {
		td.MarkReadOnly()
		require.NoError(t, p.ConsumeTraces(t.Context(), td))
	}
}

// signals are the spans of our own scope among those that a sink has got.
func signals(sink *consumertest.TracesSink) (all []ptrace.Span) {
	for _, td := range sink.AllTraces() {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					if ss.Scope().Name() == projection.OwnScope {
						all = append(all, s)
					}
				}
			}
		}
	}
	return all
}

func TestSpansPassAtOnceAndUntouched(t *testing.T) {
	sink := &consumertest.TracesSink{}
	p := newProcessor(t, telemetry(t), config(), sink)
	start(t, p)
	assert.False(t, p.Capabilities().MutatesData)
	td := tracetest.Trace(1, tracetest.Charge)
	want := ptrace.NewTraces()
	td.CopyTo(want)
	consume(t, p, td)
	require.Len(t, sink.AllTraces(), 1, "passed before ConsumeTraces returned")
	assert.Equal(t, want.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Name(),
		sink.AllTraces()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Name())
	got, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(sink.AllTraces()[0])
	require.NoError(t, err)
	expected, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(want)
	require.NoError(t, err)
	assert.Equal(t, expected, got)
	require.NoError(t, p.Shutdown(t.Context()))
}

func TestViolationFollowsAsChildSpan(t *testing.T) {
	sink := &consumertest.TracesSink{}
	p := newProcessor(t, telemetry(t), config(), sink)
	start(t, p)
	td := tracetest.Trace(1, tracetest.Charge)
	charge := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	consume(t, p, td, tracetest.Trace(2, tracetest.Charge, tracetest.Check))
	require.Eventually(t, func() bool { return len(signals(sink)) == 1 }, patience, pause)
	require.NoError(t, p.Shutdown(t.Context()))
	require.Len(t, signals(sink), 1)

	s := signals(sink)[0]
	assert.Equal(t, tracetest.TraceID(1), s.TraceID())
	assert.Equal(t, charge.SpanID(), s.ParentSpanID())
	assert.False(t, s.SpanID().IsEmpty())
	assert.NotEqual(t, charge.SpanID(), s.SpanID())
	require.Equal(t, 1, s.Events().Len())
	event := s.Events().At(0)
	assert.Equal(t, "fluo.violation", event.Name())
	rule, _ := event.Attributes().Get("fluo.rule.name")
	assert.Equal(t, "payment-needs-fraud-check", rule.Str())
}

// TestTwoInARowDoNotFeedOnEachOther puts the signals of the first through the second.
func TestTwoInARowDoNotFeedOnEachOther(t *testing.T) {
	sink := &consumertest.TracesSink{}
	anySpan := config()
	anySpan.Engine.Rules = []map[string]any{{"name": "no-span-at-all", "never": "trace.spans.where(name == 'fluo.violation').count() >= 1"}}
	tel := telemetry(t)
	second := newProcessor(t, tel, anySpan, sink)
	first := newProcessor(t, telemetry(t), config(), second)
	start(t, second)
	start(t, first)
	consume(t, first, tracetest.Trace(1, tracetest.Charge, tracetest.Charge, tracetest.Check))
	require.Eventually(t, func() bool { return len(signals(sink)) == 1 }, patience, pause)
	require.NoError(t, first.Shutdown(t.Context()))
	require.NoError(t, second.Shutdown(t.Context()))
	require.Len(t, signals(sink), 1, "the second has passed the first's signal on and made none of it")
	assert.Zero(t, engine.LiveCount())
}

func TestErrorsOfTheNextConsumerAreTheOnlyOnes(t *testing.T) {
	p := newProcessor(t, telemetry(t), config(), consumertest.NewErr(errors.New("full")))
	start(t, p)
	assert.EqualError(t, p.ConsumeTraces(t.Context(), tracetest.Trace(1, "a")), "full")
	require.NoError(t, p.Shutdown(t.Context()))
}

func TestEachInstanceHasItsOwnEngine(t *testing.T) {
	cfg := config()
	a, b := newProcessor(t, telemetry(t), cfg, consumertest.NewNop()), newProcessor(t, telemetry(t), cfg, consumertest.NewNop())
	assert.Zero(t, engine.LiveCount())
	start(t, a)
	start(t, b)
	assert.Equal(t, 2, engine.LiveCount())
	for _, p := range []processor.Traces{a, b} {
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, p.Shutdown(t.Context()))
	}
	assert.Zero(t, engine.LiveCount())
}

func TestShutdownWithoutStart(t *testing.T) {
	require.NoError(t, newProcessor(t, telemetry(t), config(), consumertest.NewNop()).Shutdown(t.Context()))
}
