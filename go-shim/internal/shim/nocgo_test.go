// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package shim

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/zap"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// TestWithoutCgoTheOnlyErrorSaysSo keeps other findings from hiding the one thing the user has to change.
func TestWithoutCgoTheOnlyErrorSaysSo(t *testing.T) {
	cfg := Config{RuleFiles: []string{"missing.yml"}}
	assert.Equal(t, engine.ErrNoCgo, cfg.Check())
	_, err := Start(&cfg, zap.NewNop())
	assert.Equal(t, engine.ErrNoCgo, err)
}
