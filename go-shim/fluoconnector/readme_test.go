// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fluoconnector

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// TestReadmeExamplesAreValid loads every example of the README that configures the component.
func TestReadmeExamplesAreValid(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	t.Chdir("testdata") // where rules/ is
	loaded := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
		path := t.TempDir() + "/example.yaml"
		require.NoError(t, os.WriteFile(path, block[1], 0o600))
		conf, err := confmaptest.LoadConf(path)
		require.NoError(t, err, "%s", block[1])
		if conf.IsSet("dist") {
			continue // a manifest for the collector builder
		}
		sub, err := conf.Sub("connectors::fluo")
		require.NoError(t, err)
		cfg := createDefaultConfig()
		require.NoError(t, sub.Unmarshal(cfg), "%s", block[1])
		assert.NoError(t, confmap.Validate(cfg), "%s", block[1])
		loaded++
	}
	assert.GreaterOrEqual(t, loaded, 2)
}
