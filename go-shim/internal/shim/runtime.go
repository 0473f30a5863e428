// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/projection"
)

// tickInterval is how often the engine is told that time has passed.
const tickInterval = 50 * time.Millisecond

// Runtime is one engine and the goroutines that drive it. Start makes it, Close frees it; Ingest may be called from any
// goroutine in between and after.
type Runtime struct {
	cfg     *Config
	log     *zap.Logger
	eng     *engine.Engine
	clock   *clock
	started uint64

	projecting sync.Mutex // held while the projection is read again
	projected  atomic.Pointer[projection.Projection]

	wake     chan struct{} // says that signals wait
	draining atomic.Int32  // drainers at work
	flush    sync.Once
	flushed  atomic.Bool
	poisoned atomic.Bool

	hosts     hosts
	lastStats atomic.Pointer[engine.Stats]

	ingestErrors  atomic.Int64
	signalsHeld   atomic.Int64 // taken from the engine, not yet by the next consumer
	signalsFailed atomic.Int64
	reloads       atomic.Int64
	reloadsFailed atomic.Int64
	warnOTLP      sync.Once

	cancel  context.CancelFunc
	running sync.WaitGroup
	ending  ending
	closing sync.Once
}

// Start compiles the rules, makes the engine and starts the goroutines that let time pass and reload rules.
func Start(cfg *Config, log *zap.Logger) (*Runtime, error) { return startAt(hostClock(), cfg, log) }

func startAt(clock *clock, cfg *Config, log *zap.Logger) (*Runtime, error) {
	if err := engine.CheckLibrary(); err != nil {
		return nil, err
	}
	sources, err := cfg.sources()
	if err != nil {
		return nil, err
	}
	loaded, err := fingerprint(sources)
	if err != nil {
		return nil, err
	}
	rules, report, err := compile(sources)
	if err != nil {
		return nil, err
	}
	defer rules.Close()

	r := &Runtime{cfg: cfg, log: log, clock: clock, started: clock.now(), wake: make(chan struct{}, 1)}
	r.ending.time = endingTime
	r.eng, err = engine.New(rules, cfg.settings(), r.started)
	if err != nil {
		return nil, fmt.Errorf("cannot start the engine: %w", err)
	}
	if err := r.refreshProjection(); err != nil {
		r.eng.Close()
		return nil, fmt.Errorf("cannot start the engine: %w", err)
	}
	r.logWarnings(report)
	log.Info("rules loaded", zap.Int("rules", report.Rules), zap.String("ruleset_hash", report.Hash),
		zap.String("engine_build", engine.BuildID()))

	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.running.Go(func() { r.tickLoop(ctx) })
	if cfg.ReloadInterval > 0 && len(cfg.RuleFiles) > 0 {
		w := &ruleWatch{runtime: r, loaded: loaded, seen: loaded}
		r.running.Go(func() { w.loop(ctx) })
	}
	return r, nil
}

// Flush decides every open trace. The signals still have to be drained. Only the first call does anything.
func (r *Runtime) Flush() {
	r.flush.Do(func() {
		r.flushed.Store(true)
		res, err := r.eng.Flush(r.clock.now())
		r.after(res, err)
		r.keepStats()
	})
}

// Close stops the goroutines and frees the engine. It may be called twice.
func (r *Runtime) Close() {
	r.closing.Do(func() {
		r.cancel()
		r.running.Wait()
		r.keepStats()
		r.eng.Close()
	})
}

// Started is when the engine was made, in nanoseconds since the Unix epoch.
func (r *Runtime) Started() uint64 { return r.started }

// Now is the engine's time, never before Started.
func (r *Runtime) Now() uint64 { return r.clock.now() }

// Attach makes host hear of the state of the engine: what it is already, and every change until detach is called.
func (r *Runtime) Attach(host component.Host) (detach func()) { return r.hosts.add(host) }

func (r *Runtime) tickLoop(ctx context.Context) {
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.tick()
		}
	}
}

func (r *Runtime) tick() {
	r.clock.follow()
	if r.poisoned.Load() || r.flushed.Load() {
		return
	}
	res, err := r.eng.Tick(r.clock.now())
	r.after(res, err)
	if r.draining.Load() == 0 {
		r.discard() // a metrics edge alone has nowhere to send signals
	}
}

// after looks at what a call that may decide traces has said.
func (r *Runtime) after(res engine.IngestResult, err error) {
	switch {
	case err == nil:
	case engine.IsPoisoned(err):
		r.poison(err)
		return
	case errors.Is(err, engine.StatusInvalidOTLP):
		r.ingestErrors.Add(1)
		r.warnOTLP.Do(func() { r.log.Warn("a batch was not evaluated whole; further ones are only counted", zap.Error(err)) })
	case errors.Is(err, engine.StatusClosed):
		return // a tick that met the flush
	default:
		r.ingestErrors.Add(1)
		r.log.Error("the engine failed", zap.Error(err))
	}
	if p := r.projected.Load(); p != nil && res.Epoch > p.Epoch() {
		if err := r.refreshProjection(); err != nil {
			r.log.Error("cannot read the projection", zap.Error(err))
		}
	}
	if res.SignalsPending {
		r.wakeDrainer()
	}
}

func (r *Runtime) wakeDrainer() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// poison takes the engine out of service. Spans pass on as before; they are just not evaluated any more.
func (r *Runtime) poison(err error) {
	if r.poisoned.Swap(true) {
		return
	}
	err = fmt.Errorf("rules are not evaluated any more, telemetry passes on: %w", err)
	r.log.Error("the engine is out of service", zap.Error(err))
	r.hosts.report(func() *componentstatus.Event { return componentstatus.NewPermanentErrorEvent(err) })
}

// refreshProjection reads the projection again. An older one never replaces a newer one.
func (r *Runtime) refreshProjection() error {
	r.projecting.Lock()
	defer r.projecting.Unlock()
	p, err := r.eng.Projection()
	if err != nil {
		return err
	}
	if old := r.projected.Load(); old == nil || old.Epoch() < p.Epoch {
		r.projected.Store(projection.New(p))
	}
	return nil
}

func (r *Runtime) logWarnings(report engine.Report) {
	for _, d := range report.Diagnostics {
		if d.Severity != engine.SeverityError {
			r.log.Warn("rule diagnostic", zap.String("rule", d.Rule), zap.String("code", d.Code), zap.String("text", text(d)))
		}
	}
}
