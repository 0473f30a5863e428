// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !fluo_system && !fluo_faults

package engine // import "github.com/fluo-otel/fluo/go-shim/internal/engine"

/*
#if !__has_include("lib/linux_arm64/libfluo.a")
#error "lib/linux_arm64/libfluo.a is missing: run `make lib`"
#endif
#cgo LDFLAGS: ${SRCDIR}/lib/linux_arm64/libfluo.a -lgcc_s -lutil -lrt -lpthread -lm -ldl
*/
import "C"
