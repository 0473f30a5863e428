// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package fluoconnector // import "github.com/fluo-otel/fluo/go-shim/fluoconnector"

import (
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/otel/metric"

	"github.com/fluo-otel/fluo/go-shim/fluoconnector/internal/metadata"
	"github.com/fluo-otel/fluo/go-shim/internal/shim"
)

// edge is what an edge of the connector does whatever it emits.
type edge struct {
	cfg *Config
	set connector.Settings

	engine       *shim.Shared // nil before Start and after Shutdown
	detach       func()
	registration metric.Registration
}

// Capabilities says that spans are only read.
func (e *edge) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: false} }

// open joins the engine of the configuration. owner tells whether this edge speaks for the engine in the collector's own
// telemetry; exactly one edge does.
func (e *edge) open(host component.Host, owner func(*shim.Shared) bool) error {
	s, err := engines.Acquire(e.cfg, &e.cfg.Engine, e.set.Logger)
	if err != nil {
		return err
	}
	builder, err := metadata.NewTelemetryBuilder(e.set.TelemetrySettings)
	if err == nil {
		e.registration, err = instruments(builder).Register(
			metadata.Meter(e.set.TelemetrySettings), s.Runtime, func() bool { return owner(s) })
	}
	if err != nil {
		engines.Release(s)
		return err
	}
	e.detach = s.Attach(host)
	e.engine = s
	return nil
}

// close leaves the engine.
func (e *edge) close() error {
	err := e.registration.Unregister()
	e.detach()
	engines.Release(e.engine)
	e.engine = nil
	return err
}

func instruments(b *metadata.TelemetryBuilder) *shim.Instruments {
	return &shim.Instruments{
		SpansReceived:    b.ConnectorFluoSpansReceived,
		SpansSelected:    b.ConnectorFluoSpansSelected,
		SpansRejected:    b.ConnectorFluoSpansRejected,
		SpansDuplicate:   b.ConnectorFluoSpansDuplicate,
		SpansConflicting: b.ConnectorFluoSpansConflicting,
		SpansLate:        b.ConnectorFluoSpansLate,
		SpansBadTime:     b.ConnectorFluoSpansBadTime,
		FramesRejected:   b.ConnectorFluoFramesRejected,
		SpansOverLimit:   b.ConnectorFluoSpansOverLimit,
		TracesOpen:       b.ConnectorFluoTracesOpen,
		TracesEvicted:    b.ConnectorFluoTracesEvicted,
		GroupsEvicted:    b.ConnectorFluoGroupsEvicted,
		BytesHeld:        b.ConnectorFluoMemoryHeld,
		Verdicts:         b.ConnectorFluoVerdicts,
		Revisions:        b.ConnectorFluoRevisions,
		SignalsEmitted:   b.ConnectorFluoSignalsEmitted,
		SignalsDropped:   b.ConnectorFluoSignalsDropped,
		SignalsFailed:    b.ConnectorFluoSignalsFailed,
		SignalsQueued:    b.ConnectorFluoSignalsQueued,
		IngestErrors:     b.ConnectorFluoIngestErrors,
		Reloads:          b.ConnectorFluoReloads,
		EnginesPoisoned:  b.ConnectorFluoEnginesPoisoned,
	}
}
