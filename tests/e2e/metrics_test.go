package e2e

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
)

// Names of the collector's own metrics, as its prometheus reader writes them.
const (
	spansReceived = "otelcol_connector_fluo_spans_received"
	verdicts      = "otelcol_connector_fluo_verdicts"
)

// own adds up the samples of one of the collector's own metrics whose labels
// contain all the texts given.
func own(t *testing.T, c *collector.Collector, name string, labels ...string) float64 {
	t.Helper()
	response, err := http.Get(c.MetricsURL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	sum, found := 0.0, false
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
sample:
	for lines.Scan() {
		gap := strings.LastIndexByte(lines.Text(), ' ')
		if gap < 0 {
			continue
		}
		metric, set, _ := strings.Cut(lines.Text()[:gap], "{")
		if metric != name {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(set, label) {
				continue sample
			}
		}
		number, err := strconv.ParseFloat(lines.Text()[gap+1:], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum, found = sum+number, true
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Errorf("no metric `%s` with %q", name, labels)
	}
	return sum
}

func TestOwnMetrics(t *testing.T) {
	t.Parallel()
	c := start(t, "", collector.Options{Env: []string{"FLUO_SETTLE=2s"}})
	all := requests(t, shopTraces)
	send(t, c, all)
	waitForSignals(t, c, shopSignals)

	if got, want := own(t, c, spansReceived), len(spans(t, all)); got != float64(want) {
		t.Errorf("%v spans received, %d sent", got, want)
	}
	const charged, unchecked, traces = 44, 3, 89
	for _, check := range []struct {
		rule, outcome string
		want          float64
	}{
		{paymentRule, "violated", unchecked},
		{paymentRule, "satisfied", charged - unchecked},
		{paymentRule, "not_applicable", traces - charged},
		{stormRule, "violated", 1},
		{stormRule, "satisfied", traces - 1},
		{loginRule, "violated", 1},
	} {
		got := own(t, c, verdicts, `rule="`+check.rule+`"`, `outcome="`+check.outcome+`"`)
		if got != check.want {
			t.Errorf("rule %s: %v traces %s, want %v", check.rule, got, check.outcome, check.want)
		}
	}
}
