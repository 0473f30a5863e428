// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package whole loads whole collectors over OTLP/gRPC on loopback. The collector has a core of its own; the sender and the
// receiver of what it exports share the others.
package whole // import "github.com/fluo-otel/fluo/go-shim/bench/internal/whole"

import (
	"fmt"
	"time"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/question"
)

// Pipelines that are compared. Each passes every span on; the last two answer the question beside it.
const (
	Plain        = "without"
	WithFluo     = "fluo"
	TailSampling = "tail_sampling"
)

// Rule that is broken before its trace is complete, and how many failed spans break it.
const (
	early      = "failed-auth-often"
	earlyCount = 2
)

// addresses of the receiver, of the backend of spans and of the backend of answers.
type addresses struct{ receiver, spans, answers string }

// config is the collector's configuration. Nothing queues, batches or compresses: what the receiver accepts has been passed on.
// A processor that changes batches, as the batch processor does, would make the collector copy them for a second pipeline.
func config(pipeline string, asked question.Rule, wait time.Duration, a addresses) (map[string]any, error) {
	backend := func(address string) map[string]any {
		return map[string]any{
			"endpoint": address, "compression": "none", "tls": map[string]any{"insecure": true},
			"sending_queue": map[string]any{"enabled": false}, "retry_on_failure": map[string]any{"enabled": false},
		}
	}
	traces := func(processors []any, exporters ...any) map[string]any {
		return map[string]any{"receivers": []any{"otlp"}, "processors": processors, "exporters": exporters}
	}
	all := map[string]any{
		"receivers": map[string]any{"otlp": map[string]any{"protocols": map[string]any{"grpc": map[string]any{
			"endpoint": a.receiver, "max_recv_msg_size_mib": 64,
		}}}},
		"exporters": map[string]any{"otlp/spans": backend(a.spans)},
	}
	pipelines := map[string]any{"traces": traces(nil, "otlp/spans")}
	exporters := all["exporters"].(map[string]any)
	switch pipeline {
	case Plain:
	case WithFluo:
		exporters["otlp/answers"] = backend(a.answers)
		all["connectors"] = map[string]any{"fluo": map[string]any{
			"rules": []any{asked.Fluo(), map[string]any{
				"name":  early,
				"never": fmt.Sprintf("trace.spans.where(%s).count() > %d", asked.Has.Fluo(), earlyCount),
			}},
			"settle": wait.String(), "late_grace": (5 * wait).String(), "memory_mib": 4096, "live": false,
		}}
		pipelines["traces"] = traces(nil, "fluo", "otlp/spans")
		pipelines["logs"] = map[string]any{"receivers": []any{"fluo"}, "exporters": []any{"otlp/answers"}}
	case TailSampling:
		exporters["otlp/answers"] = backend(a.answers)
		all["processors"] = map[string]any{"tail_sampling": map[string]any{
			"decision_wait": wait.String(), "num_traces": 1_000_000, "policies": []any{asked.TailSampling()},
			"decision_cache": map[string]any{"sampled_cache_size": 10_000, "non_sampled_cache_size": 10_000},
		}}
		pipelines["traces/questions"] = traces([]any{"tail_sampling"}, "otlp/answers")
	default:
		return nil, fmt.Errorf("there is no pipeline `%s`", pipeline)
	}
	all["service"] = map[string]any{
		"pipelines": pipelines,
		"telemetry": map[string]any{"metrics": map[string]any{"level": "none"}, "logs": map[string]any{"level": "warn"}},
	}
	return all, nil
}
