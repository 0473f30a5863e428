// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build fluo_faults

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import "github.com/fluo-otel/fluo/go-shim/internal/engine"

// Faults are settings that make the engine fail on purpose.
type Faults struct {
	// PanicOnSpan is the name of a span that makes the engine panic.
	PanicOnSpan string `mapstructure:"fault_panic_on_span"`
}

func (f Faults) apply(s *engine.Settings) { s.FaultPanicOnSpan = f.PanicOnSpan }
