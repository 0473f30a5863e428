// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"context"
	"sync"
	"time"
)

const (
	// endingTime bounds the shutdown of both edges of a connector, which the collector shuts down one after the other.
	endingTime = 5 * time.Second
	// leastTime, a part of it, is left to the second where the first has used up all else.
	leastTime = 500 * time.Millisecond
	// noticeTime, twice a part of it, is what a consumer may take to notice that its context has ended.
	noticeTime = 250 * time.Millisecond
)

// ending is the end of a runtime as its components see it.
type ending struct {
	once sync.Once
	by   time.Time
	time time.Duration // endingTime but in tests
}

// Ending is the context in which a component hands on what it still holds when it is shut down: it ends with parent, and
// soon enough after the first call that the shutdown takes 5 s at most, a consumer's last moment included.
func (r *Runtime) Ending(parent context.Context) (context.Context, context.CancelFunc) {
	now := time.Now()
	r.ending.once.Do(func() { r.ending.by = now.Add(r.ending.time - leastTime - 2*noticeTime) })
	by := r.ending.by
	if least := now.Add(leastTime); by.Before(least) {
		by = least
	}
	return context.WithDeadline(parent, by)
}

// Finish runs f and returns what it returns. Where f has not returned a moment after ctx has ended, it is left alone, to
// end in its own time, and the error is that of ctx: a consumer may ignore its context for ever.
func Finish(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(noticeTime):
		return ctx.Err()
	}
}
