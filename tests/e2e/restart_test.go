//go:build under_load

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
	fluo "github.com/fluo-otel/fluo/examples/quickstart/demo/signal"
)

const (
	// The traffic of the restart test: so many traces a second, each so long at
	// most, exported by each service every so often.
	tracesASecond  = 20
	longestTrace   = 3 * time.Second
	exportInterval = 500 * time.Millisecond
	heartbeatEvery = 200 * time.Millisecond
)

// TestRestartUnderTraffic ends the collector twice under healthy traffic and
// starts it again. No trace that is spread over two collectors, and no window
// that one of them saw a part of, may be taken for a violation; what is wrong
// afterwards must be found.
func TestRestartUnderTraffic(t *testing.T) {
	t.Parallel()
	rules := absolute(filepath.Join("testdata", "restart.yml"))
	m := newMesh(t)
	var ran []*collector.Collector
	begin := func() *collector.Collector {
		c := start(t, "restart.yaml", collector.Options{Env: []string{"FLUO_RULES=" + rules}})
		ran = append(ran, c)
		m.endpoint.Store(&c.Endpoint)
		return c
	}
	c := begin()
	m.run(10 * time.Second)
	for range 2 {
		stop(t, c)
		m.endpoint.Store(nil)
		c = begin()
		m.run(10 * time.Second)
	}
	for _, c := range ran {
		for _, s := range signals(t, c) {
			t.Errorf("healthy traffic: %s %s: %s", s.Event, s.Rule(), s.Body)
		}
	}
	if t.Failed() {
		return
	}

	// A trace without its check, one whose call nobody served, and a service that stops.
	unchecked, unserved := m.trace(flaw{unchecked: true}), m.trace(flaw{unserved: true})
	m.stopped.Store(true)
	m.run(10 * time.Second)
	m.wait()
	stop(t, c)
	found, bodies := map[string]int{}, map[string]string{}
	for _, s := range signals(t, c) {
		found[about([]fluo.Signal{s})[0]]++
		bodies[about([]fluo.Signal{s})[0]] = fmt.Sprint(s.Event, " ", s.Attributes)
	}
	for _, want := range []string{
		"charge-needs-check " + unchecked, "check-before-charge " + unchecked, "charges-are-checked " + unchecked,
		"calls-are-served " + unserved,
	} {
		if found[want] != 1 {
			t.Errorf("%s: signalled %d times", want, found[want])
		}
		delete(found, want)
	}
	beats := map[string]bool{}
	for fact, n := range found {
		if rule, _, _ := strings.Cut(fact, " "); strings.HasSuffix(rule, "heart-beats") {
			beats[rule] = true
			continue
		}
		t.Errorf("%s: signalled %d times, not expected: %s", fact, n, bodies[fact])
	}
	if len(beats) != 2 {
		t.Errorf("the heartbeats are missed by %v", beats)
	}
	t.Logf("%d traces, %d exports, %d of them again", m.traces.Load(), m.exports.Load(), m.again.Load())
}

// mesh is a shop of three services whose SDKs export what has ended every so
// often, and keep what was not taken for the next time.
type mesh struct {
	t        *testing.T
	endpoint atomic.Pointer[string] // nil while no collector runs
	stopped  atomic.Bool            // no more heartbeats

	traces, exports, again atomic.Int64

	mu      sync.Mutex
	waiting map[string][]emitted // by service: spans, some of which have not ended yet
	cancel  context.CancelFunc
	running sync.WaitGroup
}

type flaw struct{ unchecked, unserved bool }

func newMesh(t *testing.T) *mesh {
	ctx, cancel := context.WithCancel(context.Background())
	m := &mesh{t: t, waiting: map[string][]emitted{}, cancel: cancel}
	for _, service := range []string{"shop", "payment", "fraud"} {
		m.running.Go(func() { m.exportLoop(ctx, service) })
	}
	t.Cleanup(func() {
		cancel()
		m.running.Wait()
	})
	return m
}

// run makes healthy traces for a while.
func (m *mesh) run(d time.Duration) {
	ticker := time.NewTicker(time.Second / tracesASecond)
	defer ticker.Stop()
	for end, beat := time.Now().Add(d), time.Now(); time.Now().Before(end); <-ticker.C {
		m.trace(flaw{})
		for ; !m.stopped.Load() && time.Until(beat) <= 0; beat = beat.Add(heartbeatEvery) {
			n := uint64(m.traces.Add(1))
			m.emit("shop", emitted{trace: n, id: 1, name: "heartbeat", kind: internal, start: time.Now(), end: time.Now()})
		}
	}
}

// wait lets everything end, be exported and be decided.
func (m *mesh) wait() { time.Sleep(longestTrace + 10*time.Second) }

// trace is one checkout: its spans will end within longestTrace and be
// exported then. It gives the trace's id.
func (m *mesh) trace(f flaw) string {
	n := uint64(m.traces.Add(1))
	began := time.Now()
	length := longestTrace/10 + rand.N(longestTrace*9/10)
	span := func(service string, id, parent uint64, name string, kind uint64, from, to float64) {
		at := func(share float64) time.Time { return began.Add(time.Duration(share * float64(length))) }
		m.emit(service, emitted{trace: n, id: id, parent: parent, name: name, kind: kind, start: at(from), end: at(to),
			attributes: [][2]string{{"order.id", fmt.Sprint(n)}}})
	}
	span("shop", 1, 0, "POST /checkout", server, 0, 1)
	span("shop", 2, 1, "POST /check", client, 0.05, 0.4)
	if !f.unchecked {
		span("fraud", 3, 2, "payment.fraud_check", server, 0.1, 0.35)
	} else {
		span("fraud", 3, 2, "payment.lookup", server, 0.1, 0.35)
	}
	span("shop", 4, 1, "POST /charge", client, 0.5, 0.9)
	span("payment", 5, 4, "payment.charge_card", server, 0.55, 0.85)
	if !f.unserved {
		span("payment", 6, 5, "POST /book", client, 0.6, 0.8)
		span("shop", 7, 6, "book", server, 0.65, 0.75)
	} else {
		span("payment", 6, 5, "POST /book", client, 0.6, 0.8)
	}
	return fmt.Sprintf("%016x%016x", 0xf1, n)
}

func (m *mesh) emit(service string, s emitted) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting[service] = append(m.waiting[service], s)
}

func (m *mesh) exportLoop(ctx context.Context, service string) {
	e := newExporter()
	time.Sleep(rand.N(exportInterval)) // no two services export at once
	ticker := time.NewTicker(exportInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		batch := m.take(service)
		if len(batch) == 0 {
			continue
		}
		status := 0
		if endpoint := m.endpoint.Load(); endpoint != nil {
			status, _ = e.post(ctx, *endpoint, export(service, batch))
		}
		m.exports.Add(1)
		if status != http.StatusOK {
			m.again.Add(1)
			for _, s := range batch {
				m.emit(service, s)
			}
		}
	}
}

// take gives the spans that have ended.
func (m *mesh) take(service string) (ended []emitted) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var open []emitted
	for _, s := range m.waiting[service] {
		if time.Now().After(s.end) {
			ended = append(ended, s)
		} else {
			open = append(open, s)
		}
	}
	m.waiting[service] = open
	return ended
}
