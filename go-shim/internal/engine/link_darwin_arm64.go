// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !fluo_system && !fluo_faults

package engine // import "github.com/fluo-otel/fluo/go-shim/internal/engine"

/*
#if !__has_include("lib/darwin_arm64/libfluo.a")
#error "lib/darwin_arm64/libfluo.a is missing: run `make lib`"
#endif
#cgo LDFLAGS: ${SRCDIR}/lib/darwin_arm64/libfluo.a -liconv -lSystem -lm
*/
import "C"
