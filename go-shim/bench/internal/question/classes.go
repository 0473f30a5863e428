// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package question // import "github.com/fluo-otel/fluo/go-shim/bench/internal/question"

import "fmt"

// Classes of what Fluo keeps of a span, cheapest first.
const (
	// Unselected spans are known again, no more.
	Unselected = "K0"
	// Absence is asked of traces whose spans are not selected: gaps must be seen.
	Absence = "K1"
	// Related spans may be asked for their relations.
	Related = "K2"
	// Selected spans are asked for two of their attributes later.
	Selected = "selected"
)

// Classes lists the classes, cheapest first.
func Classes() []string { return []string{Unselected, Absence, Related, Selected} }

// Class is a rule that makes every span of the synthetic traffic one of that class.
func Class(class string) ([]map[string]any, error) {
	claim := map[string]map[string]any{
		Unselected: {"never": "trace.spans.where(service == 'elsewhere' and name == 'nothing').count() > 3"},
		Absence:    {"when": "trace.has(service == 'elsewhere')", "always": "trace.has(name == 'nothing')"},
		Related:    {"never": "trace.has(service == 'elsewhere').any(has_ancestor(name == 'nothing'))"},
		Selected:   {"never": "trace.spans.where(exists(http.route)).by(http.route).distinct(url.path) > 100"},
	}[class]
	if claim == nil {
		return nil, fmt.Errorf("there is no class `%s`", class)
	}
	claim["name"] = "class-" + class
	return []map[string]any{claim}, nil
}
