// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoprocessor

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
	assert.Equal(t, &Config{Engine: shim.Config{
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
	}}, cfg)
	assert.NoError(t, confmap.Validate(cfg))
}

func TestConfigNeedsOnlyRules(t *testing.T) {
	assert.NoError(t, confmap.Validate(load(t, "fluo")))
	assert.EqualError(t, confmap.Validate(createDefaultConfig()),
		"at least one rule is needed: set `rule_files` or `rules`")
	assert.Zero(t, engine.LiveCount())
}

func TestKeyOfTheConnectorIsUnknownHere(t *testing.T) {
	err := confmap.NewFromStringMap(map[string]any{"metrics_interval": "5s"}).Unmarshal(createDefaultConfig())
	assert.ErrorContains(t, err, "metrics_interval")
}
