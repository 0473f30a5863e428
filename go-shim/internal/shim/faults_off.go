// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !fluo_faults

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import "github.com/fluo-otel/fluo/go-shim/internal/engine"

// Faults are settings that make the engine fail on purpose. This build has none.
type Faults struct{}

func (Faults) apply(*engine.Settings) {}
