package e2e

import (
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
)

// TestReplayAgrees sends recordings through the collector and through the
// program fluo; both must find the same violations.
func TestReplayAgrees(t *testing.T) {
	t.Parallel()
	for ruleSet, recorded := range map[string]string{"shop": "shop", "windows": "shop", "hotrod": "hotrod"} {
		t.Run(ruleSet, func(t *testing.T) {
			t.Parallel()
			rules := filepath.Join(quickstart, "rules", ruleSet+".yml")
			traces := filepath.Join(quickstart, "traces", recorded+".jsonl.gz")
			replay := exec.CommandContext(t.Context(), program(t), "replay", "--rules", rules, "--format", "jsonl", traces)
			replay.Stderr = t.Output()
			output, err := replay.Output()
			if err != nil {
				t.Fatal(err)
			}
			replayed := violationIDs(t, string(output))

			c := start(t, "", collector.Options{Env: []string{"FLUO_SETTLE=2s", "FLUO_RULES=" + rules}})
			send(t, c, requests(t, traces))
			waitForSignals(t, c, len(replayed))
			stop(t, c)
			live := map[string]bool{}
			for _, s := range signals(t, c) {
				live[s.ID()] = true
			}
			if len(live) == 0 || !maps.Equal(live, replayed) {
				t.Errorf("violations: %d live, %d replayed\nlive %v\nreplayed %v", len(live), len(replayed),
					slices.Sorted(maps.Keys(live)), slices.Sorted(maps.Keys(replayed)))
			}
		})
	}
}

// violationIDs reads the ids out of lines of JSON, one signal each.
func violationIDs(t *testing.T, output string) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for line := range strings.Lines(output) {
		var s struct {
			ID string `json:"violation_id"`
		}
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if s.ID != "" {
			ids[s.ID] = true
		}
	}
	return ids
}
