// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package report // import "github.com/fluo-otel/fluo/go-shim/bench/internal/report"

import "fmt"

// Figure is a row of the one table: what Fluo costs, what the peer costs, and what was promised.
type Figure struct {
	Name string
	// Ours and Peer are values with their units.
	Ours, Peer string
	// Ratio is what the target is about, and how it reads.
	Ratio  float64
	Format string
	// Bound of the ratio; it is a lower one where AtLeast is set.
	Bound   float64
	AtLeast bool
	// Target says the bound in words.
	Target string
}

// Met tells whether the target is met, or by how much it is missed.
func (f Figure) Met() string {
	missed := f.Ratio / f.Bound
	if f.AtLeast {
		missed = f.Bound / f.Ratio
	}
	if missed <= 1 {
		return "yes"
	}
	if missed < 1.1 {
		return fmt.Sprintf("no, by %.1f %%", 100*(missed-1))
	}
	return fmt.Sprintf("no, by a factor of %.1f", missed)
}

// Figures is the one table.
func Figures(all []Figure) *Table {
	t := NewTable("figure", "Fluo", "peer", "ratio", "target", "met?")
	for _, f := range all {
		t.Add(f.Name, f.Ours, f.Peer, fmt.Sprintf(f.Format, f.Ratio), f.Target, f.Met())
	}
	return t
}
