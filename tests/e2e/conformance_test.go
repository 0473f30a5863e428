package e2e

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
	fluo "github.com/fluo-otel/fluo/examples/quickstart/demo/signal"
)

// Everything that is sent is decided after these, whatever is missing.
const (
	caseSettle      = 500 * time.Millisecond
	caseMaxDuration = 2 * time.Second
)

// corpus is what the example collector_cases of fluo-testkit writes.
type corpus struct {
	Cases   []conformanceCase
	LeftOut []struct{ Section, Name, Why string } `json:"left_out"`
}

// conformanceCase is a test of the conformance corpus with its spans as one
// request and the signals that the reference evaluator expects.
type conformanceCase struct {
	Section, Name string
	Rules         []string
	Settings      map[string]any
	Request       string
	Signals       []struct {
		Rule        string
		TraceID     string `json:"trace_id"`
		Group       map[string]string
		ViolationID string `json:"violation_id"`
	}
}

// TestConformance sends the conformance corpus through a collector: every test
// that does not depend on times of arrival has a receiver, a connector and a
// pipeline of its own.
func TestConformance(t *testing.T) {
	t.Parallel()
	all := readCorpus(t)
	scratch := t.TempDir()
	endpoints := freeAddresses(t, len(all.Cases))
	config := write(t, filepath.Join(scratch, "corpus.yaml"), corpusConfig(t, scratch, all.Cases, endpoints))
	c := start(t, "", collector.Options{Args: []string{"--config", config}})
	for i, one := range all.Cases {
		post(t, "http://"+endpoints[i]+"/v1/traces", one)
	}
	sent := time.Now()
	want := map[string]int{}
	total := 0
	for i, one := range all.Cases {
		for _, s := range one.Signals {
			want[fmt.Sprint(i, " ", s.Rule, " ", s.TraceID, " ", group(s.Group), " ", s.ViolationID)]++
		}
		total += len(one.Signals)
	}
	waitForSignals(t, c, total)
	// One too many could still come from a trace that nothing completes.
	time.Sleep(time.Until(sent.Add(caseMaxDuration + time.Second)))
	stop(t, c)

	got := map[string]int{}
	for _, s := range signals(t, c) {
		if s.Event == "fluo.violation" {
			got[fact(s)]++
		}
	}
	for _, wanted := range slices.Sorted(maps.Keys(want)) {
		if got[wanted] == 0 {
			t.Errorf("%s: expected, did not come", named(all.Cases, wanted))
		}
	}
	for _, came := range slices.Sorted(maps.Keys(got)) {
		if want[came] == 0 {
			t.Errorf("%s: came, not expected", named(all.Cases, came))
		}
	}
	t.Logf("%d cases with %d signals, %d left out", len(all.Cases), total, len(all.LeftOut))
	compareWithReplay(t, scratch, all.Cases, signals(t, c))
}

// compareWithReplay runs the program fluo over what the collector was sent.
// Both have to come to the same violations once retractions are folded in. A
// collector runs on where a recording ends, so that what is resolved in a
// replay is resolved live, and perhaps more is.
func compareWithReplay(t *testing.T, scratch string, cases []conformanceCase, came []fluo.Signal) {
	t.Helper()
	live := make([]told, len(cases))
	for i := range live {
		live[i] = told{standing: map[string]bool{}, resolved: map[string]bool{}}
	}
	for _, s := range came {
		i, err := strconv.Atoi(s.Resource["case"])
		if err != nil {
			t.Fatal(err)
		}
		live[i].add(s.Event, s.Rule()+" "+s.ID())
	}
	for i, one := range cases {
		where := fmt.Sprintf("%s: %s", one.Section, one.Name)
		replayed := replay(t, scratch, i, one)
		if !maps.Equal(live[i].standing, replayed.standing) {
			t.Errorf("%s: violated live %v, in a replay %v", where,
				slices.Sorted(maps.Keys(live[i].standing)), slices.Sorted(maps.Keys(replayed.standing)))
		}
		for id := range replayed.resolved {
			if !live[i].resolved[id] {
				t.Errorf("%s: %s is resolved in a replay, not live", where, id)
			}
		}
		for id := range live[i].resolved {
			if !live[i].standing[id] {
				t.Errorf("%s: %s is resolved and was not violated", where, id)
			}
		}
	}
}

// told is what signals say in the end: by rule and violation id.
type told struct{ standing, resolved map[string]bool }

func (s told) add(event, about string) {
	switch event {
	case "fluo.violation":
		s.standing[about] = true
	case "fluo.violation.retracted":
		delete(s.standing, about)
	case "fluo.violation.resolved":
		s.resolved[about] = true
	}
}

// replay runs the program fluo over a case.
func replay(t *testing.T, scratch string, i int, one conformanceCase) told {
	t.Helper()
	body, err := hex.DecodeString(one.Request)
	if err != nil {
		t.Fatal(err)
	}
	recording := write(t, filepath.Join(scratch, "recording"), string(binary.BigEndian.AppendUint32(nil, uint32(len(body))))+string(body))
	args := []string{"replay", "--format", "jsonl", "--settle", caseSettle.String(), "--max-duration", caseMaxDuration.String(),
		"--late-grace", "0s"}
	for key, value := range one.Settings {
		if key != "live" {
			args = append(args, "--"+strings.ReplaceAll(key, "_", "-"), fmt.Sprint(value))
		}
	}
	for k := range one.Rules {
		args = append(args, "--rules", rulesOf(scratch, i, k))
	}
	command := exec.CommandContext(t.Context(), program(t), append(args, recording)...)
	var complaints strings.Builder
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %s: %v\n%s", one.Section, one.Name, err, complaints.String())
	}
	replayed := told{standing: map[string]bool{}, resolved: map[string]bool{}}
	for line := range strings.Lines(string(output)) {
		var s struct {
			Event, Rule string
			ID          string `json:"violation_id"`
		}
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		replayed.add(s.Event, s.Rule+" "+s.ID)
	}
	return replayed
}

func rulesOf(scratch string, i, k int) string {
	return filepath.Join(scratch, fmt.Sprintf("rules-%d-%d.yml", i, k))
}

// turnOnArrival are the sections whose every test turns on a call table, on
// times of arrival or on when the engine began.
var turnOnArrival = []string{"dangling", "episodes", "restart", "strays"}

// TestConformanceIsSpread keeps the corpus' part for the collector from
// becoming small or one-sided.
func TestConformanceIsSpread(t *testing.T) {
	t.Parallel()
	all := readCorpus(t)
	sections := map[string]int{}
	signalling := 0
	for _, one := range all.Cases {
		sections[one.Section]++
		if len(one.Signals) > 0 {
			signalling++
		}
	}
	for _, one := range all.LeftOut {
		t.Logf("left out: %s: %s: %s", one.Section, one.Name, one.Why)
		if !slices.Contains(turnOnArrival, one.Section) && sections[one.Section] == 0 {
			t.Errorf("no case of the section %s", one.Section)
		}
	}
	if len(all.Cases) < 110 || signalling < 80 {
		t.Errorf("%d cases, %d with signals", len(all.Cases), signalling)
	}
}

func readCorpus(t *testing.T) corpus {
	t.Helper()
	path := os.Getenv("FLUO_CORPUS")
	if path == "" {
		t.Fatal("FLUO_CORPUS names no file: run `make test-e2e`")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all corpus
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// corpusConfig is merged over the quickstart's configuration. It is JSON,
// which is YAML.
func corpusConfig(t *testing.T, scratch string, cases []conformanceCase, endpoints []string) string {
	t.Helper()
	receivers, connectors, pipelines := map[string]any{}, map[string]any{}, map[string]any{}
	var outputs []string
	for i, one := range cases {
		connector, receiver := fmt.Sprintf("fluo/%d", i), fmt.Sprintf("otlp/%d", i)
		var files []string
		for k, rules := range one.Rules {
			files = append(files, write(t, rulesOf(scratch, i, k), rules))
		}
		settings := map[string]any{
			"rule_files": files, "reload_interval": 0, "late_grace": 0, "live": false,
			"settle": caseSettle.String(), "max_duration": caseMaxDuration.String(),
			"resource": map[string]string{"case": fmt.Sprint(i)},
		}
		maps.Copy(settings, one.Settings)
		connectors[connector] = settings
		receivers[receiver] = map[string]any{"protocols": map[string]any{"http": map[string]string{"endpoint": endpoints[i]}}}
		pipelines[fmt.Sprintf("traces/%d", i)] = map[string]any{"receivers": []string{receiver}, "exporters": []string{connector}}
		outputs = append(outputs, connector)
	}
	pipelines["logs/corpus"] = map[string]any{"receivers": outputs, "exporters": []string{"file"}}
	text, err := json.Marshal(map[string]any{
		"receivers": receivers, "connectors": connectors, "service": map[string]any{"pipelines": pipelines},
	})
	if err != nil {
		t.Fatal(err)
	}
	// In a configuration a dollar begins a variable.
	return strings.ReplaceAll(string(text), "$", "$$")
}

func post(t *testing.T, url string, one conformanceCase) {
	t.Helper()
	body, err := hex.DecodeString(one.Request)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s: %s: the collector answers %s", one.Section, one.Name, response.Status)
	}
}

// fact is what a signal says, in the form of the expected ones.
func fact(s fluo.Signal) string {
	groups := map[string]string{}
	for key, value := range s.Attributes {
		if field, ok := strings.CutPrefix(key, "fluo.group."); ok {
			groups[field] = value
		}
	}
	trace := s.TraceID
	if overSpans(s) {
		trace = ""
	}
	return fmt.Sprint(s.Resource["case"], " ", s.Rule(), " ", trace, " ", group(groups), " ", s.ID())
}

// overSpans says whether the signal's rule is about all spans: only rules over
// traces know how many spans a trace has.
func overSpans(s fluo.Signal) bool {
	_, known := s.Attributes["fluo.trace.spans"]
	return !known
}

func group(fields map[string]string) string {
	var all []string
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		all = append(all, field+"="+fields[field])
	}
	return "[" + strings.Join(all, " ") + "]"
}

// named puts the case's name in the place of its number.
func named(cases []conformanceCase, fact string) string {
	var i int
	if _, err := fmt.Sscan(fact, &i); err != nil || i >= len(cases) {
		return fact
	}
	_, rest, _ := strings.Cut(fact, " ")
	return fmt.Sprintf("%s: %s: %s", cases[i].Section, cases[i].Name, rest)
}

// freeAddresses are those of loopback that nobody listens on.
func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	ports, err := collector.FreePorts(n)
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, port := range ports {
		addresses = append(addresses, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	return addresses
}
