// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package shim

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		err    string
	}{
		{"no change", func(*Config) {}, ""},
		{"no reload", func(c *Config) { c.ReloadInterval = 0 }, ""},
		{"hectic reload", func(c *Config) { c.ReloadInterval = 1 }, "`reload_interval` must be 0 or at least 10ms, not `1ns`"},
		{"negative reload", func(c *Config) { c.ReloadInterval = -1 }, "`reload_interval` must be 0 or at least 10ms, not `-1ns`"},
		{"no settle", func(c *Config) { c.Settle = 0 }, "`settle` must be at least 1ms, not `0s`"},
		{"short life", func(c *Config) { c.MaxDuration = time.Second },
			"`max_duration` must not be below `settle`: `1s` is less than `10s`"},
		{"no grace", func(c *Config) { c.LateGrace = 0 }, ""},
		{"negative grace", func(c *Config) { c.LateGrace = -time.Second }, "`late_grace` must not be negative, it is `-1s`"},
		{"early top", func(c *Config) { c.TopIsRoot = "settle" }, ""},
		{"unknown top", func(c *Config) { c.TopIsRoot = "never" }, "`top_is_root` must be `age` or `settle`, not `never`"},
		{"negative skew", func(c *Config) { c.MaxSkew = -1 }, "`max_skew` must not be negative, it is `-1ns`"},
		{"negative lateness", func(c *Config) { c.AllowedLateness = -1 }, "`allowed_lateness` must not be negative, it is `-1ns`"},
		{"no memory", func(c *Config) { c.MemoryMiB = 0 }, "`memory_mib` must be from 1 to 1048576, not `0`"},
		{"all memory", func(c *Config) { c.MemoryMiB = 1 << 44 }, "`memory_mib` must be from 1 to 1048576, not `17592186044416`"},
		{"no traces", func(c *Config) { c.MaxTraces = 0 }, "`max_traces` must be at least 1"},
		{"no spans", func(c *Config) { c.MaxSpansPerTrace = 0 }, "`max_spans_per_trace` must be at least 1"},
		{"no groups", func(c *Config) { c.MaxGroups = 0 }, "`max_groups` must be at least 1"},
		{"no queue", func(c *Config) { c.SignalQueueSize = 0 }, "`signal_queue_size` must be at least 1"},
		{"two faults", func(c *Config) { c.MaxGroups, c.MaxTraces = 0, 0 },
			"`max_traces` must be at least 1\n`max_groups` must be at least 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.Rules = []map[string]any{tracetest.PaymentRule()}
			c.change(&cfg)
			if err := cfg.Check(); c.err == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, c.err)
			}
		})
	}
}

// TestEngineTakesWhatCheckAccepts keeps the two from drifting apart: what is valid has to start.
func TestEngineTakesWhatCheckAccepts(t *testing.T) {
	smallest, largest := DefaultConfig(), DefaultConfig()
	smallest.Settle, smallest.MaxDuration, smallest.LateGrace = minSettle, minSettle, 0
	smallest.MaxSkew, smallest.AllowedLateness = 0, 0
	smallest.MemoryMiB, smallest.MaxTraces, smallest.MaxSpansPerTrace, smallest.MaxGroups, smallest.SignalQueueSize = 1, 1, 1, 1, 1
	largest.Settle, largest.MaxDuration, largest.LateGrace = 24*time.Hour, 24*time.Hour, 24*time.Hour
	largest.MemoryMiB = maxMemoryMiB
	largest.TopIsRoot = topIsRootSettle
	largest.Resource = map[string]string{"deployment.environment.name": "prod"}
	for _, cfg := range []Config{DefaultConfig(), smallest, largest} {
		cfg.Rules = []map[string]any{tracetest.PaymentRule()}
		require.NoError(t, cfg.Check())
		start(t, &cfg)
	}
}

func TestRuleFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yml"), paymentFile)
	write(t, filepath.Join(dir, "b.yml"), "- name: other\n  never: trace.has(b)\n")
	write(t, filepath.Join(dir, "b.test.yml"), "not a rule")
	write(t, filepath.Join(dir, "c.test.yaml"), "not a rule")

	cfg := DefaultConfig()
	cfg.RuleFiles = []string{filepath.Join(dir, "*"), filepath.Join(dir, "a.yml")}
	sources, err := cfg.sources()
	require.NoError(t, err)
	require.Len(t, sources, 2, "each file once, tests of rules never")
	assert.Equal(t, paymentFile, sources[0].Text)
	assert.NoError(t, cfg.Check())

	cfg.RuleFiles = append(cfg.RuleFiles, filepath.Join(dir, "missing", "*.yml"), "[")
	err = cfg.Check()
	assert.ErrorContains(t, err, "missing/*.yml` in `rule_files` finds no file")
	assert.ErrorContains(t, err, "`[` in `rule_files` is not a pattern")
}

func TestBadRulesOfAllSourcesAreReportedWithTheirPlace(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.yml"), filepath.Join(dir, "second.yml")
	write(t, first, "- name: one\n  always: trace.has(\n")
	write(t, second, paymentFile+"- name: two\n  never: trace.spans.where(a).count() >\n")
	cfg := DefaultConfig()
	cfg.RuleFiles = []string{first, second}
	cfg.Rules = []map[string]any{{"name": "three", "always": "trace.has(a) AND trace.has(b)"}}
	err := cfg.Check()
	require.Error(t, err)
	for _, part := range []string{first + ":2:", second + ":4:", "rules[0].always:"} {
		assert.ErrorContains(t, err, part)
	}
	assert.NotContains(t, err.Error(), "payment-needs-fraud-check")
}

func TestRuleFilesWithoutRules(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "rules: []\n"} {
		path := filepath.Join(t.TempDir(), "empty.yml")
		write(t, path, text)
		cfg := DefaultConfig()
		cfg.RuleFiles = []string{path}
		assert.EqualError(t, cfg.Check(), "at least one rule is needed, and there is none in `"+path+"`", "%q", text)
		assert.Zero(t, engine.LiveCount())
	}
}

func TestAnEmptyRuleFileBesideOneWithRules(t *testing.T) {
	dir := t.TempDir()
	empty, full := filepath.Join(dir, "empty.yml"), filepath.Join(dir, "full.yml")
	write(t, empty, "")
	write(t, full, paymentFile)
	cfg := DefaultConfig()
	cfg.RuleFiles = []string{empty, full}
	assert.NoError(t, cfg.Check())
}

const paymentFile = `- name: payment-needs-fraud-check
  always: trace.has(payment.charge_card) and trace.has(payment.fraud_check)
`

// write replaces a file at once, as tools that deploy rules do.
func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}
