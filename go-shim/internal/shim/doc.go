// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package shim is what the connector and the processor have in common: the configuration, the life of an engine and the
// goroutines around it.
//
// Three rules hold everywhere. Nothing that happens in the engine is an error of the pipeline: spans pass, the failure is
// counted and shown as component status. Signals never leave inside ConsumeTraces: a goroutine drains them into the next
// consumer, so a slow exporter holds no spans back. The engine is the only thing that knows a rule.
package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"
