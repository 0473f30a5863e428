// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoconnector

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
	"github.com/fluo-otel/fluo/go-shim/internal/shim"
	"github.com/fluo-otel/fluo/go-shim/internal/tracetest"
)

func load(t *testing.T, key string) *Config {
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := conf.Sub(key)
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(cfg))
	return cfg
}

func TestConfigKeys(t *testing.T) {
	cfg := load(t, "fluo/all")
	assert.Equal(t, &Config{
		MetricsInterval: time.Minute,
		Engine: shim.Config{
			RuleFiles:           []string{"testdata/rules/*.yml"},
			ReloadInterval:      30 * time.Second,
			Settle:              5 * time.Second,
			MaxDuration:         2 * time.Minute,
			LateGrace:           30 * time.Second,
			TopIsRoot:           "settle",
			MaxSkew:             50 * time.Millisecond,
			AllowedLateness:     time.Minute,
			MemoryMiB:           512,
			MaxTraces:           2_000_000,
			MaxSpansPerTrace:    5000,
			MaxGroups:           50_000,
			MaxStepsPerDecision: 1_000_000,
			SignalQueueSize:     20_000,
			Resource:            map[string]string{"deployment.environment.name": "staging"},
		},
	}, cfg)
	assert.NoError(t, confmap.Validate(cfg))
}

func TestConfigNeedsOnlyRules(t *testing.T) {
	assert.NoError(t, confmap.Validate(load(t, "fluo")))
	assert.EqualError(t, confmap.Validate(createDefaultConfig()),
		"at least one rule is needed: set `rule_files` or `rules`")
}

func TestUnknownKeyIsAnError(t *testing.T) {
	err := confmap.NewFromStringMap(map[string]any{"setle": "5s"}).Unmarshal(createDefaultConfig())
	assert.ErrorContains(t, err, "setle")
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.MetricsInterval = 0
	cfg.Engine.Settle = 0
	cfg.Engine.Rules = []map[string]any{
		{"name": "first-bad", "always": "trace.has("},
		tracetest.PaymentRule(),
		{"name": "second-bad", "never": "nonsense((", "severity": "loud"},
	}
	err := confmap.Validate(cfg)
	require.Error(t, err)
	for _, part := range []string{"metrics_interval", "settle", "rules[0]", "rules[2]"} {
		assert.ErrorContains(t, err, part)
	}
	assert.NotContains(t, err.Error(), "rules[1]")
}

func TestValidateLeavesNoEngine(t *testing.T) {
	good, bad := config(), config()
	bad.Engine.Rules[0]["always"] = "trace.has("
	for range 100 {
		require.NoError(t, good.Validate())
		require.Error(t, bad.Validate())
	}
	assert.Zero(t, engine.LiveCount())
}
