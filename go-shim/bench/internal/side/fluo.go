// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package side // import "github.com/fluo-otel/fluo/go-shim/bench/internal/side"

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/fluo-otel/fluo/go-shim/fluoconnector"
	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// maxDuration is how long an incomplete trace stays open, in units of the wait: no trace of the benchmark is incomplete.
const maxDuration = 6

type fluo struct {
	connector.Traces
	metrics *sdkmetric.ManualReader
	asked   map[string]bool
	keys    int
}

func startFluo(ctx context.Context, s Settings, found *Found) (Side, error) {
	factory := fluoconnector.NewFactory()
	cfg := factory.CreateDefaultConfig()
	rules := slices.Clone(s.More)
	asked := map[string]bool{}
	for _, r := range s.Rules {
		rules = append(rules, r.Fluo())
		asked[r.Name] = true
	}
	inline := make([]any, len(rules))
	for i, r := range rules {
		inline[i] = r
	}
	err := configure(cfg, map[string]any{
		"rules": inline, "settle": s.Wait.String(), "max_duration": (maxDuration * s.Wait).String(),
		"late_grace": s.Grace.String(), "allowed_lateness": s.Grace.String(),
		"max_traces": s.MaxTraces, "memory_mib": 8192, "signal_queue_size": 1_000_000,
		"live": false, // what is sent was recorded
	})
	if err != nil {
		return nil, err
	}
	keys, err := projected(rules)
	if err != nil {
		return nil, err
	}
	reader := sdkmetric.NewManualReader()
	telemetry := componenttest.NewNopTelemetrySettings()
	telemetry.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	set := connector.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: telemetry}
	edge, err := factory.CreateTracesToLogs(ctx, set, cfg, signals{asked, found})
	if err != nil {
		return nil, err
	}
	return &fluo{Traces: edge, metrics: reader, asked: asked, keys: keys}, edge.Start(ctx, host())
}

// projected counts the attributes that the rules read, of spans and of their resources.
func projected(rules []map[string]any) (int, error) {
	compiled, _, err := engine.Compile([]engine.Source{{Name: "bench", Inline: rules}})
	if err != nil {
		return 0, err
	}
	defer compiled.Close()
	e, err := engine.New(compiled, engine.Settings{
		SettleNS: 1e9, MaxDurationNS: 1e9, TopIsRoot: "age", MemoryBytes: 1 << 20, MaxTraces: 1, MaxSpansPerTrace: 1, MaxGroups: 1, MaxStepsPerDecision: 10_000_000,
		SignalQueueSize: 1,
	}, 1)
	if err != nil {
		return 0, err
	}
	defer e.Close()
	p, err := e.Projection()
	if err != nil {
		return 0, err
	}
	if p.Span.All {
		return -1, nil
	}
	return len(p.Span.Keys) + len(p.Resource.Keys), nil
}

func (f *fluo) Open() (int64, error) { return f.gauge("otelcol_connector_fluo_traces_open") }
func (f *fluo) Held() (int64, error) { return f.gauge("otelcol_connector_fluo_memory_held") }
func (f *fluo) Keys() int            { return f.keys }

// Verdicts lists the verdicts of the question by outcome and reason, and the signals that were lost.
func (f *fluo) Verdicts() string {
	all, err := f.collect()
	if err != nil {
		return err.Error()
	}
	var text []string
	for _, m := range all {
		data, ok := m.Data.(metricdata.Sum[int64])
		if !ok {
			continue
		}
		for _, point := range data.DataPoints {
			rule, ofRule := point.Attributes.Value("rule")
			signals := strings.Contains(m.Name, "signals")
			if point.Value > 0 && (signals || ofRule && f.asked[rule.AsString()]) {
				text = append(text, fmt.Sprintf("%s %s %d", m.Name, point.Attributes.Encoded(attribute.DefaultEncoder()), point.Value))
			}
		}
	}
	return strings.Join(text, "; ")
}

// gauge reads one of the connector's own metrics.
func (f *fluo) gauge(name string) (int64, error) {
	all, err := f.collect()
	if err != nil {
		return 0, err
	}
	for _, m := range all {
		if data, ok := m.Data.(metricdata.Gauge[int64]); ok && m.Name == name && len(data.DataPoints) == 1 {
			return data.DataPoints[0].Value, nil
		}
	}
	return 0, fmt.Errorf("the connector has no metric `%s`", name)
}

func (f *fluo) collect() (metrics []metricdata.Metrics, err error) {
	var all metricdata.ResourceMetrics
	err = f.metrics.Collect(context.Background(), &all)
	for _, scope := range all.ScopeMetrics {
		metrics = append(metrics, scope.Metrics...)
	}
	return metrics, err
}

// signals notes the traces that violations of the rules in asked are about.
type signals struct {
	asked map[string]bool
	found *Found
}

func (signals) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s signals) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				if rule, ok := record.Attributes().Get("fluo.rule.name"); ok && s.asked[rule.Str()] {
					s.found.Add(record.TraceID())
				}
			}
		}
	}
	return nil
}
