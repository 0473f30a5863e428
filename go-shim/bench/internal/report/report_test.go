// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"
)

func TestFiguresSayWhetherTheyKeepTheirBound(t *testing.T) {
	for _, c := range []struct {
		value, bound float64
		atLeast      bool
		want         string
	}{
		{8, 8, false, "yes"},
		{8.01, 8, false, "no, by 1 %"},
		{12, 8, false, "no, by 50 %"},
		{24, 8, false, "no, by a factor of 3.0"},
		{15, 15, true, "yes"},
		{20, 15, true, "yes"},
		{10, 15, true, "no, by 50 %"},
		{5, 15, true, "no, by a factor of 3.0"},
	} {
		if got := (Figure{Value: c.value, Bound: c.bound, AtLeast: c.atLeast}).Met(); got != c.want {
			t.Errorf("%v of %v: %s, not %s", c.value, c.bound, got, c.want)
		}
	}
}

func TestTableIsMarkdown(t *testing.T) {
	table := NewTable("side", "of a span")
	table.Add("fluo", "8 B")
	table.Add("it’s", "1,040 B")
	var text strings.Builder
	if err := table.Print(&text); err != nil {
		t.Fatal(err)
	}
	want := "| side | of a span |\n| ---- | --------- |\n| fluo | 8 B       |\n| it’s | 1,040 B   |\n"
	if text.String() != want {
		t.Errorf("got\n%swant\n%s", text.String(), want)
	}
}
