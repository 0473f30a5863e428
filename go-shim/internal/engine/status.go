// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package engine // import "github.com/fluo-otel/fluo/go-shim/internal/engine"

import (
	"errors"
	"fmt"
)

// ErrNoCgo is returned by every call of a build without cgo.
var ErrNoCgo = errors.New("built without cgo: set `dist.cgo_enabled: true`")

// Status is a status of the C ABI other than OK. The numbers are append-only.
type Status int32

const (
	// StatusInvalidArgument means that this package called the library wrongly.
	StatusInvalidArgument Status = 1
	// StatusInvalidRules means that no rule set was made; the report says why.
	StatusInvalidRules Status = 2
	// StatusInvalidConfig means that the engine refused its settings.
	StatusInvalidConfig Status = 3
	// StatusInvalidOTLP means that a part of a message was skipped; the rest was applied.
	StatusInvalidOTLP Status = 4
	// StatusStaleProjection means that nothing was applied: read the projection again and encode once more.
	StatusStaleProjection Status = 5
	// StatusClosed means that the engine was flushed or freed.
	StatusClosed Status = 6
	// StatusPoisoned means that an earlier call panicked: this engine does nothing any more.
	StatusPoisoned Status = 254
	// StatusPanic means that this call panicked: the engine is poisoned from here on.
	StatusPanic Status = 255
)

// Error says what the status means.
func (s Status) Error() string {
	switch s {
	case StatusInvalidArgument:
		return "the engine was called with an invalid argument"
	case StatusInvalidRules:
		return "the rules are invalid"
	case StatusInvalidConfig:
		return "the engine refused its settings"
	case StatusInvalidOTLP:
		return "a part of the message is not OTLP and was skipped"
	case StatusStaleProjection:
		return "the projection is stale"
	case StatusClosed:
		return "the engine is closed"
	case StatusPoisoned:
		return "the engine is poisoned by an earlier panic"
	case StatusPanic:
		return "the engine panicked"
	}
	return fmt.Sprintf("the engine returned status %d", int32(s))
}

// statusError maps a status of the ABI to an error: nil for OK.
func statusError(code int32) error {
	if code == 0 {
		return nil
	}
	return Status(code)
}

// IsPoisoned tells whether err means that the engine panicked, now or earlier.
func IsPoisoned(err error) bool {
	return errors.Is(err, StatusPanic) || errors.Is(err, StatusPoisoned)
}
