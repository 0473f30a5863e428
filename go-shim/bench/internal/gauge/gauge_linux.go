// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

// Package gauge reads the clocks and the memory of this process.
package gauge // import "github.com/fluo-otel/fluo/go-shim/bench/internal/gauge"

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ThreadCPU is the CPU time of the calling thread, user and system. The caller locks its goroutine to the thread.
func ThreadCPU() time.Duration { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

// ProcessCPU is the CPU time of all threads of the process, user and system.
func ProcessCPU() time.Duration { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

func clock(id int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		panic(fmt.Errorf("this system has no CPU clocks: %w", err))
	}
	return time.Duration(t.Nano())
}

// Memory is what the process holds, in bytes.
type Memory struct {
	// Heap is the live Go heap.
	Heap int64
	// RSS is the resident memory, Go and library together.
	RSS int64
}

// ReadMemory collects the garbage, gives free memory back to the system and reads what is left.
func ReadMemory() (Memory, error) {
	runtime.GC()
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	rss, err := RSS(os.Getpid())
	return Memory{Heap: int64(stats.HeapAlloc), RSS: rss}, err
}

// RSS is the resident memory of a process in bytes.
func RSS(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, fmt.Errorf("cannot read `%s`", text)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// Cores lists the cores that the calling thread may use.
func Cores() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	var all []int
	for cpu := range 64 * len(set) {
		if set.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	return all, nil
}

// On runs f with the calling thread, and every process that f starts, bound to these cores.
func On(cores []int, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, bound unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	for _, core := range cores {
		bound.Set(core)
	}
	if err := unix.SchedSetaffinity(0, &bound); err != nil {
		return err
	}
	defer func() {
		if err := unix.SchedSetaffinity(0, &before); err != nil {
			panic(fmt.Errorf("cannot leave the cores: %w", err))
		}
	}()
	return f()
}
