// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package engine // import "github.com/fluo-otel/fluo/go-shim/internal/engine"

// CheckLibrary reports that there is no library in this build.
func CheckLibrary() error { return ErrNoCgo }

// BuildID is empty: there is no library in this build.
func BuildID() string { return "" }

// LiveCount is always 0: there are no engines without the library.
func LiveCount() int { return 0 }

// RuleSet cannot be made without the library.
type RuleSet struct{}

// Compile reports that there is no library in this build.
func Compile([]Source) (*RuleSet, Report, error) { return nil, Report{}, ErrNoCgo }

// Close does nothing.
func (*RuleSet) Close() {}

// Engine cannot be made without the library.
type Engine struct{}

// New reports that there is no library in this build.
func New(*RuleSet, Settings, uint64) (*Engine, error) { return nil, ErrNoCgo }

// Close does nothing.
func (*Engine) Close() {}

// Swap reports that there is no library in this build.
func (*Engine) Swap(*RuleSet, uint64) error { return ErrNoCgo }

// Projection reports that there is no library in this build.
func (*Engine) Projection() (Projection, error) { return Projection{}, ErrNoCgo }

// Ingest reports that there is no library in this build.
func (*Engine) Ingest(uint64, uint64, []byte) (IngestResult, error) { return IngestResult{}, ErrNoCgo }

// Tick reports that there is no library in this build.
func (*Engine) Tick(uint64) (IngestResult, error) { return IngestResult{}, ErrNoCgo }

// Flush reports that there is no library in this build.
func (*Engine) Flush(uint64) (IngestResult, error) { return IngestResult{}, ErrNoCgo }

// Drain reports that there is no library in this build.
func (*Engine) Drain(Form, uint64, uint64) ([]byte, DrainResult, error) {
	return nil, DrainResult{}, ErrNoCgo
}

// Stats reports that there is no library in this build.
func (*Engine) Stats() (Stats, error) { return Stats{}, ErrNoCgo }
