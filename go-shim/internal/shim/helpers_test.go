// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package shim

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

const (
	patience = 10 * time.Second
	pause    = 10 * time.Millisecond
)

// start runs an engine until the end of the test.
func start(t *testing.T, cfg *Config) *Runtime {
	r, err := Start(cfg, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

// earlyConfig has a rule that the second charge of a trace violates at once.
func earlyConfig() *Config {
	cfg := DefaultConfig()
	cfg.Rules = []map[string]any{tracetest.DoubleChargeRule()}
	return &cfg
}

// violate makes n violations of earlyConfig's rule in traces from first on.
func violate(r *Runtime, first, n uint64) {
	for i := range n {
		r.Ingest(tracetest.Trace(first+i, tracetest.Charge, tracetest.Charge))
	}
}

// receiver takes signals as log records and can refuse them.
type receiver struct {
	mu       sync.Mutex
	records  int
	attempts int
	answers  []error // one for each attempt, then the last again
}

func (r *receiver) deliver(_ context.Context, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(data)
	if err != nil {
		return errors.Join(err, errors.New("not logs"))
	}
	r.attempts++
	var answer error
	if len(r.answers) > 0 {
		answer = r.answers[0]
		if len(r.answers) > 1 {
			r.answers = r.answers[1:]
		}
	}
	if answer == nil {
		r.records += ld.LogRecordCount()
	}
	return answer
}

func (r *receiver) got() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records
}

func (r *receiver) tried() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempts
}
