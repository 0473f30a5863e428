package recording

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Facts hold on every recording of the shop, whatever its ids and times.
type Facts struct {
	Traces         int            `json:"traces"`
	Spans          int            `json:"spans"`
	SpansByService map[string]int `json:"spans_by_service"`
	Charges        int            `json:"charges"`
	FraudChecks    int            `json:"fraud_checks"`
	// ChargesUnchecked counts traces with a charge and no fraud check.
	ChargesUnchecked int `json:"traces_charged_without_fraud_check"`
	// StormTraces counts traces with more than 50 spans of service `auth`.
	StormTraces int `json:"traces_with_more_than_50_auth_spans"`
	StormSpans  int `json:"auth_spans_in_the_storm"`
	// LoginsRefused counts the 401 answers of `auth-service`.
	LoginsRefused int `json:"logins_refused"`
	// LoginsRefusedInAMinute says that all of them lie within one minute.
	LoginsRefusedInAMinute bool `json:"logins_refused_within_a_minute"`
	// SplitTraces says that some trace came in several requests.
	SplitTraces bool `json:"traces_split_over_requests"`
}

// Write stores the facts as indented JSON.
func (f Facts) Write(path string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// LoadFacts reads what Write stored.
func LoadFacts(path string) (Facts, error) {
	var f Facts
	text, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(text, &f)
}

type traceFacts struct {
	charges, checks, auth int
	requests              map[int]bool
}

// census gathers what the facts are made of.
type census struct {
	facts       Facts
	traces      map[pcommon.TraceID]*traceFacts
	first, last time.Time
}

// ReadFacts works the facts out of a recording.
func ReadFacts(path string) (Facts, error) {
	c := census{facts: Facts{SpansByService: map[string]int{}}, traces: map[pcommon.TraceID]*traceFacts{}}
	file, err := os.Open(path)
	if err != nil {
		return c.facts, err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return c.facts, err
	}
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, 16<<20)
	for request := 1; lines.Scan(); request++ {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(lines.Bytes())
		if err != nil {
			return c.facts, fmt.Errorf("request %d: %w", request, err)
		}
		c.request(request, traces)
	}
	return c.close(), lines.Err()
}

func (c *census) request(number int, traces ptrace.Traces) {
	for _, ofResource := range traces.ResourceSpans().All() {
		service := text(ofResource.Resource().Attributes(), "service.name")
		for _, ofScope := range ofResource.ScopeSpans().All() {
			for _, span := range ofScope.Spans().All() {
				c.span(number, service, span)
			}
		}
	}
}

func (c *census) span(request int, service string, span ptrace.Span) {
	c.facts.Spans++
	c.facts.SpansByService[service]++
	of, known := c.traces[span.TraceID()]
	if !known {
		of = &traceFacts{requests: map[int]bool{}}
		c.traces[span.TraceID()] = of
	}
	of.requests[request] = true
	switch {
	case span.Name() == "payment.charge_card":
		of.charges++
	case span.Name() == "payment.fraud_check":
		of.checks++
	case service == "auth":
		of.auth++
	case service == "auth-service" && text(span.Attributes(), "http.response.status_code") == "401" &&
		text(span.Attributes(), "error.type") == "AuthenticationError":
		c.login(span.EndTimestamp().AsTime())
	}
}

func (c *census) login(refused time.Time) {
	c.facts.LoginsRefused++
	if c.first.IsZero() || refused.Before(c.first) {
		c.first = refused
	}
	if refused.After(c.last) {
		c.last = refused
	}
}

func (c *census) close() Facts {
	f := c.facts
	f.Traces = len(c.traces)
	f.LoginsRefusedInAMinute = c.last.Sub(c.first) < time.Minute
	for _, of := range c.traces {
		f.Charges += of.charges
		f.FraudChecks += of.checks
		if of.charges > 0 && of.checks == 0 {
			f.ChargesUnchecked++
		}
		if of.auth > 50 {
			f.StormTraces++
			f.StormSpans += of.auth
		}
		f.SplitTraces = f.SplitTraces || len(of.requests) > 1
	}
	return f
}

func text(attributes pcommon.Map, key string) string {
	value, _ := attributes.Get(key)
	return value.AsString()
}
