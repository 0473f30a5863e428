// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoprocessor

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/fluo-otel/fluo/go-shim/fluoprocessor/internal/metadatatest"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

func one(value int64) []metricdata.DataPoint[int64] {
	return []metricdata.DataPoint[int64]{{Value: value}}
}

func verdicts(rule, outcome string, count int64) metricdata.DataPoint[int64] {
	return metricdata.DataPoint[int64]{Value: count, Attributes: attribute.NewSet(
		attribute.String("rule", rule), attribute.String("mode", "enforce"), attribute.String("outcome", outcome), attribute.String("reason", ""))}
}

// TestOwnTelemetry tells every metric from every other by its name; what the counters mean is tested with the connector.
func TestOwnTelemetry(t *testing.T) {
	tel := telemetry(t)
	sink := &consumertest.TracesSink{}
	p := newProcessor(t, tel, config(), sink)
	start(t, p)
	consume(t, p, tracetest.Trace(1, tracetest.Charge), tracetest.Trace(2, tracetest.Charge, tracetest.Check))
	require.Eventually(t, func() bool {
		m, err := tel.GetMetric("otelcol_processor_fluo_traces_open")
		return err == nil && len(signals(sink)) == 1 && m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value == 0
	}, patience, pause)

	same := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualProcessorFluoSpansReceived(t, tel, one(3), same)
	metadatatest.AssertEqualProcessorFluoSpansSelected(t, tel, one(3), same)
	metadatatest.AssertEqualProcessorFluoSpansRejected(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoSpansDuplicate(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoSpansConflicting(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoSpansLate(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoSpansBadTime(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoFramesRejected(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoTracesOpen(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoTracesEvicted(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoGroupsEvicted(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoSpansOverLimit(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoMemoryHeld(t, tel, one(0), same, metricdatatest.IgnoreValue())
	metadatatest.AssertEqualProcessorFluoSignalsEmitted(t, tel, one(1), same)
	metadatatest.AssertEqualProcessorFluoSignalsDropped(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoSignalsFailed(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoSignalsQueued(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoIngestErrors(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoEnginesPoisoned(t, tel, one(0), same)
	metadatatest.AssertEqualProcessorFluoReloads(t, tel, []metricdata.DataPoint[int64]{
		{Attributes: attribute.NewSet(attribute.String("result", "success"))},
		{Attributes: attribute.NewSet(attribute.String("result", "failure"))},
	}, same)
	metadatatest.AssertEqualProcessorFluoVerdicts(t, tel, []metricdata.DataPoint[int64]{
		verdicts("payment-needs-fraud-check", "satisfied", 1),
		verdicts("payment-needs-fraud-check", "violated", 1),
		verdicts("payment-needs-fraud-check", "not_applicable", 0),
		verdicts("charged-once", "satisfied", 2),
		verdicts("charged-once", "violated", 0),
		verdicts("charged-once", "not_applicable", 0),
	}, same)
	require.NoError(t, p.Shutdown(t.Context()))
}
