// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package fluoconnector // import "github.com/fluo-otel/fluo/go-shim/fluoconnector"

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/fluo-otel/fluo/go-shim/internal/shim"
)

const minMetricsInterval = 10 * time.Millisecond

// Config is the configuration of the connector.
type Config struct {
	// Engine holds the rules and the limits of their evaluation.
	Engine shim.Config `mapstructure:",squash"`

	// MetricsInterval is the time between two emissions into metrics pipelines.
	MetricsInterval time.Duration `mapstructure:"metrics_interval"`
}

var _ confmap.Validator = (*Config)(nil)

// Validate reports everything that is wrong with the configuration, every bad rule included.
func (c *Config) Validate() error {
	err := c.Engine.Check()
	if c.MetricsInterval < minMetricsInterval {
		err = errors.Join(err, fmt.Errorf("`metrics_interval` must be at least %v, not `%v`", minMetricsInterval, c.MetricsInterval))
	}
	return err
}
