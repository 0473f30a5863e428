// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package question is what the benchmark asks of every trace, in the language of each side.
package question // import "github.com/fluo-otel/fluo/go-shim/bench/internal/question"

import (
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Condition is satisfied by a span that has everything it names.
type Condition struct {
	// Service and Span are names; an empty one is not asked for.
	Service, Span string
	// Failed asks for the status error.
	Failed bool
}

// Rule asks for the traces that have one span and lack another.
type Rule struct {
	Name       string
	Has, Lacks Condition
}

// Names in the question of every run: which traces have a failed span of auth, and no fraud check?
const (
	Auth       = "auth"
	FraudCheck = "payment.fraud_check"
)

// Main are the forms of that question. The first that is about some trace of a traffic is asked there: in the recorded shop
// only the calls of the frontend to auth fail.
func Main() []Rule {
	unchecked := Condition{Span: FraudCheck}
	return []Rule{
		{Name: "failed-auth-unchecked", Has: Condition{Service: Auth, Failed: true}, Lacks: unchecked},
		{Name: "failed-call-unchecked", Has: Condition{Service: "frontend", Span: "HTTP POST", Failed: true}, Lacks: unchecked},
		{Name: "failure-unchecked", Has: Condition{Failed: true}, Lacks: unchecked},
	}
}

// Fluo is the rule as Fluo reads it.
func (r Rule) Fluo() map[string]any {
	return map[string]any{
		"name":  r.Name,
		"never": fmt.Sprintf("trace.has(%s) and not trace.has(%s)", r.Has.Fluo(), r.Lacks.Fluo()),
	}
}

// Fluo is the predicate as Fluo reads it.
func (c Condition) Fluo() string {
	return c.join("service == '%s'", "name == '%s'", "status == error")
}

// OTTL is the condition in the collector's own language, on a span.
func (c Condition) OTTL() string {
	return c.join("resource.attributes[\"service.name\"] == \"%s\"", "span.name == \"%s\"", "span.status.code == STATUS_CODE_ERROR")
}

func (c Condition) join(service, name, failed string) string {
	var parts []string
	if c.Service != "" {
		parts = append(parts, fmt.Sprintf(service, c.Service))
	}
	if c.Span != "" {
		parts = append(parts, fmt.Sprintf(name, c.Span))
	}
	if c.Failed {
		parts = append(parts, failed)
	}
	return strings.Join(parts, " and ")
}

// TailSampling is the rule as a policy of tail_sampling: it keeps the traces that the rule asks for.
func (r Rule) TailSampling() map[string]any {
	condition := func(name string, c Condition) map[string]any {
		return map[string]any{
			"name": name, "type": "ottl_condition",
			"ottl_condition": map[string]any{"error_mode": "ignore", "span": []any{c.OTTL()}},
		}
	}
	return map[string]any{
		"name": r.Name, "type": "and",
		"and": map[string]any{"and_sub_policy": []any{
			condition("has", r.Has),
			map[string]any{"name": "lacks", "type": "not", "not": map[string]any{"not_sub_policy": condition("lacked", r.Lacks)}},
		}},
	}
}

// Satisfied tells whether a span of that service has everything that c names. It is the benchmark's own evaluation, against
// which the answers of all sides are held.
func (c Condition) Satisfied(service string, span ptrace.Span) bool {
	return (c.Service == "" || c.Service == service) &&
		(c.Span == "" || c.Span == span.Name()) &&
		(!c.Failed || span.Status().Code() == ptrace.StatusCodeError)
}
