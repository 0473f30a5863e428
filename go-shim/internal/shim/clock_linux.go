// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"time"

	"golang.org/x/sys/unix"
)

// aliveNanos is the time since the host started, sleep included.
func aliveNanos() int64 {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &at); err != nil {
		return int64(time.Since(origin))
	}
	return at.Nano()
}
