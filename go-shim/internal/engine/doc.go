// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package engine is the seam to the rule engine: a thin, typed wrapper over its C ABI (fluo.h).
//
// It is the only package of the module that uses cgo. Everything that crosses is plain data: OTLP bytes and JSON. The
// library calls nothing back, starts no threads and keeps no global state, so a call costs what it computes and holds no
// Go memory once it has returned. Whatever the library allocates is copied into Go memory and released before a wrapper
// returns.
//
// Build variants:
//
//	cgo (default)        links lib/<os>_<arch>/libfluo.a, put there by `make lib`
//	cgo, fluo_system     links what CGO_LDFLAGS says and finds fluo.h through CGO_CFLAGS
//	cgo, fluo_faults     links lib/<os>_<arch>/libfluo_faults.a, which can be told to panic (tests only)
//	no cgo               compiles, and every call returns [ErrNoCgo]
package engine // import "github.com/fluo-otel/fluo/go-shim/internal/engine"
