// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"errors"
	"fmt"
	"time"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// What `top_is_root` may say.
const (
	topIsRootAge    = "age"
	topIsRootSettle = "settle"
)

// Bounds of the settings.
const (
	minReloadInterval = 10 * time.Millisecond
	minSettle         = time.Millisecond
	maxMemoryMiB      = 1 << 20
)

// Config holds the settings that every Fluo component has.
type Config struct {
	// RuleFiles are glob patterns of rule files. Files that end in `.test.yml` or `.test.yaml` are left out.
	RuleFiles []string `mapstructure:"rule_files"`

	// Rules are rules written right here, with the keys of a rule file.
	Rules []map[string]any `mapstructure:"rules"`

	// ReloadInterval is the time between two looks at the rule files. Zero turns reloading off.
	ReloadInterval time.Duration `mapstructure:"reload_interval"`

	// Settle is how long a trace with its root and no missing parent has to be quiet to be complete.
	Settle time.Duration `mapstructure:"settle"`

	// MaxDuration is the age at which an incomplete trace is decided all the same.
	MaxDuration time.Duration `mapstructure:"max_duration"`

	// LateGrace is how long a decided trace still takes late spans.
	LateGrace time.Duration `mapstructure:"late_grace"`

	// TopIsRoot says when a single server or consumer span without its parent counts as the root: at `age`, or already
	// after `settle`.
	TopIsRoot string `mapstructure:"top_is_root"`

	// Live says that spans come as they are made: nothing is concluded from what a trace lacks that began before the engine
	// did, since whoever stood here before may have its spans. Recordings are sent with false.
	Live bool `mapstructure:"live"`

	// MaxSkew is the largest difference of two clocks that is taken for skew.
	MaxSkew time.Duration `mapstructure:"max_skew"`

	// AllowedLateness is how far behind the newest span a span may end and still count in windows across traces.
	AllowedLateness time.Duration `mapstructure:"allowed_lateness"`

	// MemoryMiB bounds the memory of the engine. The collector's memory limiter does not see it.
	MemoryMiB uint64 `mapstructure:"memory_mib"`

	// MaxTraces bounds the traces held at once.
	MaxTraces uint64 `mapstructure:"max_traces"`

	// MaxSpansPerTrace bounds the spans of one trace.
	MaxSpansPerTrace uint64 `mapstructure:"max_spans_per_trace"`

	// MaxGroups bounds the groups of a rule across traces.
	MaxGroups uint64 `mapstructure:"max_groups"`

	// MaxStepsPerDecision bounds what deciding one rule about one trace may cost, in looks at spans and pairs of spans.
	MaxStepsPerDecision uint64 `mapstructure:"max_steps_per_decision"`

	// SignalQueueSize bounds the signals that wait for the next consumer.
	SignalQueueSize uint64 `mapstructure:"signal_queue_size"`

	// Resource holds attributes that are added to the resource of every signal.
	Resource map[string]string `mapstructure:"resource"`

	// Faults exist in builds for fault tests only.
	Faults Faults `mapstructure:",squash"`
}

// DefaultConfig returns the settings of a component that is not configured otherwise. It has no rules yet.
func DefaultConfig() Config {
	return Config{
		ReloadInterval:      10 * time.Second,
		Settle:              10 * time.Second,
		MaxDuration:         60 * time.Second,
		LateGrace:           60 * time.Second,
		TopIsRoot:           topIsRootAge,
		Live:                true,
		MaxSkew:             100 * time.Millisecond,
		AllowedLateness:     30 * time.Second,
		MemoryMiB:           256,
		MaxTraces:           1_000_000,
		MaxSpansPerTrace:    10_000,
		MaxGroups:           100_000,
		MaxStepsPerDecision: 10_000_000,
		SignalQueueSize:     10_000,
	}
}

// Check reports everything that is wrong with the settings, every bad rule included.
func (c *Config) Check() error {
	if err := engine.CheckLibrary(); err != nil {
		return err
	}
	return errors.Join(c.checkRanges(), c.checkRules())
}

func (c *Config) checkRanges() error {
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(c.ReloadInterval != 0 && c.ReloadInterval < minReloadInterval,
		"`reload_interval` must be 0 or at least %v, not `%v`", minReloadInterval, c.ReloadInterval)
	bad(c.Settle < minSettle, "`settle` must be at least %v, not `%v`", minSettle, c.Settle)
	bad(c.MaxDuration < c.Settle, "`max_duration` must not be below `settle`: `%v` is less than `%v`", c.MaxDuration, c.Settle)
	bad(c.LateGrace < 0, "`late_grace` must not be negative, it is `%v`", c.LateGrace)
	bad(c.TopIsRoot != topIsRootAge && c.TopIsRoot != topIsRootSettle,
		"`top_is_root` must be `%s` or `%s`, not `%s`", topIsRootAge, topIsRootSettle, c.TopIsRoot)
	bad(c.MaxSkew < 0, "`max_skew` must not be negative, it is `%v`", c.MaxSkew)
	bad(c.AllowedLateness < 0, "`allowed_lateness` must not be negative, it is `%v`", c.AllowedLateness)
	bad(c.MemoryMiB < 1 || c.MemoryMiB > maxMemoryMiB, "`memory_mib` must be from 1 to %d, not `%d`", maxMemoryMiB, c.MemoryMiB)
	for _, limit := range []struct {
		key   string
		value uint64
	}{
		{"max_traces", c.MaxTraces},
		{"max_spans_per_trace", c.MaxSpansPerTrace},
		{"max_groups", c.MaxGroups},
		{"max_steps_per_decision", c.MaxStepsPerDecision},
		{"signal_queue_size", c.SignalQueueSize},
	} {
		bad(limit.value < 1, "`%s` must be at least 1", limit.key)
	}
	return errors.Join(errs...)
}

// checkRules compiles the rules and throws the result away.
func (c *Config) checkRules() error {
	sources, err := c.sources()
	if err != nil {
		return err
	}
	rules, _, err := compile(sources)
	rules.Close()
	return err
}

// settings are the engine's.
func (c *Config) settings() engine.Settings {
	s := engine.Settings{
		SettleNS:            c.Settle.Nanoseconds(),
		MaxDurationNS:       c.MaxDuration.Nanoseconds(),
		LateGraceNS:         c.LateGrace.Nanoseconds(),
		TopIsRoot:           c.TopIsRoot,
		Live:                c.Live,
		MaxSkewNS:           c.MaxSkew.Nanoseconds(),
		AllowedLatenessNS:   c.AllowedLateness.Nanoseconds(),
		MemoryBytes:         c.MemoryMiB << 20,
		MaxTraces:           c.MaxTraces,
		MaxSpansPerTrace:    c.MaxSpansPerTrace,
		MaxGroups:           c.MaxGroups,
		MaxStepsPerDecision: c.MaxStepsPerDecision,
		SignalQueueSize:     c.SignalQueueSize,
		Resource:            c.Resource,
	}
	c.Faults.apply(&s)
	return s
}
