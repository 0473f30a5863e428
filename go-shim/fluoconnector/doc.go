// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate go tool -modfile=../internal/tools/go.mod mdatagen metadata.yaml

// Package fluoconnector evaluates rules over traces and emits violations as log records and verdict counts as metrics.
package fluoconnector // import "github.com/fluo-otel/fluo/go-shim/fluoconnector"
