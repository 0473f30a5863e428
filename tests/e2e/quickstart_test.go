package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
)

const (
	paymentRule = "payment-needs-fraud-check"
	stormRule   = "auth-retry-storm"
	loginRule   = "AuthFailuresRule"
	shopSignals = 5
)

// shopIncidents works out of the recording what each rule has to find.
func shopIncidents(all []span) (unchecked, storms, refused []string) {
	checked, charged, auth := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, s := range all {
		switch {
		case s.Name == "payment.charge_card":
			charged[s.TraceID] = true
		case s.Name == "payment.fraud_check":
			checked[s.TraceID] = true
		case s.service == "auth":
			auth[s.TraceID]++
		case s.service == "auth-service" && s.attribute("error.type") == "AuthenticationError":
			refused = append(refused, s.TraceID)
		}
	}
	for trace := range charged {
		if !checked[trace] {
			unchecked = append(unchecked, trace)
		}
	}
	for trace, n := range auth {
		if n > 50 {
			storms = append(storms, trace)
		}
	}
	return unchecked, storms, refused
}

func TestShopRecording(t *testing.T) {
	t.Parallel()
	c := start(t, "", collector.Options{Env: []string{"FLUO_SETTLE=2s"}})
	all := requests(t, shopTraces)
	send(t, c, all)
	waitForSignals(t, c, shopSignals)
	stop(t, c)

	unchecked, storms, refused := shopIncidents(spans(t, all))
	var want []string
	for _, trace := range unchecked {
		want = append(want, paymentRule+" "+trace)
	}
	for _, trace := range storms {
		want = append(want, stormRule+" "+trace)
	}
	slices.Sort(want)

	var got []string
	bursts := 0
	for _, s := range signals(t, c) {
		if s.Event != "fluo.violation" || s.ID() == "" || s.SpanID == "" {
			t.Errorf("unexpected signal %+v", s)
		}
		if !strings.Contains(s.Body, s.Rule()) && s.Body == "" {
			t.Errorf("signal without a sentence: %+v", s)
		}
		switch s.Rule() {
		case paymentRule:
			if missing := s.Attributes["fluo.evidence.missing"]; !strings.Contains(missing, "payment.fraud_check") {
				t.Errorf("the payment signal says `%s` is missing", missing)
			}
			if trigger := s.Attributes["fluo.verdict.trigger"]; trigger != "complete" {
				t.Errorf("the payment signal has trigger `%s`", trigger)
			}
		case stormRule:
			if phase := s.Attributes["fluo.verdict.phase"]; phase != "early" {
				t.Errorf("the storm was signalled in phase `%s`", phase)
			}
			if n := observedCount(s.Observed()); n <= 50 {
				t.Errorf("the storm signal has observed values %q", s.Observed())
			}
		case loginRule:
			bursts++
			if !slices.Contains(refused, s.TraceID) {
				t.Errorf("the burst was signalled for trace %s, which has no refused login", s.TraceID)
			}
			if n := observedCount(s.Observed()); n <= 5 {
				t.Errorf("the burst signal has observed values %q", s.Observed())
			}
			continue
		}
		got = append(got, s.Rule()+" "+s.TraceID)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("signals\n got %q\nwant %q", got, want)
	}
	if bursts != 1 {
		t.Errorf("%d signals for the one burst", bursts)
	}
}

// observedCount is the number in a single `name = number`.
func observedCount(observed []string) int {
	if len(observed) != 1 {
		return -1
	}
	_, number, _ := strings.Cut(observed[0], " = ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return -1
	}
	return n
}

// TestShopLive lets the shop's six processes export straight to the collector.
func TestShopLive(t *testing.T) {
	t.Parallel()
	shop := filepath.Join(t.TempDir(), "shop")
	must(t, filepath.Join(quickstart, "shop"), nil, "go", "build", "-o", shop, ".")
	c := start(t, "", collector.Options{Env: []string{"FLUO_SETTLE=4s"}})
	must(t, quickstart, nil, shop, "run", "-endpoint", c.Endpoint)
	waitForSignals(t, c, shopSignals)
	stop(t, c)
	want := map[string]int{paymentRule: 3, stormRule: 1, loginRule: 1}
	if got := byRule(signals(t, c)); !maps.Equal(got, want) {
		t.Errorf("signals by rule: got %v, want %v", got, want)
	}
}

func TestHotrodRecording(t *testing.T) {
	t.Parallel()
	var facts struct {
		Retries int `json:"traces_with_three_failed_lookups"`
		Failed  int `json:"failed_dispatches"`
	}
	text, err := os.ReadFile(filepath.Join(quickstart, "traces", "hotrod.facts.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &facts); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"hotrod-driver-retries": facts.Retries, "hotrod-dispatch-fails": facts.Failed, "hotrod-redis-timeouts": 1}

	c := start(t, "", collector.Options{Env: []string{"FLUO_SETTLE=2s", "FLUO_RULES=rules/hotrod.yml"}})
	send(t, c, requests(t, filepath.Join(quickstart, "traces", "hotrod.jsonl.gz")))
	waitForSignals(t, c, facts.Retries+facts.Failed+1)
	stop(t, c)
	if got := byRule(signals(t, c)); !maps.Equal(got, want) {
		t.Errorf("signals by rule: got %v, want %v", got, want)
	}
}

// TestHotrodFacts checks the facts against the recording itself.
func TestHotrodFacts(t *testing.T) {
	t.Parallel()
	type facts struct {
		TenRoutes     int `json:"requests_with_ten_routes"`
		Traces        int `json:"traces"`
		Spans         int `json:"spans"`
		ThreeFailed   int `json:"traces_with_three_failed_lookups"`
		Failed        int `json:"failed_dispatches"`
		Refused       int `json:"refused_dispatches"`
		FailedLookups int `json:"failed_lookups"`
		FullestMinute int `json:"failed_lookups_in_the_fullest_minute"`
	}
	all := spans(t, requests(t, filepath.Join(quickstart, "traces", "hotrod.jsonl.gz")))
	got := facts{Spans: len(all)}
	traces, routes, lookups := map[string]bool{}, map[string]int{}, map[string]int{}
	var ends []uint64
	for _, s := range all {
		traces[s.TraceID] = true
		status := s.attribute("http.response.status_code")
		switch {
		case s.Name == "/route":
			routes[s.TraceID]++
		case s.Name == "GetDriver" && s.Status.Code == 2:
			lookups[s.TraceID]++
			ends = append(ends, s.EndTimeUnixNano)
		case s.Name == "/dispatch" && status == "500":
			got.Failed++
		case s.Name == "/dispatch" && status == "400":
			got.Refused++
		}
	}
	got.Traces, got.FailedLookups = len(traces), len(ends)
	for trace := range traces {
		if routes[trace] == 10 {
			got.TenRoutes++
		}
		if lookups[trace] == 3 {
			got.ThreeFailed++
		}
	}
	slices.Sort(ends)
	for i, first := 0, 0; i < len(ends); i++ {
		for ends[i]-ends[first] >= 60e9 {
			first++
		}
		got.FullestMinute = max(got.FullestMinute, i-first+1)
	}

	var want facts
	text, err := os.ReadFile(filepath.Join(quickstart, "traces", "hotrod.facts.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("facts of the recording: got %+v, want %+v", got, want)
	}
}

// TestDemo runs what `make demo` runs.
func TestDemo(t *testing.T) {
	t.Parallel()
	shown := must(t, filepath.Join(quickstart, "demo"), nil, "go", "run", ".")
	unchecked, storms, _ := shopIncidents(spans(t, requests(t, shopTraces)))
	for _, part := range slices.Concat(unchecked, storms, []string{
		"missing   payment.fraud_check", "count() = ", "\n5 signals\n", "1  " + loginRule, "1  " + stormRule, "3  " + paymentRule,
	}) {
		if !strings.Contains(shown, part) {
			t.Errorf("the demo does not show %q", part)
		}
	}
	if t.Failed() {
		t.Logf("the demo shows:\n%s", shown)
	}
}

// TestRuleBound edits a bound as a reader of the quickstart would.
func TestRuleBound(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(shopRules)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), "count() > 50", "count() > 60", 1)
	if edited == string(text) {
		t.Fatal("the retry rule's bound is not where the quickstart says")
	}
	rules := write(t, filepath.Join(t.TempDir(), "shop.yml"), edited)
	c := start(t, "", collector.Options{Env: []string{"FLUO_SETTLE=2s", "FLUO_RULES=" + rules}})
	send(t, c, requests(t, shopTraces))
	waitForSignals(t, c, shopSignals-1)
	stop(t, c)
	if got := byRule(signals(t, c)); got[stormRule] != 0 || got[paymentRule] != 3 || got[loginRule] != 1 {
		t.Errorf("signals by rule: %v", got)
	}
}
