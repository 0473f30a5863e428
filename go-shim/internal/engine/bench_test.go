// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

func TestCallsOfTheHotPathAllocateNothingInGo(t *testing.T) {
	e := start(t, rules(t, tracetest.PaymentRule()))
	data, at := bytesOf(t, tracetest.Trace(1, "a")), now()
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := e.Ingest(0, at, data); err != nil {
			t.Fatal(err)
		}
	}))
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := e.Tick(at); err != nil {
			t.Fatal(err)
		}
	}))
}

// BenchmarkCall is what crossing into the library and back costs, apart from any work there.
func BenchmarkCall(b *testing.B) {
	rs, _, err := engine.Compile([]engine.Source{{Name: "rules", Inline: []map[string]any{tracetest.PaymentRule()}}})
	require.NoError(b, err)
	defer rs.Close()
	e, err := engine.New(rs, settings(), now())
	require.NoError(b, err)
	defer e.Close()
	at := now()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Ingest(0, at, nil); err != nil {
			b.Fatal(err)
		}
	}
}
