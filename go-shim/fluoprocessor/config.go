// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package fluoprocessor // import "github.com/fluo-otel/fluo/go-shim/fluoprocessor"

import (
	"go.opentelemetry.io/collector/confmap"

	"github.com/fluo-otel/fluo/go-shim/internal/shim"
)

// Config is the configuration of the processor.
type Config struct {
	// Engine holds the rules and the limits of their evaluation.
	Engine shim.Config `mapstructure:",squash"`
}

var _ confmap.Validator = (*Config)(nil)

// Validate reports everything that is wrong with the configuration, every bad rule included.
func (c *Config) Validate() error { return c.Engine.Check() }
