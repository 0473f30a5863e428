// Package e2e tests the built collector and the program fluo as processes on
// loopback. `make test-e2e` builds both before.
package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
	"github.com/fluo-otel/fluo/examples/quickstart/demo/recording"
	fluo "github.com/fluo-otel/fluo/examples/quickstart/demo/signal"
)

// limit bounds every wait.
const limit = 60 * time.Second

var (
	repository = absolute("../..")
	quickstart = filepath.Join(repository, "examples", "quickstart")
	shopTraces = filepath.Join(quickstart, "traces", "shop.jsonl.gz")
	shopRules  = filepath.Join(quickstart, "rules", "shop.yml")
	otelcol    = filepath.Join(quickstart, "dist", "otelcol-fluo")
)

func absolute(path string) string {
	full, err := filepath.Abs(path)
	if err != nil {
		panic(err)
	}
	return full
}

// start runs a collector for the length of the test with the quickstart's
// configuration. overlay is merged over it: the name of a file in testdata, or
// empty for none.
func start(t *testing.T, overlay string, o collector.Options) *collector.Collector {
	t.Helper()
	if o.Binary == "" {
		o.Binary = otelcol
	}
	if _, err := os.Stat(o.Binary); err != nil {
		t.Fatalf("%v: run `make collector`", err)
	}
	o.Config = filepath.Join(quickstart, "collector.yaml")
	if overlay != "" {
		o.Args = append(o.Args, "--config", absolute(filepath.Join("testdata", overlay)))
	}
	o.Dir, o.Scratch = quickstart, t.TempDir()
	o.Env = append(o.Env, "FLUO_SCRATCH="+o.Scratch)
	// The test's own context ends before its cleanup, which stops the collector.
	ctx, cancel := context.WithTimeout(context.Background(), 5*limit)
	running, err := collector.Start(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		if err := running.Stop(); err != nil {
			t.Errorf("the collector did not end well: %v", err)
		}
		if t.Failed() {
			t.Logf("collector's log:\n%s", tail(running.Log(), 1500))
		}
	})
	return running
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

func requests(t *testing.T, path string) []string {
	t.Helper()
	all, err := recording.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func send(t *testing.T, to *collector.Collector, all []string) {
	t.Helper()
	if err := recording.Send(t.Context(), to, all); err != nil {
		t.Fatal(err)
	}
}

func stop(t *testing.T, c *collector.Collector) {
	t.Helper()
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
}

func signals(t *testing.T, c *collector.Collector) []fluo.Signal {
	t.Helper()
	all, err := fluo.Read(c.Signals)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func waitFor(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if reached() {
			return
		}
	}
	t.Fatalf("waited %s in vain: %s", limit, what)
}

// waitForSignals waits for at least n signals and then a little longer, so
// that one too many is seen as well.
func waitForSignals(t *testing.T, c *collector.Collector, n int) []fluo.Signal {
	t.Helper()
	waitFor(t, "signals", func() bool { return len(signals(t, c)) >= n })
	time.Sleep(time.Second)
	return signals(t, c)
}

// span is what the tests read of a recorded span.
type span struct {
	service           string
	TraceID           string `json:"traceId"`
	Name              string
	EndTimeUnixNano   uint64 `json:",string"`
	Status            struct{ Code int }
	Attributes        []attribute
	StartTimeUnixNano uint64 `json:",string"`
}

type attribute struct {
	Key   string
	Value map[string]any
}

func (s span) attribute(key string) string { return find(s.Attributes, key) }

func find(attributes []attribute, key string) string {
	for _, a := range attributes {
		if a.Key != key {
			continue
		}
		for _, value := range a.Value {
			if text, ok := value.(string); ok {
				return text
			}
		}
	}
	return ""
}

// spans reads requests of OTLP JSON independently of the code under test.
func spans(t *testing.T, all []string) []span {
	t.Helper()
	var found []span
	for _, line := range all {
		var request struct {
			ResourceSpans []struct {
				Resource   struct{ Attributes []attribute }
				ScopeSpans []struct{ Spans []span }
			}
		}
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			t.Fatal(err)
		}
		for _, ofResource := range request.ResourceSpans {
			for _, ofScope := range ofResource.ScopeSpans {
				for _, s := range ofScope.Spans {
					s.service = find(ofResource.Resource.Attributes, "service.name")
					found = append(found, s)
				}
			}
		}
	}
	return found
}

var traceID = regexp.MustCompile(`("traceId":"[0-9a-f]{28})[0-9a-f]{4}`)

// renamed gives the same requests about other traces.
func renamed(all []string, suffix string) []string {
	var other []string
	for _, request := range all {
		other = append(other, traceID.ReplaceAllString(request, "${1}"+suffix))
	}
	return other
}

// about lists the signals as `rule trace`, sorted.
func about(all []fluo.Signal) []string {
	var facts []string
	for _, s := range all {
		facts = append(facts, s.Rule()+" "+s.TraceID)
	}
	slices.Sort(facts)
	return facts
}

func byRule(all []fluo.Signal) map[string]int {
	count := map[string]int{}
	for _, s := range all {
		count[s.Rule()]++
	}
	return count
}

// run runs a program to its end and gives its output and exit status.
func run(t *testing.T, dir string, env []string, program string, args ...string) (string, int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), env...)
	output, err := command.CombinedOutput()
	if err != nil && command.ProcessState == nil {
		t.Fatalf("%s: %v", program, err)
	}
	return string(output), command.ProcessState.ExitCode()
}

func must(t *testing.T, dir string, env []string, program string, args ...string) string {
	t.Helper()
	output, status := run(t, dir, env, program, args...)
	if status != 0 {
		t.Fatalf("%s %s ended with %d:\n%s", program, strings.Join(args, " "), status, tail(output, 4000))
	}
	return output
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
