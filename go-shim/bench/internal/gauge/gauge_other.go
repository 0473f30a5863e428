// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package gauge // import "github.com/fluo-otel/fluo/go-shim/bench/internal/gauge"

import (
	"errors"
	"time"
)

var errSystem = errors.New("the benchmark measures on Linux only")

// Memory is what the process holds, in bytes.
type Memory struct{ Heap, RSS int64 }

// ThreadCPU panics: there is no such clock here.
func ThreadCPU() time.Duration { panic(errSystem) }

// ProcessCPU panics: there is no such clock here.
func ProcessCPU() time.Duration { panic(errSystem) }

// ReadMemory fails.
func ReadMemory() (Memory, error) { return Memory{}, errSystem }

// RSS fails.
func RSS(int) (int64, error) { return 0, errSystem }

// Cores fails.
func Cores() ([]int, error) { return nil, errSystem }

// On fails.
func On([]int, func() error) error { return errSystem }
