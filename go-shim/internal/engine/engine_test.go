// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

func settings() engine.Settings {
	return engine.Settings{
		SettleNS: 1e8, MaxDurationNS: 60e9, LateGraceNS: 60e9, TopIsRoot: "age", MaxSkewNS: 1e8, AllowedLatenessNS: 30e9,
		MemoryBytes: 64 << 20, MaxTraces: 1000, MaxSpansPerTrace: 1000, MaxGroups: 1000, MaxStepsPerDecision: 10_000_000, SignalQueueSize: 10_000,
	}
}

func rules(t *testing.T, rules ...map[string]any) *engine.RuleSet {
	rs, report, err := engine.Compile([]engine.Source{{Name: "rules", Inline: rules}})
	require.NoError(t, err, "%+v", report)
	assert.Equal(t, len(rules), report.Rules)
	assert.NotEmpty(t, report.Hash)
	t.Cleanup(rs.Close)
	return rs
}

func start(t *testing.T, rs *engine.RuleSet) *engine.Engine {
	e, err := engine.New(rs, settings(), uint64(time.Now().UnixNano()))
	require.NoError(t, err)
	t.Cleanup(func() {
		e.Close()
		assert.Zero(t, engine.LiveCount())
	})
	return e
}

func bytesOf(t *testing.T, td ptrace.Traces) []byte {
	data, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	return data
}

func now() uint64 { return uint64(time.Now().UnixNano()) }

func TestLibraryIsTheOneThatThisModuleWasMadeFor(t *testing.T) {
	assert.NoError(t, engine.CheckLibrary())
	assert.NotEmpty(t, engine.BuildID())
}

func TestCompileReportsEveryError(t *testing.T) {
	rs, report, err := engine.Compile([]engine.Source{
		{Name: "a.yml", Text: "- name: one\n  always: trace.has(\n"},
		{Name: "rules", Inline: []map[string]any{tracetest.PaymentRule(), {"name": "two", "never": "1 +"}}},
	})
	assert.Nil(t, rs)
	rs.Close() // a rule set that was never made may be closed
	assert.ErrorIs(t, err, engine.StatusInvalidRules)
	var places []string
	for _, d := range report.Diagnostics {
		if d.Severity == engine.SeverityError {
			assert.NotEmpty(t, d.Code)
			assert.NotEmpty(t, d.Message)
			places = append(places, d.Rendered)
		}
	}
	all := strings.Join(places, "\n")
	assert.Contains(t, all, "a.yml:2:")
	assert.Contains(t, all, "rules[1].never:")
}

func TestSettingsAreRefusedWithAReason(t *testing.T) {
	s := settings()
	s.TopIsRoot = "never"
	_, err := engine.New(rules(t, tracetest.PaymentRule()), s, now())
	assert.ErrorIs(t, err, engine.StatusInvalidConfig)
	assert.ErrorContains(t, err, "never")
	assert.Zero(t, engine.LiveCount())
}

func TestSignalGoesOutAsItIsDue(t *testing.T) {
	rs := rules(t, tracetest.DoubleChargeRule())
	e := start(t, rs)
	rs.Close() // the engine does not need it any more
	res, err := e.Ingest(0, now(), bytesOf(t, tracetest.Trace(1, tracetest.Charge, tracetest.Charge, "other")))
	require.NoError(t, err)
	assert.Equal(t, uint64(3), res.Spans)
	assert.Equal(t, uint64(2), res.SpansSelected)
	assert.True(t, res.SignalsPending)

	data, drained, err := e.Drain(engine.FormLogs, now(), 10)
	require.NoError(t, err)
	assert.Equal(t, engine.DrainResult{Signals: 1}, drained)
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(data)
	require.NoError(t, err)
	assert.Equal(t, 1, ld.LogRecordCount())

	data, drained, err = e.Drain(engine.FormLogs, now(), 10)
	require.NoError(t, err)
	assert.Empty(t, data)
	assert.Zero(t, drained)
	_, err = e.Flush(now()) // verdicts are counted when their trace is decided, signals go out as soon as they are due
	require.NoError(t, err)
	stats, err := e.Stats()
	require.NoError(t, err)
	assert.Equal(t, int64(3), stats.SpansReceived)
	assert.Equal(t, int64(1), stats.SignalsEmitted)
	assert.Equal(t, int64(1), stats.Rules[0].Violated)
	assert.Equal(t, "error", stats.Rules[0].Severity)
}

func TestDrainTakesAsManyAsItIsTold(t *testing.T) {
	e := start(t, rules(t, tracetest.DoubleChargeRule()))
	for n := range uint64(5) {
		_, err := e.Ingest(0, now(), bytesOf(t, tracetest.Trace(n, tracetest.Charge, tracetest.Charge)))
		require.NoError(t, err)
	}
	var sizes []uint64
	for {
		data, drained, err := e.Drain(engine.FormSpans, now(), 2)
		require.NoError(t, err)
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(data)
		require.NoError(t, err)
		assert.Equal(t, int(drained.Signals), td.SpanCount())
		sizes = append(sizes, drained.Signals)
		if !drained.More {
			break
		}
	}
	assert.Equal(t, []uint64{2, 2, 1}, sizes)
}

func TestTimeDecides(t *testing.T) {
	e := start(t, rules(t, tracetest.PaymentRule()))
	at := now()
	_, err := e.Ingest(0, at, bytesOf(t, tracetest.Trace(1, tracetest.Charge)))
	require.NoError(t, err)
	res, err := e.Tick(at + 5e7)
	require.NoError(t, err)
	assert.False(t, res.SignalsPending, "not settled yet")
	for range 3 {
		at += 1e9
		res, err = e.Tick(at)
		require.NoError(t, err)
	}
	assert.True(t, res.SignalsPending)
}

func TestProjectionNamesWhatIsRead(t *testing.T) {
	e := start(t, rules(t, map[string]any{
		"name":  "r",
		"never": "trace.spans.where(http.route == '/x' and event('exception', exception.type == 'Timeout')).count() > 1",
	}))
	p, err := e.Projection()
	require.NoError(t, err)
	assert.NotZero(t, p.Epoch)
	assert.Contains(t, p.Span.Keys, "http.route")
	assert.False(t, p.Span.All)
	assert.Contains(t, p.Resource.Keys, "service.name")
	assert.True(t, p.Event.Carry)
	assert.Contains(t, p.Event.Keys, "exception.type")
	assert.False(t, p.Link.Carry)
}

func TestSwapMakesOldMessagesStale(t *testing.T) {
	e := start(t, rules(t, tracetest.PaymentRule()))
	old, err := e.Projection()
	require.NoError(t, err)
	require.NoError(t, e.Swap(rules(t, map[string]any{"name": "r", "never": "trace.spans.where(order.id == 1).count() > 1"}), now()))
	_, err = e.Ingest(old.Epoch, now(), bytesOf(t, tracetest.Trace(1, "a")))
	assert.ErrorIs(t, err, engine.StatusStaleProjection)
	res, err := e.Ingest(0, now(), bytesOf(t, tracetest.Trace(1, "a")))
	require.NoError(t, err, "whole messages are always taken")
	assert.Greater(t, res.Epoch, old.Epoch)
}

func TestBrokenMessagesAreCountedNotFatal(t *testing.T) {
	e := start(t, rules(t, tracetest.PaymentRule()))
	good := bytesOf(t, tracetest.Trace(1, "a"))
	res, err := e.Ingest(0, now(), append(good, 0x0a, 0xff))
	assert.ErrorIs(t, err, engine.StatusInvalidOTLP)
	assert.Equal(t, uint64(1), res.Spans, "what could be read was applied")
	_, err = e.Ingest(0, now(), good)
	assert.NoError(t, err)
}

func TestFlushAndCloseEndAnEngine(t *testing.T) {
	e := start(t, rules(t, tracetest.PaymentRule()))
	_, err := e.Ingest(0, now(), bytesOf(t, tracetest.Trace(1, tracetest.Charge)))
	require.NoError(t, err)
	_, err = e.Flush(now())
	require.NoError(t, err)
	stats, err := e.Stats()
	require.NoError(t, err)
	assert.Equal(t, int64(1), stats.Rules[0].Inconclusive["shutdown"])
	assert.Zero(t, stats.TracesOpen)
	_, err = e.Ingest(0, now(), bytesOf(t, tracetest.Trace(2, "a")))
	assert.ErrorIs(t, err, engine.StatusClosed)

	assert.Equal(t, 1, engine.LiveCount())
	e.Close()
	e.Close()
	assert.Zero(t, engine.LiveCount())
	_, err = e.Stats()
	assert.ErrorIs(t, err, engine.StatusClosed)
	assert.ErrorIs(t, e.Swap(rules(t, tracetest.PaymentRule()), now()), engine.StatusClosed)
}

// TestOneEngineManyGoroutines is for the race detector, and for the counters, which must miss nothing.
func TestOneEngineManyGoroutines(t *testing.T) {
	e := start(t, rules(t, tracetest.DoubleChargeRule(), tracetest.PaymentRule()))
	const goroutines, traces = 8, 200
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, err := e.Tick(now())
				assert.NoError(t, err)
				_, err = e.Stats()
				assert.NoError(t, err)
			}
		}
	})
	var ingest sync.WaitGroup
	for g := range uint64(goroutines) {
		ingest.Go(func() {
			for n := range uint64(traces) {
				_, err := e.Ingest(0, now(), bytesOf(t, tracetest.Trace(g*traces+n, tracetest.Charge, tracetest.Charge)))
				assert.NoError(t, err)
			}
		})
	}
	ingest.Wait()
	close(stop)
	wg.Wait()
	signals := uint64(0)
	for more := true; more; {
		_, drained, err := e.Drain(engine.FormLogs, now(), 1000)
		require.NoError(t, err)
		signals, more = signals+drained.Signals, drained.More
	}
	assert.GreaterOrEqual(t, signals, uint64(goroutines*traces))
	stats, err := e.Stats()
	require.NoError(t, err)
	assert.Equal(t, int64(2*goroutines*traces), stats.SpansReceived)
}

// TestCloseWaitsForCallsUnderWay frees the engine while goroutines use it.
func TestCloseWaitsForCallsUnderWay(t *testing.T) {
	rs := rules(t, tracetest.PaymentRule())
	for range 20 {
		e, err := engine.New(rs, settings(), now())
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					if _, err := e.Tick(now()); err != nil {
						assert.ErrorIs(t, err, engine.StatusClosed)
						return
					}
				}
			})
		}
		time.Sleep(time.Millisecond)
		e.Close()
		wg.Wait()
	}
	assert.Zero(t, engine.LiveCount())
}
