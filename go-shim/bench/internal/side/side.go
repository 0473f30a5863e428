// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package side holds what is compared: each side takes the same requests and answers the same question.
package side // import "github.com/fluo-otel/fluo/go-shim/bench/internal/side"

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/question"
)

// Names of the sides.
const (
	Nothing      = "nothing"
	Fluo         = "fluo"
	TailSampling = "tail_sampling"
	GroupByTrace = "groupbytrace"
)

// Settings are what all sides are told alike.
type Settings struct {
	// Rules in the form that every side can say.
	Rules []question.Rule
	// More rules, which only Fluo can say. What they find is not noted.
	More []map[string]any
	// Wait is how long a trace is waited for: from its last span where a side can, else from its first.
	Wait time.Duration
	// Grace is how long Fluo keeps a decided trace for late spans.
	Grace time.Duration
	// MaxTraces that can be held at once.
	MaxTraces int
}

// Side is one of the things compared, running.
type Side interface {
	consumer.Traces
	// Open is how many traces are undecided, or -1 where the side does not tell.
	Open() (int64, error)
	// Held is how many bytes the side says that it holds outside the Go heap.
	Held() (int64, error)
	// Keys is how many attributes of a span the side copies out of a batch, or -1 for all.
	Keys() int
	// Verdicts says what the side knows of its answers, for complaints.
	Verdicts() string
	// Shutdown decides what is open and ends the side.
	Shutdown(context.Context) error
}

// Found is where the traces that a side found arrive.
type Found struct {
	mu sync.Mutex
	at map[pcommon.TraceID]time.Time
}

// Add says that a side found a trace, now.
func (f *Found) Add(id pcommon.TraceID) {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at == nil {
		f.at = map[pcommon.TraceID]time.Time{}
	}
	if _, again := f.at[id]; !again {
		f.at[id] = now
	}
}

// Len is how many traces were found so far.
func (f *Found) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.at)
}

// At is when each trace was found.
func (f *Found) At() map[pcommon.TraceID]time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[pcommon.TraceID]time.Time, len(f.at))
	for id, at := range f.at {
		all[id] = at
	}
	return all
}

// Start starts a side by its name.
func Start(ctx context.Context, name string, s Settings, found *Found) (Side, error) {
	switch name {
	case Nothing:
		return nothing{}, nil
	case Fluo:
		return startFluo(ctx, s, found)
	case TailSampling:
		return startTailSampling(ctx, s, found)
	case GroupByTrace:
		return startGroupByTrace(ctx, s, found)
	}
	return nil, fmt.Errorf("there is no side `%s`", name)
}

func configure(cfg component.Config, values map[string]any) error {
	if err := confmap.NewFromStringMap(values).Unmarshal(cfg); err != nil {
		return err
	}
	return confmap.Validate(cfg)
}

// host has no extensions and does not care about status.
func host() component.Host { return componenttest.NewNopHost() }

// nothing is the price of the requests themselves, which is taken off what the sides cost.
type nothing struct{}

func (nothing) Capabilities() consumer.Capabilities                { return consumer.Capabilities{} }
func (nothing) ConsumeTraces(context.Context, ptrace.Traces) error { return nil }
func (nothing) Open() (int64, error)                               { return 0, nil }
func (nothing) Held() (int64, error)                               { return 0, nil }
func (nothing) Keys() int                                          { return 0 }
func (nothing) Verdicts() string                                   { return "none" }
func (nothing) Shutdown(context.Context) error                     { return nil }
