// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"errors"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/projection"
)

// Ingest evaluates a batch. It only reads it, keeps nothing of it, and whatever goes wrong is counted and never the
// caller's concern.
func (r *Runtime) Ingest(td ptrace.Traces) {
	if r.poisoned.Load() {
		return
	}
	res, err := r.ingestProjected(td, r.projected.Load())
	if errors.Is(err, engine.StatusStaleProjection) {
		res, err = r.ingestAgain(td)
	}
	if errors.Is(err, engine.StatusClosed) {
		r.ingestErrors.Add(1)
	}
	r.after(res, err)
}

func (r *Runtime) ingestProjected(td ptrace.Traces, p *projection.Projection) (engine.IngestResult, error) {
	buf := p.Encode(td)
	defer buf.Release()
	if len(buf.Bytes()) == 0 {
		return engine.IngestResult{}, nil
	}
	return r.eng.Ingest(p.Epoch(), r.clock.now(), buf.Bytes())
}

// ingestAgain follows a reload: once more by the new projection, and if that has been replaced meanwhile, as a whole,
// which the engine always takes.
func (r *Runtime) ingestAgain(td ptrace.Traces) (engine.IngestResult, error) {
	if err := r.refreshProjection(); err != nil {
		return engine.IngestResult{}, err
	}
	res, err := r.ingestProjected(td, r.projected.Load())
	if !errors.Is(err, engine.StatusStaleProjection) {
		return res, err
	}
	whole, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	if err != nil {
		r.log.Error("cannot encode a batch", zap.Error(err))
		return engine.IngestResult{}, err
	}
	return r.eng.Ingest(0, r.clock.now(), whole)
}
