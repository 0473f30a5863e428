// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
)

// Registry gives all components that share one configuration one engine. The collector makes one connector for each
// output signal and hands all of them the same configuration object.
type Registry struct {
	mu      sync.Mutex
	engines map[any]*Shared
}

// Shared is an engine with several users.
type Shared struct {
	*Runtime

	key   any
	users int
	// signals is true once a user takes signals: that user ingests then.
	signals atomic.Bool
}

// Acquire returns the engine of key, which it starts for the first user.
func (g *Registry) Acquire(key any, cfg *Config, log *zap.Logger) (*Shared, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.engines[key]
	if s == nil {
		r, err := Start(cfg, log)
		if err != nil {
			return nil, err
		}
		s = &Shared{Runtime: r, key: key}
		if g.engines == nil {
			g.engines = map[any]*Shared{}
		}
		g.engines[key] = s
	}
	s.users++
	return s, nil
}

// Release ends the use of an engine. The last user's frees it.
func (g *Registry) Release(s *Shared) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(g.engines, s.key)
		s.Close()
	}
}

// TakeSignals says that the caller takes signals and ingests for all.
func (s *Shared) TakeSignals() { s.signals.Store(true) }

// SignalsTaken tells whether some user takes signals.
func (s *Shared) SignalsTaken() bool { return s.signals.Load() }
