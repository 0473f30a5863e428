package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
)

// TestMalformedRequests posts what is no OTLP, and OTLP that no SDK would
// send, and then the shop.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	c := start(t, "", collector.Options{Env: []string{"FLUO_SETTLE=2s"}})
	span := func(fields string) string {
		return `{"resourceSpans":[{"scopeSpans":[{"spans":[{` + fields + `}]}]}]}`
	}
	const ids = `"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"`
	for _, malformed := range []struct {
		contentType, body string
		accepted          bool
	}{
		{"application/x-protobuf", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", false},
		{"application/x-protobuf", strings.Repeat("\xff", 4096), false},
		{"application/x-protobuf", "\x0a\x04\x12\x02\x12\x01", false},
		{"application/json", `{"resourceSpans":[`, false},
		{"application/json", `{"resourceSpans":[{}]}`, true},
		{"application/json", span(`"name":"no ids at all"`), true},
		{"application/json", span(`"traceId":"00000000000000000000000000000000","spanId":"0000000000000000","name":"zero ids"`), true},
		{"application/json", span(ids + `,"name":"reversed times","startTimeUnixNano":"2","endTimeUnixNano":"1"`), true},
		{"application/json", span(ids + `,"kind":99,"status":{"code":99},"startTimeUnixNano":"18446744073709551615"`), true},
		{"application/json", span(ids + `,"attributes":[{"key":""},{"key":"deep","value":` + nested(40) + `}]`), true},
	} {
		status, err := c.Post(t.Context(), malformed.contentType, malformed.body)
		if err != nil {
			t.Fatal(err)
		}
		if accepted := status == http.StatusOK; accepted != malformed.accepted {
			t.Errorf("%.60q was answered with %d", malformed.body, status)
		}
	}
	send(t, c, requests(t, shopTraces))
	waitForSignals(t, c, shopSignals)
	stop(t, c)
	want := map[string]int{paymentRule: 3, stormRule: 1, loginRule: 1}
	got := byRule(signals(t, c))
	if !maps.Equal(got, want) {
		t.Errorf("signals by rule: got %v, want %v", got, want)
	}
}

func nested(depth int) string {
	return strings.Repeat(`{"arrayValue":{"values":[`, depth) + `{"intValue":"1"}` + strings.Repeat(`]}}`, depth)
}

// TestShutdownFlushes stops the collector long before any trace is complete.
func TestShutdownFlushes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(shopRules)
	if err != nil {
		t.Fatal(err)
	}
	// By itself a missing span proves nothing in a trace that was cut off.
	marked := strings.Replace(string(text), "- name: "+paymentRule, "- name: "+paymentRule+"\n  on_gap: signal", 1)
	rules := write(t, filepath.Join(t.TempDir(), "shop.yml"), marked)
	c := start(t, "", collector.Options{Env: []string{"FLUO_SETTLE=50s", "FLUO_RULES=" + rules}})
	send(t, c, requests(t, shopTraces))
	stop(t, c)
	want := map[string]int{paymentRule: 3, stormRule: 1, loginRule: 1}
	all := signals(t, c)
	if got := byRule(all); !maps.Equal(got, want) {
		t.Errorf("signals by rule: got %v, want %v", got, want)
	}
	for _, s := range all {
		trigger, complete := s.Attributes["fluo.verdict.trigger"], s.Attributes["fluo.trace.complete"]
		if s.Rule() == paymentRule && (trigger != "shutdown" || complete != "false") {
			t.Errorf("a trace cut off by the shutdown has trigger `%s` and complete `%s`", trigger, complete)
		}
	}
}

// TestReload changes a rule file under a running collector, for the better and
// for the worse.
func TestReload(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rules.yml")
	storm := func(bound int) string {
		return fmt.Sprintf("- name: %s\n  never: trace.spans.where(service == 'auth').count() > %d\n", stormRule, bound)
	}
	write(t, rules, storm(1000))
	c := start(t, "reload.yaml", collector.Options{Env: []string{"FLUO_SETTLE=1s", "FLUO_RULES=" + rules}})
	all := requests(t, shopTraces)
	reloads := func(n int) func() bool {
		return func() bool { return strings.Count(c.Log(), "rules reloaded") == n }
	}

	send(t, c, renamed(all, "0001"))
	write(t, rules, storm(50))
	waitFor(t, "the first reload", reloads(1))
	send(t, c, renamed(all, "0002"))
	waitForSignals(t, c, 1)

	write(t, rules, "- name: broken\n  never: trace.spans.where(\n")
	waitFor(t, "the refusal", func() bool { return strings.Contains(c.Log(), "rules not reloaded") })
	send(t, c, renamed(all, "0003"))
	waitForSignals(t, c, 2)

	write(t, rules, storm(59))
	waitFor(t, "the second reload", reloads(2))
	send(t, c, renamed(all, "0004"))
	waitForSignals(t, c, 3)
	stop(t, c)

	var suffixes []string
	for _, s := range signals(t, c) {
		suffixes = append(suffixes, s.TraceID[28:])
	}
	if got := strings.Join(suffixes, " "); got != "0002 0003 0004" {
		t.Errorf("signals for the traces that end in %s, want 0002 0003 0004", got)
	}
}

// TestPanic makes the engine panic in a collector built for that. Telemetry
// has to flow on, and the collector's status has to say what happened.
func TestPanic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	manifest := strings.Replace(quickstartManifest(t), "cgo_enabled: true", "cgo_enabled: true\n  build_tags: fluo_faults", 1)
	binary := ocb(t, dir, manifest)
	health := freeAddresses(t, 1)[0]
	c := start(t, "panic.yaml", collector.Options{
		Binary: binary, Env: []string{"FLUO_HEALTH=" + health},
		Args: []string{"--feature-gates=+extension.healthcheck.useComponentStatus"},
	})
	all := requests(t, shopTraces)
	send(t, c, all)
	waitFor(t, "the status", func() bool { return strings.Contains(status(t, health), "StatusPermanentError") })
	if !strings.Contains(c.Log(), "the engine is out of service") {
		t.Error("the log does not say that the engine is out of service")
	}
	send(t, c, renamed(all, "0001"))
	if !c.Running() {
		t.Fatal("the collector ended")
	}
	stop(t, c)
	if seen, _ := written(t, c); seen != 2*len(spans(t, all)) {
		t.Errorf("%d spans left the pipeline, %d came in", seen, 2*len(spans(t, all)))
	}
}

func status(t *testing.T, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/status?verbose", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text := new(strings.Builder)
	if err := errors.Join(response.Write(text), response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
