package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
)

// TestBothEdges uses one connector for logs and for metrics: two instances,
// each of which sees every span.
func TestBothEdges(t *testing.T) {
	t.Parallel()
	c := start(t, "both-edges.yaml", collector.Options{Env: []string{"FLUO_SETTLE=2s"}})
	all := requests(t, shopTraces)
	send(t, c, all)
	waitForSignals(t, c, shopSignals)
	if got, want := own(t, c, spansReceived), len(spans(t, all)); got != float64(want) {
		t.Errorf("%v spans received, %d sent", got, want)
	}
	stop(t, c)
	if got := len(signals(t, c)); got != shopSignals {
		t.Errorf("%d signals, want %d", got, shopSignals)
	}
	metrics, err := os.ReadFile(filepath.Join(filepath.Dir(c.Signals), "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{paymentRule, stormRule, loginRule, `"violated"`, `"satisfied"`} {
		if !strings.Contains(string(metrics), part) {
			t.Errorf("the verdict metrics do not mention %s", part)
		}
	}
}

// TestProcessorBeforeConnector lets the connector see the spans that the
// processor adds for its violations.
func TestProcessorBeforeConnector(t *testing.T) {
	t.Parallel()
	c := start(t, "processor-before.yaml", collector.Options{Env: []string{"FLUO_SETTLE=2s"}})
	all := requests(t, shopTraces)
	send(t, c, all)
	waitForSignals(t, c, shopSignals)
	stop(t, c)
	if got := len(signals(t, c)); got != shopSignals {
		t.Errorf("the connector gave %d signals, want %d", got, shopSignals)
	}
	seen, violations := written(t, c)
	if want := len(spans(t, all)); seen-len(violations) != want {
		t.Errorf("%d spans left the pipeline, %d came in", seen-len(violations), want)
	}
	if len(violations) != shopSignals {
		t.Errorf("the processor added %d spans, want %d", len(violations), shopSignals)
	}
	ids := map[string]bool{}
	for _, s := range signals(t, c) {
		ids[s.ID()] = true
	}
	for _, id := range violations {
		if !ids[id] {
			t.Errorf("violation %s of the processor is none of the connector's", id)
		}
	}
}

// written reads what the file exporter for traces wrote: the number of spans,
// and the ids of the violations that came as span events.
func written(t *testing.T, c *collector.Collector) (int, []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(c.Signals), "traces.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	var ids []string
	for line := range strings.Lines(string(text)) {
		var request struct {
			ResourceSpans []struct {
				ScopeSpans []struct {
					Spans []struct {
						Events []struct {
							Name       string
							Attributes []attribute
						}
					}
				}
			}
		}
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			t.Fatal(err)
		}
		for _, ofResource := range request.ResourceSpans {
			for _, ofScope := range ofResource.ScopeSpans {
				seen += len(ofScope.Spans)
				for _, s := range ofScope.Spans {
					for _, event := range s.Events {
						if event.Name == "fluo.violation" {
							ids = append(ids, find(event.Attributes, "fluo.violation.id"))
						}
					}
				}
			}
		}
	}
	return seen, ids
}
