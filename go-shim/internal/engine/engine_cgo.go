// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine // import "github.com/fluo-otel/fluo/go-shim/internal/engine"

/*
#cgo noescape fluo_ruleset_compile
#cgo nocallback fluo_ruleset_compile
#cgo noescape fluo_engine_new
#cgo nocallback fluo_engine_new
#cgo noescape fluo_engine_swap
#cgo nocallback fluo_engine_swap
#cgo noescape fluo_engine_projection
#cgo nocallback fluo_engine_projection
#cgo noescape fluo_engine_ingest
#cgo nocallback fluo_engine_ingest
#cgo noescape fluo_engine_tick
#cgo nocallback fluo_engine_tick
#cgo noescape fluo_engine_flush
#cgo nocallback fluo_engine_flush
#cgo noescape fluo_engine_drain
#cgo nocallback fluo_engine_drain
#cgo noescape fluo_engine_stats
#cgo nocallback fluo_engine_stats
#cgo noescape fluo_buffer_free
#cgo nocallback fluo_buffer_free

#if __has_include("fluo.h")
#include "fluo.h"
#else
#error "fluo.h is missing: run `make lib`"
#endif
*/
import "C"

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// calls bounds how many goroutines are inside the library at once: each of them holds an operating system thread.
var calls = make(chan struct{}, 2*runtime.GOMAXPROCS(0))

func enter() { calls <- struct{}{} }
func leave() { <-calls }

// CheckLibrary compares the linked library with what this module was built against.
func CheckLibrary() error {
	if got := uint32(C.fluo_abi_version()); got != C.FLUO_ABI_VERSION {
		return fmt.Errorf("the linked engine has ABI version %d, this module needs %d: run `make lib` and build again",
			got, uint32(C.FLUO_ABI_VERSION))
	}
	if got := BuildID(); expectedBuildID != "" && got != expectedBuildID {
		return fmt.Errorf("the linked engine is build `%s`, the module was made for build `%s`: "+
			"run `make lib`, then `go clean -cache`, and build again", got, expectedBuildID)
	}
	return nil
}

// BuildID names the linked library's content.
func BuildID() string { return C.GoString(C.fluo_build_id()) }

// LiveCount is the number of engines alive in this process.
func LiveCount() int { return int(C.fluo_engine_live_count()) }

// RuleSet is a compiled rule set. It must be closed; engines made from it do not need it any more.
type RuleSet struct{ ptr *C.fluo_ruleset }

// Compile compiles all sources into one rule set. The report lists every finding, warnings of a good rule set included;
// the error is [StatusInvalidRules] where some of them are errors.
func Compile(sources []Source) (*RuleSet, Report, error) {
	text, err := json.Marshal(struct {
		Sources []Source `json:"sources"`
	}{sources})
	if err != nil {
		return nil, Report{}, fmt.Errorf("cannot hand the rules to the engine: %w", err)
	}
	var (
		out  *C.fluo_ruleset
		diag C.fluo_buffer
	)
	enter()
	status := C.fluo_ruleset_compile(bytesPtr(text), C.size_t(len(text)), &out, &diag)
	leave()
	var report Report
	if raw := take(&diag); len(raw) > 0 {
		if err := json.Unmarshal(raw, &report); err != nil {
			C.fluo_ruleset_free(out)
			return nil, Report{}, fmt.Errorf("cannot read the engine's diagnostics: %w", err)
		}
	}
	if err := statusError(int32(status)); err != nil {
		return nil, report, err
	}
	return &RuleSet{ptr: out}, report, nil
}

// Close frees the rule set. It may be called twice.
func (r *RuleSet) Close() {
	if r != nil && r.ptr != nil {
		C.fluo_ruleset_free(r.ptr)
		r.ptr = nil
	}
}

// Engine evaluates one rule set. All methods may be called from any goroutine; after Close they return [StatusClosed].
type Engine struct {
	mu  sync.RWMutex // held for reading during each call, so that Close frees nothing in use
	ptr *C.fluo_engine
}

// New makes an engine. now is the wall clock in nanoseconds since the Unix epoch.
func New(rules *RuleSet, settings Settings, now uint64) (*Engine, error) {
	text, err := json.Marshal(settings)
	if err != nil {
		return nil, fmt.Errorf("cannot hand the settings to the engine: %w", err)
	}
	var (
		out *C.fluo_engine
		why C.fluo_buffer
	)
	status := C.fluo_engine_new(rules.ptr, bytesPtr(text), C.size_t(len(text)), C.uint64_t(now), &out, &why)
	if err := explained(int32(status), take(&why)); err != nil {
		return nil, err
	}
	return &Engine{ptr: out}, nil
}

// Close waits for the calls under way and frees the engine. It may be called twice.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ptr != nil {
		C.fluo_engine_free(e.ptr)
		e.ptr = nil
	}
}

// call runs f while the engine cannot be freed.
func (e *Engine) call(f func() C.fluo_status) error {
	enter()
	defer leave()
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.ptr == nil {
		return StatusClosed
	}
	return statusError(int32(f()))
}

// Swap replaces the rule set for what comes from now on; open traces finish under the rules they began with.
func (e *Engine) Swap(rules *RuleSet, now uint64) error {
	var why C.fluo_buffer
	err := e.call(func() C.fluo_status {
		return C.fluo_engine_swap(e.ptr, rules.ptr, C.uint64_t(now), &why)
	})
	return withText(err, take(&why))
}

// Projection reads what the loaded rules need of a span.
func (e *Engine) Projection() (Projection, error) {
	var (
		p   Projection
		out C.fluo_buffer
	)
	err := e.call(func() C.fluo_status { return C.fluo_engine_projection(e.ptr, &out) })
	return p, decode(err, take(&out), &p)
}

// Ingest hands over one message: TracesData encoded by the projection of that epoch, or whole with epoch 0. The library
// keeps no reference to data. The result is valid with [StatusInvalidOTLP] too.
func (e *Engine) Ingest(epoch, now uint64, data []byte) (IngestResult, error) {
	res := C.fluo_ingest_result{size: C.sizeof_fluo_ingest_result}
	err := e.call(func() C.fluo_status {
		return C.fluo_engine_ingest(e.ptr, C.FLUO_KIND_TRACES, C.uint64_t(epoch), C.uint64_t(now),
			bytesPtr(data), C.size_t(len(data)), &res)
	})
	return ingestResult(&res), err
}

// Tick lets time pass; call it about every 50 ms.
func (e *Engine) Tick(now uint64) (IngestResult, error) {
	res := C.fluo_ingest_result{size: C.sizeof_fluo_ingest_result}
	err := e.call(func() C.fluo_status { return C.fluo_engine_tick(e.ptr, C.uint64_t(now), &res) })
	return ingestResult(&res), err
}

// Flush decides every open trace. Only Drain and Stats are of use afterwards.
func (e *Engine) Flush(now uint64) (IngestResult, error) {
	res := C.fluo_ingest_result{size: C.sizeof_fluo_ingest_result}
	err := e.call(func() C.fluo_status { return C.fluo_engine_flush(e.ptr, C.uint64_t(now), &res) })
	return ingestResult(&res), err
}

// Drain takes up to limit signals out of the engine's queue, encoded in that form.
func (e *Engine) Drain(form Form, now, limit uint64) ([]byte, DrainResult, error) {
	var out C.fluo_buffer
	res := C.fluo_drain_result{size: C.sizeof_fluo_drain_result}
	err := e.call(func() C.fluo_status {
		return C.fluo_engine_drain(e.ptr, C.uint32_t(form), C.uint64_t(now), C.uint64_t(limit), &out, &res)
	})
	return take(&out), DrainResult{Signals: uint64(res.signals), More: res.more != 0}, err
}

// Stats reads the counters.
func (e *Engine) Stats() (Stats, error) {
	var (
		s   Stats
		out C.fluo_buffer
	)
	err := e.call(func() C.fluo_status { return C.fluo_engine_stats(e.ptr, &out) })
	return s, decode(err, take(&out), &s)
}

func ingestResult(r *C.fluo_ingest_result) IngestResult {
	return IngestResult{
		Spans:          uint64(r.spans),
		SpansSelected:  uint64(r.spans_selected),
		SpansRejected:  uint64(r.spans_rejected),
		FramesRejected: uint64(r.frames_rejected),
		SpansOwn:       uint64(r.spans_own),
		Epoch:          uint64(r.epoch),
		SignalsPending: r.signals_pending != 0,
	}
}

// take copies a buffer of the library into Go memory and releases it.
func take(b *C.fluo_buffer) []byte {
	if b.data == nil {
		return nil
	}
	out := make([]byte, int(b.len))
	copy(out, unsafe.Slice((*byte)(unsafe.Pointer(b.data)), int(b.len)))
	C.fluo_buffer_free(b)
	return out
}

func bytesPtr(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }

// explained is statusError with the library's own words.
func explained(code int32, text []byte) error { return withText(statusError(code), text) }

func withText(err error, text []byte) error {
	if err == nil || len(text) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s", err, text)
}

func decode(err error, raw []byte, into any) error {
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return errors.Join(errors.New("cannot read the engine's answer"), err)
	}
	return nil
}
