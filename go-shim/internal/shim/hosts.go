// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"slices"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// hosts are those who hear of the state of an engine: one a component that uses it.
type hosts struct {
	mu   sync.Mutex
	all  []*attached
	last func() *componentstatus.Event // what a host that comes later is told first
}

type attached struct{ host component.Host }

func (h *hosts) add(host component.Host) (remove func()) {
	a := &attached{host}
	h.mu.Lock()
	h.all = append(h.all, a)
	last := h.last
	h.mu.Unlock()
	if last != nil {
		componentstatus.ReportStatus(host, last())
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.all = slices.DeleteFunc(h.all, func(other *attached) bool { return other == a })
	}
}

// report tells every host. Each gets an event of its own.
func (h *hosts) report(event func() *componentstatus.Event) {
	h.mu.Lock()
	h.last = event
	all := slices.Clone(h.all)
	h.mu.Unlock()
	for _, a := range all {
		componentstatus.ReportStatus(a.host, event())
	}
}
