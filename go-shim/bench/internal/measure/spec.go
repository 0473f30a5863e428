// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package measure takes one measurement of one side, in a process that does nothing else.
package measure // import "github.com/fluo-otel/fluo/go-shim/bench/internal/measure"

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/question"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/side"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"
)

// What a measurement looks at.
const (
	// Consume is the CPU from the request to the verdict.
	Consume = "consume"
	// Hold is the memory of open and of decided traces.
	Hold = "hold"
	// OTTL is the evaluation of conditions alone.
	OTTL = "ottl"
	// Throughput is how fast as many senders as cores get rid of their spans.
	Throughput = "throughput"
)

// Which rules a measurement has.
const (
	// Typical are rules on the services and names of an estate.
	Typical = "typical"
	// Disjoint are rules about services that send nothing.
	Disjoint = "disjoint"
	// Cookbook are the rules of a page of the documentation, and the question.
	Cookbook = "cookbook"
	// Class is the rule of a class of [question.Classes].
	Class = "class"
)

// Spec is one measurement.
type Spec struct {
	What string
	// Side is the name of the side.
	Side string
	// Shape of the rules, and how many.
	Shape string
	Rules int
	// Page is the path of the cookbook, Without the rules of it that are left out.
	Page    string
	Without []string
	// Class is one of [question.Classes].
	Class string
	// Recordings is the folder of recorded traffic; empty for synthetic traffic. TraceSpans makes all its traces of one size;
	// 0 mixes sizes.
	Recordings string
	TraceSpans int
	// Spans to send at least; whole rounds are sent.
	Spans int
	// Locked binds the sender to its thread, so that the CPU in ConsumeTraces can be told from the rest.
	Locked bool
	// Hurried does not wait for the verdicts, where only ConsumeTraces is looked at.
	Hurried bool
	// Wait and Grace as in [side.Settings].
	Wait, Grace time.Duration
	// Decided weighs traces that are decided and in their grace, not open ones.
	Decided bool
	// Cores the process may use, 1 or 2.
	Cores int
}

// Result of a measurement. Times are nanoseconds for all spans together.
type Result struct {
	// Spans and Traces that were sent, and the Bytes that they have on the wire.
	Spans, Traces, Bytes int
	// Keys is the number of attributes that the side copied, -1 for all.
	Keys int
	// InConsume is the CPU of the calling thread inside ConsumeTraces; 0 where the thread was not locked.
	InConsume int64
	// Total is the CPU of the process until all is decided.
	Total int64
	// Wall is the time from the first request to the end of the last.
	Wall int64
	// Allocations and Allocated count Go's.
	Allocations, Allocated int64
	// Found is how many traces the side found, all that the question is about and no others.
	Found int
	// Late are the nanoseconds from a trace's last span to its verdict, of the traces found.
	Late []int64
	// Held is what all traces together hold.
	Held Held
}

// Held is memory, in bytes above what the process held before the first span.
type Held struct {
	// Engine is what the engine says of itself.
	Engine int64
	Heap   int64
	RSS    int64
}

// Kind is the argument by which the program takes such a measurement.
func (Spec) Kind() string { return "one" }

// On picks so many cores.
func (s Spec) On(all []int) []int {
	if len(all) < s.Cores {
		return nil
	}
	return all[:s.Cores]
}

func (s Spec) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s, %s, %d %s rules", s.What, s.Side, s.Rules, s.Shape))
}

// Run takes the measurement.
func (s Spec) Run(ctx context.Context) (Result, error) {
	switch s.What {
	case Consume:
		return s.consume(ctx)
	case Hold:
		return s.hold(ctx)
	case OTTL:
		return s.ottl(ctx)
	case Throughput:
		return s.throughput(ctx)
	}
	return Result{}, fmt.Errorf("there is no measurement `%s`", s.What)
}

func (s Spec) traffic() (*traffic.Traffic, error) {
	switch {
	case s.Recordings != "":
		return traffic.Recorded(s.Recordings)
	case s.TraceSpans > 0:
		return traffic.Sized(s.TraceSpans, max(1, sizedRequest/s.TraceSpans))
	}
	return traffic.Mixed()
}

// sizedRequest is how many spans a request has where all traces are of one size.
const sizedRequest = 2000

func (s Spec) settings(t *traffic.Traffic) (set side.Settings, err error) {
	set = side.Settings{Rules: []question.Rule{t.Asked}, Wait: s.Wait, Grace: s.Grace, MaxTraces: maxTraces}
	switch s.Shape {
	case Typical:
		set.Rules = question.Typical(s.Rules, t.Asked, t.Pairs)
	case Disjoint:
		set.Rules = question.Disjoint(s.Rules, t.Asked)
	case Cookbook:
		set.More, err = question.Cookbook(s.Page, s.Without...)
	case Class:
		set.Rules = nil
		set.More, err = question.Class(s.Class)
	default:
		err = fmt.Errorf("there are no rules `%s`", s.Shape)
	}
	return set, err
}

// maxTraces is more than any measurement has.
const maxTraces = 2_000_000
