// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package report // import "github.com/fluo-otel/fluo/go-shim/bench/internal/report"

import "fmt"

// Figure is a row of the one table: what Fluo costs, what the peer costs, and what was promised.
type Figure struct {
	Name string
	// Ours and Peer are values with their units, Ratio compares them.
	Ours, Peer, Ratio string
	// Value is what the target is about, Bound what it must not exceed, or where AtLeast is set, not fall below.
	Value, Bound float64
	AtLeast      bool
	// Target says the bound in words.
	Target string
}

// Met tells whether the target is met, or by how much it is missed.
func (f Figure) Met() string {
	missed := f.Value / f.Bound
	if f.AtLeast {
		missed = f.Bound / f.Value
	}
	switch {
	case missed <= 1:
		return "yes"
	case missed < 2:
		return fmt.Sprintf("no, by %.0f %%", max(1, 100*(missed-1)))
	}
	return fmt.Sprintf("no, by a factor of %.1f", missed)
}

// Figures is the one table.
func Figures(all []Figure) *Table {
	t := NewTable("figure", "Fluo", "peer", "ratio", "target", "met?")
	for _, f := range all {
		t.Add(f.Name, f.Ours, f.Peer, f.Ratio, f.Target, f.Met())
	}
	return t
}
