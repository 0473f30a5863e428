// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package fluoconnector // import "github.com/fluo-otel/fluo/go-shim/fluoconnector"

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/shim"
)

// logsEdge emits every signal as a log record. Where it exists, it is the edge that evaluates spans.
type logsEdge struct {
	edge
	next   consumer.Logs
	drains *shim.Drainer
}

func (e *logsEdge) Start(_ context.Context, host component.Host) error {
	if err := e.open(host, func(*shim.Shared) bool { return true }); err != nil {
		return err
	}
	e.engine.TakeSignals()
	e.drains = shim.StartDrainer(e.engine.Runtime, engine.FormLogs, e.deliver)
	return nil
}

// Shutdown decides the open traces and hands on all signals.
func (e *logsEdge) Shutdown(ctx context.Context) error {
	if e.engine == nil {
		return nil
	}
	e.engine.Flush()
	return errors.Join(e.drains.Shutdown(ctx), e.close())
}

// ConsumeTraces evaluates a batch. It never fails: what goes wrong in the engine is no reason to refuse spans.
func (e *logsEdge) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	if s := e.engine; s != nil {
		s.Ingest(td)
	}
	return nil
}

func (e *logsEdge) deliver(ctx context.Context, data []byte) error {
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(data)
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	return e.next.ConsumeLogs(ctx, ld)
}
