// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package fluoprocessor // import "github.com/fluo-otel/fluo/go-shim/fluoprocessor"

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric"

	"github.com/fluo-otel/fluo/go-shim/fluoprocessor/internal/metadata"
	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/shim"
)

// tracesProcessor passes every batch on at once and as it is. A signal follows later, as a span of its own.
type tracesProcessor struct {
	cfg  *Config
	set  processor.Settings
	next consumer.Traces

	runtime      *shim.Runtime // nil before Start and after Shutdown
	drains       *shim.Drainer
	detach       func()
	registration metric.Registration
}

func (p *tracesProcessor) Start(_ context.Context, host component.Host) error {
	r, err := shim.Start(&p.cfg.Engine, p.set.Logger)
	if err != nil {
		return err
	}
	builder, err := metadata.NewTelemetryBuilder(p.set.TelemetrySettings)
	if err == nil {
		p.registration, err = instruments(builder).Register(
			metadata.Meter(p.set.TelemetrySettings), r, func() bool { return true })
	}
	if err != nil {
		r.Close()
		return err
	}
	p.detach = r.Attach(host)
	p.drains = shim.StartDrainer(r, engine.FormSpans, p.deliver)
	p.runtime = r
	return nil
}

// Shutdown decides the open traces and hands on all signals.
func (p *tracesProcessor) Shutdown(ctx context.Context) error {
	r := p.runtime
	if r == nil {
		return nil
	}
	r.Flush()
	err := errors.Join(p.drains.Shutdown(ctx), p.registration.Unregister())
	p.detach()
	r.Close()
	p.runtime = nil
	return err
}

// Capabilities says that spans are only read.
func (*tracesProcessor) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

// ConsumeTraces evaluates the batch and passes it on. Evaluation comes first, because the next consumer owns the batch.
// The only errors are the next consumer's.
func (p *tracesProcessor) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	if r := p.runtime; r != nil {
		r.Ingest(td)
	}
	return p.next.ConsumeTraces(ctx, td)
}

func (p *tracesProcessor) deliver(ctx context.Context, data []byte) error {
	td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(data)
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	return p.next.ConsumeTraces(ctx, td)
}

func instruments(b *metadata.TelemetryBuilder) *shim.Instruments {
	return &shim.Instruments{
		SpansReceived:    b.ProcessorFluoSpansReceived,
		SpansSelected:    b.ProcessorFluoSpansSelected,
		SpansRejected:    b.ProcessorFluoSpansRejected,
		SpansDuplicate:   b.ProcessorFluoSpansDuplicate,
		SpansConflicting: b.ProcessorFluoSpansConflicting,
		SpansLate:        b.ProcessorFluoSpansLate,
		SpansBadTime:     b.ProcessorFluoSpansBadTime,
		FramesRejected:   b.ProcessorFluoFramesRejected,
		SpansOverLimit:   b.ProcessorFluoSpansOverLimit,
		TracesOpen:       b.ProcessorFluoTracesOpen,
		TracesEvicted:    b.ProcessorFluoTracesEvicted,
		GroupsEvicted:    b.ProcessorFluoGroupsEvicted,
		BytesHeld:        b.ProcessorFluoMemoryHeld,
		Verdicts:         b.ProcessorFluoVerdicts,
		Revisions:        b.ProcessorFluoRevisions,
		SignalsEmitted:   b.ProcessorFluoSignalsEmitted,
		SignalsDropped:   b.ProcessorFluoSignalsDropped,
		SignalsFailed:    b.ProcessorFluoSignalsFailed,
		SignalsQueued:    b.ProcessorFluoSignalsQueued,
		IngestErrors:     b.ProcessorFluoIngestErrors,
		Reloads:          b.ProcessorFluoReloads,
		EnginesPoisoned:  b.ProcessorFluoEnginesPoisoned,
	}
}
