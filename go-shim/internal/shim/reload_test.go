// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package shim

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

// reloading runs an engine on one rule file that it looks at all the time.
func reloading(t *testing.T) (r *Runtime, path string, host *tracetest.Host) {
	path = filepath.Join(t.TempDir(), "rules.yml")
	write(t, path, paymentFile)
	cfg := DefaultConfig()
	cfg.RuleFiles = []string{path}
	cfg.ReloadInterval = minReloadInterval
	r, host = start(t, &cfg), &tracetest.Host{}
	t.Cleanup(r.Attach(host))
	return r, path, host
}

func ruleNames(r *Runtime) (names []string) {
	for _, rule := range r.Snapshot().Rules {
		names = append(names, rule.Name)
	}
	return names
}

const otherFile = `- name: other
  never: trace.spans.where(order.id == 'x').count() > 100
`

func TestChangedFileIsLoaded(t *testing.T) {
	r, path, host := reloading(t)
	before := r.projected.Load().Epoch()
	write(t, path, otherFile)
	require.Eventually(t, func() bool { return r.Snapshot().Reloads == 1 }, patience, pause)
	assert.Contains(t, ruleNames(r), "other")
	assert.Greater(t, r.projected.Load().Epoch(), before, "other attributes are read now")
	assert.Zero(t, r.Snapshot().ReloadsFailed)
	assert.Empty(t, host.Statuses())
}

func TestBadFileLeavesTheRulesInUse(t *testing.T) {
	r, path, host := reloading(t)
	write(t, path, "- name: broken\n  always: trace.has(\n")
	require.Eventually(t, func() bool { return r.Snapshot().ReloadsFailed == 1 }, patience, pause)
	assert.Equal(t, []string{"payment-needs-fraud-check"}, ruleNames(r))
	time.Sleep(20 * minReloadInterval)
	assert.Equal(t, int64(1), r.Snapshot().ReloadsFailed, "one change counts once")
	assert.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError}, host.Statuses())

	write(t, path, otherFile)
	require.Eventually(t, func() bool { return r.Snapshot().Reloads == 1 }, patience, pause)
	require.Eventually(t, func() bool { return len(host.Statuses()) == 2 }, patience, pause)
	assert.Equal(t, componentstatus.StatusOK, host.Statuses()[1])
}

func TestFileThatVanishesAndComesBack(t *testing.T) {
	r, path, host := reloading(t)
	require.NoError(t, os.Remove(path))
	require.Eventually(t, func() bool { return r.Snapshot().ReloadsFailed == 1 }, patience, pause)
	assert.Equal(t, []string{"payment-needs-fraud-check"}, ruleNames(r))
	write(t, path, paymentFile)
	require.Eventually(t, func() bool { return len(host.Statuses()) == 2 }, patience, pause)
	assert.Equal(t, componentstatus.StatusOK, host.Statuses()[1])
	assert.Zero(t, r.Snapshot().Reloads, "the rules in use are these already")
}

func TestNoReloadWhereTurnedOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.yml")
	write(t, path, paymentFile)
	cfg := DefaultConfig()
	cfg.RuleFiles, cfg.ReloadInterval = []string{path}, 0
	r := start(t, &cfg)
	write(t, path, otherFile)
	time.Sleep(3 * writeTime)
	assert.Equal(t, []string{"payment-needs-fraud-check"}, ruleNames(r))
}

// TestReloadUnderLoadLosesNoSpan swaps rules while many goroutines encode by projections that go out of date.
func TestReloadUnderLoadLosesNoSpan(t *testing.T) {
	r, path, _ := reloading(t)
	const goroutines, batches = 4, 300
	var wg sync.WaitGroup
	for g := range uint64(goroutines) {
		wg.Go(func() {
			for n := range uint64(batches) {
				r.Ingest(tracetest.Trace(g*batches+n, tracetest.Charge, tracetest.Check))
				time.Sleep(time.Millisecond)
			}
		})
	}
	for i := range 6 {
		write(t, path, []string{otherFile, paymentFile}[i%2])
		time.Sleep(2 * writeTime)
	}
	wg.Wait()
	s := r.Snapshot()
	assert.Equal(t, int64(2*goroutines*batches), s.SpansReceived)
	assert.Zero(t, s.IngestErrors)
	assert.Positive(t, s.Reloads)
}

// TestOutdatedBatchIsEncodedAgain takes the path that is a race elsewhere.
func TestOutdatedBatchIsEncodedAgain(t *testing.T) {
	cfg := earlyConfig()
	r := start(t, cfg)
	outdated := r.projected.Load()
	for i := range 6 { // more generations than the engine keeps
		rules, _, err := engine.Compile([]engine.Source{{Name: "rules", Inline: []map[string]any{{
			"name": "r", "never": "trace.spans.where(key" + string(rune('a'+i)) + " == 1).count() > 1",
		}}}})
		require.NoError(t, err)
		require.NoError(t, r.eng.Swap(rules, r.clock.now()))
		rules.Close()
	}
	_, err := r.ingestProjected(tracetest.Trace(1, "a"), outdated)
	require.ErrorIs(t, err, engine.StatusStaleProjection)
	require.Same(t, outdated, r.projected.Load())
	r.Ingest(tracetest.Trace(1, "a"))
	assert.Equal(t, int64(1), r.Snapshot().SpansReceived)
	assert.NotSame(t, outdated, r.projected.Load())
}
