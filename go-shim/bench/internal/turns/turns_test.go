// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package turns

import "testing"

func TestMedians(t *testing.T) {
	value := func(v float64) float64 { return v }
	if got := Median([]float64{9, 1, 2}, value); got != 2 {
		t.Errorf("the median of three is %v", got)
	}
	if got := Median([]float64{4, 1, 2, 9}, value); got != 3 {
		t.Errorf("the median of four is %v", got)
	}
	// Each turn is compared with itself: what slowed the second turn slowed both.
	if got := Ratio([]float64{1, 10, 1}, []float64{2, 20, 3}, value); got != 2 {
		t.Errorf("the ratio is %v", got)
	}
}
