// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package engine // import "github.com/fluo-otel/fluo/go-shim/internal/engine"

import "encoding/json"

// Source is one rule file, or one list of rules from the collector's configuration.
type Source struct {
	// Name is what diagnostics call this source.
	Name string
	// Text is the YAML text of a rule file, which may be empty.
	Text string
	// Inline holds rules that are already decoded; Text is empty then.
	Inline []map[string]any
}

// MarshalJSON writes the source as the engine reads it: a file has a text, even an empty one, rules of the configuration have none.
func (s Source) MarshalJSON() ([]byte, error) {
	if s.Inline != nil {
		return json.Marshal(struct {
			Name   string           `json:"name"`
			Inline []map[string]any `json:"inline"`
		}{s.Name, s.Inline})
	}
	return json.Marshal(struct {
		Name string `json:"name"`
		Text string `json:"text"`
	}{s.Name, s.Text})
}

// Severity of a diagnostic.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// Diagnostic is one finding about a rule.
type Diagnostic struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Help     string `json:"help"`
	Source   string `json:"source"`
	Rule     string `json:"rule"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	// Rendered is the text for people, several lines with a caret.
	Rendered string `json:"rendered"`
}

// Report is what the compiler says about a rule set, good or bad.
type Report struct {
	Diagnostics []Diagnostic `json:"diagnostics"`
	// Rules is the number of rules that were read.
	Rules int `json:"rules"`
	// Hash identifies the content of the rule set.
	Hash string `json:"hash"`
}

// Settings of an engine. Durations are in nanoseconds.
type Settings struct {
	SettleNS            int64             `json:"settle_ns"`
	MaxDurationNS       int64             `json:"max_duration_ns"`
	LateGraceNS         int64             `json:"late_grace_ns"`
	TopIsRoot           string            `json:"top_is_root"`
	Live                bool              `json:"live"`
	MaxSkewNS           int64             `json:"max_skew_ns"`
	AllowedLatenessNS   int64             `json:"allowed_lateness_ns"`
	MemoryBytes         uint64            `json:"memory_bytes"`
	MaxTraces           uint64            `json:"max_traces"`
	MaxSpansPerTrace    uint64            `json:"max_spans_per_trace"`
	MaxGroups           uint64            `json:"max_groups"`
	MaxStepsPerDecision uint64            `json:"max_steps_per_decision"`
	SignalQueueSize     uint64            `json:"signal_queue_size"`
	Resource            map[string]string `json:"resource,omitempty"`
	// FaultPanicOnSpan is understood by archives built for fault tests only.
	FaultPanicOnSpan string `json:"fault_panic_on_span,omitempty"`
}

// Keys says which attributes of one scope the rules read.
type Keys struct {
	// All is true where every attribute is read.
	All  bool     `json:"all"`
	Keys []string `json:"keys"`
}

// ScopeKeys says what of an instrumentation scope the rules read.
type ScopeKeys struct {
	Name bool     `json:"name"`
	All  bool     `json:"all"`
	Keys []string `json:"keys"`
}

// ListKeys says what of span events or of span links the rules read.
type ListKeys struct {
	// Carry is false where no rule reads them at all.
	Carry bool     `json:"carry"`
	All   bool     `json:"all"`
	Keys  []string `json:"keys"`
}

// Projection says which parts of a span the loaded rules read.
type Projection struct {
	// Epoch names this projection; it goes with every message encoded by it.
	Epoch         uint64    `json:"epoch"`
	Span          Keys      `json:"span"`
	Resource      Keys      `json:"resource"`
	Scope         ScopeKeys `json:"scope"`
	Event         ListKeys  `json:"event"`
	Link          ListKeys  `json:"link"`
	StatusMessage bool      `json:"status_message"`
	// Dropped asks for the counts of dropped attributes, events and links.
	Dropped bool `json:"dropped"`
}

// IngestResult counts what became of one message.
type IngestResult struct {
	Spans          uint64
	SpansSelected  uint64
	SpansRejected  uint64
	FramesRejected uint64
	SpansOwn       uint64
	// Epoch of the current projection, to compare with the one the message was encoded by.
	Epoch uint64
	// SignalsPending asks for Drain.
	SignalsPending bool
}

// Form of drained signals.
type Form uint32

const (
	// FormLogs drains signals as LogsData.
	FormLogs Form = 1
	// FormSpans drains signals as TracesData, one span a signal.
	FormSpans Form = 2
)

// DrainResult describes one drained chunk.
type DrainResult struct {
	Signals uint64
	// More is true where the queue is not empty yet.
	More bool
}

// RuleStats counts the verdicts of one rule, each once, when it is given.
type RuleStats struct {
	Name     string `json:"name"`
	Severity string `json:"severity"`
	// Mode is `enforce` or `shadow`.
	Mode          string           `json:"mode"`
	Satisfied     int64            `json:"satisfied"`
	Violated      int64            `json:"violated"`
	NotApplicable int64            `json:"not_applicable"`
	Inconclusive  map[string]int64 `json:"inconclusive"`
	// Revisions count what late spans made of them.
	Revisions []Revision `json:"revisions"`
}

// Revision counts how often one verdict became another; both are words such as `violated`.
type Revision struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Count int64  `json:"count"`
}

// Stats are the engine's counters: cumulative unless said.
type Stats struct {
	SpansReceived    int64 `json:"spans_received"`
	SpansSelected    int64 `json:"spans_selected"`
	SpansRejected    int64 `json:"spans_rejected"`
	FramesRejected   int64 `json:"frames_rejected"`
	SpansOwn         int64 `json:"spans_own"`
	SpansDuplicate   int64 `json:"spans_duplicate"`
	SpansConflicting int64 `json:"spans_conflicting"`
	SpansLate        int64 `json:"spans_late"`
	SpansBadTime     int64 `json:"spans_bad_time"`
	SpansOverLimit   int64 `json:"spans_over_limit"`
	// TracesOpen, TracesGrace, BytesHeld and SignalsQueued are gauges.
	TracesOpen      int64       `json:"traces_open"`
	TracesGrace     int64       `json:"traces_grace"`
	BytesHeld       int64       `json:"bytes_held"`
	TracesCompleted int64       `json:"traces_completed"`
	TracesEvicted   int64       `json:"traces_evicted"`
	GroupsEvicted   int64       `json:"groups_evicted"`
	SignalsEmitted  int64       `json:"signals_emitted"`
	SignalsDropped  int64       `json:"signals_dropped"`
	SignalsQueued   int64       `json:"signals_queued"`
	Epoch           uint64      `json:"epoch"`
	RulesetHash     string      `json:"ruleset_hash"`
	Rules           []RuleStats `json:"rules"`
}
