// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// writeTime is how long a changed rule file has to stay as it is before it is read: editors write in several steps.
const writeTime = 100 * time.Millisecond

// ruleWatch looks at the rule files and hands the engine what has changed. The rules in use stay in use until better ones
// compile.
type ruleWatch struct {
	runtime *Runtime
	loaded  [sha256.Size]byte // content that the engine runs
	seen    [sha256.Size]byte // content that was tried last
	failing string            // why the last look failed, so that each reason is logged once
}

func (w *ruleWatch) loop(ctx context.Context) {
	ticker := time.NewTicker(w.runtime.cfg.ReloadInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.look(ctx)
		}
	}
}

func (w *ruleWatch) look(ctx context.Context) {
	sources, print, err := w.read()
	if err == nil && print == w.seen && w.failing == "" {
		return
	}
	if err == nil && print != w.seen {
		select {
		case <-ctx.Done():
			return
		case <-time.After(writeTime):
		}
		if _, again, err := w.read(); err != nil || again != print {
			return // still being written: the next look decides
		}
	}
	switch {
	case err != nil:
		w.fail(err)
	case print == w.loaded:
		w.seen = print
		w.recover()
	case print != w.seen:
		w.seen = print
		if err := w.load(sources); err != nil {
			w.fail(err)
			return
		}
		w.loaded = print
		w.recover()
	}
}

func (w *ruleWatch) read() ([]engine.Source, [sha256.Size]byte, error) {
	sources, err := w.runtime.cfg.sources()
	if err != nil {
		return nil, [sha256.Size]byte{}, err
	}
	print, err := fingerprint(sources)
	return sources, print, err
}

// load gives the engine a new rule set.
func (w *ruleWatch) load(sources []engine.Source) error {
	r := w.runtime
	rules, report, err := compile(sources)
	if err != nil {
		return err
	}
	defer rules.Close()
	if err := r.eng.Swap(rules, r.clock.now()); err != nil {
		if engine.IsPoisoned(err) {
			r.poison(err)
		}
		return err
	}
	if err := r.refreshProjection(); err != nil {
		return err
	}
	r.reloads.Add(1)
	r.logWarnings(report)
	r.log.Info("rules reloaded", zap.Int("rules", report.Rules), zap.String("ruleset_hash", report.Hash))
	return nil
}

func (w *ruleWatch) fail(err error) {
	if w.failing == err.Error() {
		return
	}
	w.failing = err.Error()
	r := w.runtime
	r.reloadsFailed.Add(1)
	r.log.Error("rules not reloaded, the old ones stay in use", zap.Error(err))
	if !r.poisoned.Load() {
		err = fmt.Errorf("rules not reloaded, the old ones stay in use: %w", err)
		r.hosts.report(func() *componentstatus.Event { return componentstatus.NewRecoverableErrorEvent(err) })
	}
}

func (w *ruleWatch) recover() {
	if w.failing == "" {
		return
	}
	w.failing = ""
	if !w.runtime.poisoned.Load() {
		w.runtime.hosts.report(func() *componentstatus.Event { return componentstatus.NewEvent(componentstatus.StatusOK) })
	}
}
