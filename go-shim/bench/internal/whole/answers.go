// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package whole // import "github.com/fluo-otel/fluo/go-shim/bench/internal/whole"

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// answer is one rule that was answered for one trace.
type answer struct {
	trace pcommon.TraceID
	early bool
}

// answers are when traces were sent that the question is about, and when the answers came.
type answers struct {
	mu   sync.Mutex
	sent map[pcommon.TraceID]time.Time
	came map[answer]time.Time
	err  error
}

func newAnswers() *answers {
	return &answers{sent: map[pcommon.TraceID]time.Time{}, came: map[answer]time.Time{}}
}

func (a *answers) send(ids []pcommon.TraceID, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		a.sent[id] = now
	}
}

// take reads an exported message: violations as logs, or the spans of kept traces.
func (a *answers) take(message []byte, logs bool) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !logs {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(message)
		if err != nil {
			a.err = err
		}
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					a.add(answer{trace: s.TraceID()}, now)
				}
			}
		}
		return
	}
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(message)
	if err != nil {
		a.err = err
	}
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				rule, _ := record.Attributes().Get("fluo.rule.name")
				a.add(answer{trace: record.TraceID(), early: rule.AsString() == early}, now)
			}
		}
	}
}

func (a *answers) add(one answer, now time.Time) {
	if _, again := a.came[one]; !again {
		a.came[one] = now
	}
}

// missing is how many of the traces sent have no answer yet.
func (a *answers) missing() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for id := range a.sent {
		if _, ok := a.came[answer{trace: id}]; !ok {
			n++
		}
	}
	return n
}

// result lists the time from a trace's last span to its answer, and the number of answers that nobody asked for. Traces that
// were sent before a time are left out.
func (a *answers) result(from time.Time) (late, early []int64, more int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for one, at := range a.came {
		sent, asked := a.sent[one.trace]
		switch {
		case !asked:
			more++
		case sent.Before(from):
		case one.early:
			early = append(early, int64(at.Sub(sent)))
		default:
			late = append(late, int64(at.Sub(sent)))
		}
	}
	return late, early, more, a.err
}
