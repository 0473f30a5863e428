// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && (fluo_system || fluo_faults)

package engine // import "github.com/fluo-otel/fluo/go-shim/internal/engine"

// expectedBuildID is empty: this build takes any archive of the right ABI version.
const expectedBuildID = ""
