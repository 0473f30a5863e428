// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"iter"
	"maps"
	"slices"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// Snapshot is what a component can say about its engine: the engine's own counters and those of this package.
type Snapshot struct {
	engine.Stats

	// IngestErrors counts batches that were not evaluated, or not as a whole.
	IngestErrors int64
	// SignalsFailed counts signals that the next consumer did not take.
	SignalsFailed int64
	// Reloads and ReloadsFailed count changes of rule files.
	Reloads, ReloadsFailed int64
	// Poisoned is true once the engine has panicked.
	Poisoned bool
}

// Snapshot reads all counters. Those of an engine that is out of service or closed are the last that could be read.
func (r *Runtime) Snapshot() Snapshot {
	r.keepStats()
	s := Snapshot{
		IngestErrors:  r.ingestErrors.Load(),
		SignalsFailed: r.signalsFailed.Load(),
		Reloads:       r.reloads.Load(),
		ReloadsFailed: r.reloadsFailed.Load(),
		Poisoned:      r.poisoned.Load(),
	}
	if last := r.lastStats.Load(); last != nil {
		s.Stats = *last
		s.SignalsQueued += r.signalsHeld.Load()
	}
	return s
}

func (r *Runtime) keepStats() {
	if s, err := r.eng.Stats(); err == nil {
		r.lastStats.Store(&s)
	}
}

// Outcomes of a verdict.
const (
	Satisfied     = "satisfied"
	Violated      = "violated"
	Inconclusive  = "inconclusive"
	NotApplicable = "not_applicable"
)

// Verdicts is the count of one outcome of one rule.
type Verdicts struct {
	Rule, Severity string
	// Mode tells a rule in `shadow` from one in `enforce`.
	Mode string
	// Outcome is one of the outcomes above.
	Outcome string
	// Reason says why a verdict is inconclusive; empty for the other outcomes.
	Reason string
	Count  int64
}

// Verdicts lists what every rule came to. Each rule has every definite outcome, zero included, and the reasons for
// inconclusive verdicts that occurred.
func (s *Snapshot) Verdicts() iter.Seq[Verdicts] {
	return func(yield func(Verdicts) bool) {
		for _, r := range s.Rules {
			v := Verdicts{Rule: r.Name, Severity: r.Severity, Mode: r.Mode}
			for _, definite := range []struct {
				outcome string
				count   int64
			}{{Satisfied, r.Satisfied}, {Violated, r.Violated}, {NotApplicable, r.NotApplicable}} {
				v.Outcome, v.Count = definite.outcome, definite.count
				if !yield(v) {
					return
				}
			}
			v.Outcome = Inconclusive
			for _, reason := range slices.Sorted(maps.Keys(r.Inconclusive)) {
				v.Reason, v.Count = reason, r.Inconclusive[reason]
				if v.Count > 0 && !yield(v) {
					return
				}
			}
		}
	}
}

// Revisions is how often verdicts of one rule became others.
type Revisions struct {
	Rule, Severity, Mode string
	// From and To are outcomes, never the same.
	From, To string
	Count    int64
}

// Revisions lists what occurred. An inconclusive verdict that has another reason now is none.
func (s *Snapshot) Revisions() iter.Seq[Revisions] {
	return func(yield func(Revisions) bool) {
		for _, r := range s.Rules {
			counts := map[[2]string]int64{}
			for _, revision := range r.Revisions {
				if revision.From != revision.To {
					counts[[2]string{revision.From, revision.To}] += revision.Count
				}
			}
			for _, change := range slices.SortedFunc(maps.Keys(counts), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
				v := Revisions{Rule: r.Name, Severity: r.Severity, Mode: r.Mode, From: change[0], To: change[1], Count: counts[change]}
				if !yield(v) {
					return
				}
			}
		}
	}
}
