// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate go tool -modfile=../internal/tools/go.mod mdatagen metadata.yaml

// Package fluoprocessor evaluates rules over the spans that pass it and adds a span for every violation.
package fluoprocessor // import "github.com/fluo-otel/fluo/go-shim/fluoprocessor"
