// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStatusBecomesError(t *testing.T) {
	assert.NoError(t, statusError(0))
	assert.ErrorIs(t, statusError(5), StatusStaleProjection)
	assert.EqualError(t, statusError(77), "the engine returned status 77")
	seen := map[string]bool{}
	for _, s := range []Status{1, 2, 3, 4, 5, 6, 254, 255} {
		assert.NotContains(t, s.Error(), "returned status", "every known status has words of its own")
		seen[s.Error()] = true
	}
	assert.Len(t, seen, 8)
}

func TestPoisonedIsKnownThroughWrapping(t *testing.T) {
	assert.True(t, IsPoisoned(fmt.Errorf("x: %w", StatusPanic)))
	assert.True(t, IsPoisoned(StatusPoisoned))
	assert.False(t, IsPoisoned(StatusClosed))
	assert.False(t, IsPoisoned(nil))
}
