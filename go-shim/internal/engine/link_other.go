// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !fluo_system && !((linux || darwin) && (amd64 || arm64))

package engine // import "github.com/fluo-otel/fluo/go-shim/internal/engine"

/*
#error "there is no archive for this platform: build libfluo.a and use the build tag fluo_system"
*/
import "C"
