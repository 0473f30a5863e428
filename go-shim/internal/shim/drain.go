// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package shim // import "github.com/fluo-otel/fluo/go-shim/internal/shim"

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/fluo-otel/fluo/go-shim/internal/engine"
)

// chunk is how many signals are handed to the next consumer at once.
const chunk = 512

// retryPolicy says how long a chunk is offered to a consumer that refuses it.
type retryPolicy struct {
	first, most time.Duration // pause before the first and between later attempts
	total       time.Duration // after this the chunk counts as failed
}

var defaultRetry = retryPolicy{first: 100 * time.Millisecond, most: 5 * time.Second, total: time.Minute}

// Drainer moves signals from the engine's queue into the next consumer, on a goroutine of its own. While the consumer
// refuses, the queue holds what comes; what it cannot hold is dropped there and counted.
type Drainer struct {
	runtime *Runtime
	form    engine.Form
	deliver func(context.Context, []byte) error
	retry   retryPolicy

	// pending is the chunk under way. It is decoded again for each attempt, because a consumer owns what it is given.
	pending []byte
	// held is how many signals pending has. Who sets it to zero says what became of them.
	held atomic.Int64

	stop   chan struct{}
	done   chan struct{}
	cancel context.CancelFunc
}

// StartDrainer begins draining. deliver decodes the bytes, which are of that form, and hands them on.
func StartDrainer(r *Runtime, form engine.Form, deliver func(context.Context, []byte) error) *Drainer {
	return startDrainer(r, form, deliver, defaultRetry)
}

func startDrainer(r *Runtime, form engine.Form, deliver func(context.Context, []byte) error, retry retryPolicy) *Drainer {
	ctx, cancel := context.WithCancel(context.Background())
	d := &Drainer{
		runtime: r, form: form, deliver: deliver, retry: retry,
		stop: make(chan struct{}), done: make(chan struct{}), cancel: cancel,
	}
	r.draining.Add(1)
	go d.loop(ctx)
	return d
}

// Shutdown hands on everything that is queued and ends the goroutine. Call it after Runtime.Flush, once. It returns with
// [Runtime.Ending] of ctx, save for the moment a consumer takes to notice; what was not handed on by then has failed. The
// goroutine ends when the consumer returns, if it ever does.
func (d *Drainer) Shutdown(ctx context.Context) error {
	defer d.runtime.draining.Add(-1)
	ctx, end := d.runtime.Ending(ctx)
	defer end()
	context.AfterFunc(ctx, d.cancel)
	close(d.stop)
	err := Finish(ctx, func() error {
		<-d.done
		return nil
	})
	if err != nil {
		err = fmt.Errorf("the next consumer still holds signals: %w", err)
	}
	return errors.Join(d.abandon(), err)
}

func (d *Drainer) loop(ctx context.Context) {
	defer close(d.done)
	for {
		select {
		case <-d.stop:
			d.drain(ctx, nil)
			return
		case <-d.runtime.wake:
			d.drain(ctx, d.stop)
		}
	}
}

// drain empties the queue. It ends early, with a chunk still pending, when stop or ctx says so.
func (d *Drainer) drain(ctx context.Context, stop <-chan struct{}) {
	for ctx.Err() == nil {
		if d.pending == nil && !d.take() {
			return
		}
		if !d.offer(ctx, stop) {
			return
		}
		d.pending = nil
		d.release()
	}
}

// take fetches the next chunk.
func (d *Drainer) take() bool {
	data, res, err := d.runtime.eng.Drain(d.form, d.runtime.Now(), chunk)
	if err != nil {
		d.runtime.drainFailed(err)
		return false
	}
	if res.Signals == 0 {
		return false
	}
	d.pending = data
	d.held.Store(int64(res.Signals))
	d.runtime.signalsHeld.Add(int64(res.Signals))
	return true
}

// release says how many signals of the pending chunk nobody has accounted for yet, and that the caller does.
func (d *Drainer) release() int64 {
	n := d.held.Swap(0)
	d.runtime.signalsHeld.Add(-n)
	return n
}

// offer hands the pending chunk on, again and again while the consumer may still take it. It returns false where the
// chunk stays pending.
func (d *Drainer) offer(ctx context.Context, stop <-chan struct{}) bool {
	giveUp := time.Now().Add(d.retry.total)
	for pause := d.retry.first; ; pause = min(2*pause, d.retry.most) {
		err := d.deliver(ctx, d.pending)
		if err == nil {
			return true
		}
		if consumererror.IsPermanent(err) || time.Now().Add(pause).After(giveUp) {
			n := d.release()
			d.runtime.signalsFailed.Add(n)
			d.runtime.log.Error("signals not taken by the next consumer", zap.Int64("signals", n), zap.Error(err))
			return true
		}
		select {
		case <-stop:
			return false
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

// abandon counts what could not be handed on before the end.
func (d *Drainer) abandon() error {
	lost := d.release()
	for {
		_, res, err := d.runtime.eng.Drain(d.form, d.runtime.Now(), chunk)
		if err != nil || res.Signals == 0 {
			break
		}
		lost += int64(res.Signals)
	}
	if lost == 0 {
		return nil
	}
	d.runtime.signalsFailed.Add(lost)
	return fmt.Errorf("%d signals were not taken by the next consumer before the shutdown ended", lost)
}

// discard empties the queue into nothing.
func (r *Runtime) discard() {
	for {
		_, res, err := r.eng.Drain(engine.FormLogs, r.Now(), chunk)
		if err != nil {
			r.drainFailed(err)
			return
		}
		if res.Signals == 0 {
			return
		}
	}
}

func (r *Runtime) drainFailed(err error) {
	switch {
	case engine.IsPoisoned(err):
		r.poison(err)
	case errors.Is(err, engine.StatusClosed):
	default:
		r.log.Error("cannot drain signals", zap.Error(err))
	}
}
