// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package question // import "github.com/fluo-otel/fluo/go-shim/bench/internal/question"

import "fmt"

// Pair is a service and the name of one of its spans.
type Pair struct{ Service, Span string }

// The rules of a large estate: so many services, and so many operations of each.
const (
	estateServices   = 20
	estateOperations = 50
)

// Typical is a rule set of n rules on service and name: the question, and rules about the operations of an estate of which the
// traffic's services and operations are a part. Each asks for traces in which the operation failed and was not repeated.
func Typical(n int, asked Rule, traffic []Pair) []Rule {
	operations := map[string][]string{}
	var services []string
	for _, p := range traffic {
		if _, known := operations[p.Service]; !known {
			services = append(services, p.Service)
		}
		operations[p.Service] = append(operations[p.Service], p.Span)
	}
	for len(services) < estateServices {
		services = append(services, fmt.Sprintf("service-%d", len(services)))
	}
	rules := []Rule{asked}
	for i := 1; i < n; i++ {
		service := services[i%len(services)]
		name := fmt.Sprintf("operation-%d", i/len(services)%estateOperations)
		if own := operations[service]; i/len(services) < len(own) {
			name = own[i/len(services)]
		}
		rules = append(rules, Rule{
			Name:  fmt.Sprintf("rule-%d", i),
			Has:   Condition{Service: service, Span: name, Failed: true},
			Lacks: Condition{Service: service, Span: name + " again"},
		})
	}
	return rules
}

// Disjoint is a rule set of n rules: the question, and rules about services that send nothing.
func Disjoint(n int, asked Rule) []Rule {
	rules := []Rule{asked}
	for i := 1; i < n; i++ {
		service, name := fmt.Sprintf("elsewhere-%d", i), fmt.Sprintf("operation-%d", i)
		rules = append(rules, Rule{
			Name:  fmt.Sprintf("rule-%d", i),
			Has:   Condition{Service: service, Span: name, Failed: true},
			Lacks: Condition{Service: service, Span: name + " again"},
		})
	}
	return rules
}
