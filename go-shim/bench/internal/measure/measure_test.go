// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/question"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/side"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"
)

const (
	recordings = "../../../../examples/quickstart/traces"
	cookbook   = "../../../../docs/cookbook.md"
)

// TestSidesFindTheSame runs every side on every traffic: a measurement fails unless the side found exactly the traces that the
// benchmark's own evaluation finds.
func TestSidesFindTheSame(t *testing.T) {
	for name, spec := range map[string]Spec{
		"synthetic, the question":  {Shape: Typical, Rules: 1},
		"synthetic, typical rules": {Shape: Typical, Rules: 60},
		"synthetic, other rules":   {Shape: Disjoint, Rules: 30},
		"recorded, the question":   {Shape: Typical, Rules: 1, Recordings: recordings},
	} {
		for _, of := range []string{side.Fluo, side.TailSampling, side.GroupByTrace} {
			t.Run(name+"/"+of, func(t *testing.T) {
				t.Parallel()
				spec.What, spec.Side, spec.Spans, spec.Wait, spec.Grace = Consume, of, 3000, time.Second, 2*time.Minute
				r, err := spec.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if r.Found == 0 || len(r.Late) != r.Found || r.Spans < spec.Spans || r.Total == 0 {
					t.Errorf("measured %+v", r)
				}
			})
		}
	}
}

func TestCookbookIsLoadedBesideTheQuestion(t *testing.T) {
	t.Parallel()
	spec := Spec{
		What: Consume, Side: side.Fluo, Shape: Cookbook, Page: cookbook, Spans: 1, Locked: true, Wait: time.Second, Grace: time.Minute,
	}
	r, err := spec.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Keys != -1 || r.Found == 0 || r.InConsume == 0 {
		t.Errorf("measured %+v", r)
	}
}

func TestHeldTracesAreOpenOrDecided(t *testing.T) {
	for _, class := range question.Classes() {
		for _, decided := range []bool{false, true} {
			t.Run(fmt.Sprint(class, decided), func(t *testing.T) {
				t.Parallel()
				spec := Spec{
					What: Hold, Side: side.Fluo, Shape: Class, Class: class, TraceSpans: 20, Spans: 4000, Wait: time.Minute, Grace: time.Minute,
					Decided: decided,
				}
				if decided {
					spec.Wait = time.Second
				}
				r, err := spec.Run(t.Context())
				if err != nil {
					t.Fatalf("class %s: %v", class, err)
				}
				if r.Held.Engine <= 0 || r.Traces != 200 {
					t.Errorf("class %s: measured %+v", class, r)
				}
			})
		}
	}
}

// TestWrongAnswersAreNoMeasurement is about the check itself.
func TestWrongAnswersAreNoMeasurement(t *testing.T) {
	mixed, err := traffic.Mixed()
	if err != nil {
		t.Fatal(err)
	}
	asked := mixed.Answer([]question.Rule{mixed.Asked})
	if len(asked) == 0 {
		t.Fatal("the question is about no trace")
	}
	s := sender{traffic: mixed, rounds: 2, last: make([]time.Time, 2)}
	right := func() map[pcommon.TraceID]time.Time {
		all := map[pcommon.TraceID]time.Time{}
		for round := range s.rounds {
			for _, id := range traffic.InRound(asked, round) {
				all[id] = time.Now()
			}
		}
		return all
	}
	if err := s.check(asked, right(), &Result{}); err != nil {
		t.Error(err)
	}
	missing := right()
	delete(missing, traffic.InRound(asked, 1)[0])
	if s.check(asked, missing, &Result{}) == nil {
		t.Error("a trace that was not found went unnoticed")
	}
	more := right()
	more[pcommon.TraceID{1}] = time.Now()
	if s.check(asked, more, &Result{}) == nil {
		t.Error("a trace too many went unnoticed")
	}
}
