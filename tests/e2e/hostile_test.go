//go:build under_load

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
)

const (
	// unrelatedLimit is what an export may take for 99 of 100 calls of a client
	// that has nothing to do with what another client sends.
	unrelatedLimit = 50 * time.Millisecond
	// unrelatedCalls are made beside each kind of hostile traffic.
	unrelatedCalls = 250
	// unrelatedPause keeps the unrelated client from being a load itself.
	unrelatedPause = 10 * time.Millisecond
)

// hostile is traffic that is made to cost as much as possible. Its batches are
// those of one client; some come again and again with other trace ids.
type hostile struct {
	name string
	// batch gives the n-th request.
	batch func(n uint64) string
}

// TestUnrelatedClientIsNotSlowed measures what one client waits for while
// another sends what rules find hardest, kind after kind.
func TestUnrelatedClientIsNotSlowed(t *testing.T) {
	c := start(t, "hostile.yaml", collector.Options{Env: []string{"FLUO_SETTLE=1s", "FLUO_RULES=" + absolute("testdata/hostile.yml")}})
	warmUp := exports(t, c, 0, 100)
	t.Logf("%-34s %s", "alone", distribution(warmUp))
	for i, attack := range []hostile{
		{"deep nesting on a star", deepNesting(star)},
		{"deep nesting on a chain", deepNesting(chain)},
		{"deep nesting in turns", deepNesting(turns)},
		{"more spans than a trace may have", tooLong},
		{"late spans one by one", lateSpans},
		{"many groups in a trace", manyGroups},
		{"other group values each time", groupValues},
		{"other calls each time", otherCalls},
		{"other resources each time", otherResources},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var sending sync.WaitGroup
		sent, slowest := 0, time.Duration(0)
		sending.Go(func() {
			e := newExporter()
			for n := uint64(i) << 32; ctx.Err() == nil; n++ {
				began := time.Now()
				status, err := e.post(ctx, c.Endpoint, attack.batch(n))
				if ctx.Err() != nil {
					return
				}
				if err != nil || status != http.StatusOK {
					t.Errorf("%s: the collector answers %d, %v", attack.name, status, err)
					return
				}
				slowest = max(slowest, time.Since(began))
				sent++
			}
		})
		took := exports(t, c, uint64(i+1), unrelatedCalls)
		cancel()
		sending.Wait()
		t.Logf("%-34s %s; %d hostile requests, the slowest took %v", attack.name, distribution(took), sent, slowest.Round(time.Millisecond))
		if p99 := quantile(took, 0.99); p99 >= unrelatedLimit {
			t.Errorf("%s: an unrelated client waits %v at p99, want less than %v", attack.name, p99.Round(time.Millisecond), unrelatedLimit)
		}
	}
}

// exports sends small whole traces and gives how long each call took.
func exports(t *testing.T, c *collector.Collector, part uint64, calls int) []time.Duration {
	t.Helper()
	e := newExporter()
	var took []time.Duration
	for n := range uint64(calls) {
		now := time.Now()
		trace := 1<<60 | part<<32 | n
		body := export("cart", []emitted{
			{trace: trace, id: 1, name: "GET /cart", kind: server, start: now.Add(-20 * time.Millisecond), end: now},
			{trace: trace, id: 2, parent: 1, name: "SELECT cart", kind: client, start: now.Add(-10 * time.Millisecond), end: now},
			{trace: trace, id: 3, parent: 1, name: "render", kind: internal, start: now.Add(-5 * time.Millisecond), end: now},
		})
		began := time.Now()
		status, err := e.post(t.Context(), c.Endpoint, body)
		took = append(took, time.Since(began))
		if err != nil || status != http.StatusOK {
			t.Fatalf("the collector answers %d, %v", status, err)
		}
		time.Sleep(unrelatedPause)
	}
	return took
}

func quantile(took []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func distribution(took []time.Duration) string {
	return fmt.Sprintf("p50 %v, p99 %v, most %v", quantile(took, 0.5).Round(100*time.Microsecond),
		quantile(took, 0.99).Round(100*time.Microsecond), quantile(took, 1).Round(100*time.Microsecond))
}

// The names that the nested relations of testdata/hostile.yml are about.
var names = [...]string{"a", "b", "c", "d"}

// shape gives the parent of the n-th span of a trace; span ids begin with 1.
type shape func(n uint64) uint64

func star(n uint64) uint64  { return min(n-1, 1) }
func chain(n uint64) uint64 { return n - 1 }
func turns(n uint64) uint64 { return n / 2 }

func deepNesting(of shape) func(uint64) string {
	return func(n uint64) string {
		size := uint64([]int{250, 1000, 4000}[n%3])
		now := time.Now()
		var all []emitted
		for id := uint64(1); id <= size; id++ {
			at := now.Add(time.Duration(id-size) * time.Microsecond)
			all = append(all, emitted{
				trace: n, id: id, parent: of(id), name: names[id%4], kind: internal, start: at, end: at.Add(time.Microsecond),
				attributes: [][2]string{{"order.id", fmt.Sprint(id % 7)}},
			})
		}
		return export("hostile", all)
	}
}

// tooLong fills a trace far beyond its limit, 500 spans a request.
func tooLong(n uint64) string {
	now := time.Now()
	var all []emitted
	for k := range uint64(500) {
		id := n%1000*500 + k + 1
		all = append(all, emitted{trace: n &^ 0xffff, id: id, parent: min(id-1, 1), name: names[id%4], kind: internal, start: now, end: now})
	}
	return export("hostile", all)
}

// lateSpans makes a trace of 5,000 spans every two hundred requests, and
// sends what comes for it when it is decided, span by span.
func lateSpans(n uint64) string {
	now := time.Now()
	trace, turn := n/200, n%200
	var all []emitted
	if turn == 0 {
		for id := uint64(1); id <= 5000; id++ {
			all = append(all, emitted{trace: trace, id: id, parent: min(id-1, 1), name: names[id%4], kind: internal, start: now, end: now})
		}
		return export("hostile", all)
	}
	// Of the trace before, which has settled meanwhile or soon will have.
	for k := range uint64(10) {
		id := 10_000 + 10*turn + k
		all = append(all, emitted{trace: trace, id: id, parent: 1, name: names[id%4], kind: internal, start: now, end: now})
	}
	time.Sleep(8 * time.Millisecond)
	return export("hostile", all)
}

func manyGroups(n uint64) string {
	now := time.Now()
	var all []emitted
	for id := uint64(1); id <= 4000; id++ {
		all = append(all, emitted{
			trace: n, id: id, parent: min(id-1, 1), name: "a", kind: internal, start: now, end: now,
			attributes: [][2]string{{"order.id", fmt.Sprintf("order-%d-%d", n, id)}},
		})
	}
	return export("hostile", all)
}

func groupValues(n uint64) string {
	now := time.Now()
	var all []emitted
	for k := range uint64(1000) {
		all = append(all, emitted{
			trace: n<<10 | k, id: 1, name: "login", kind: server, start: now.Add(-time.Duration(k) * time.Millisecond), end: now,
			attributes: [][2]string{{"enduser.id", fmt.Sprintf("user-%d-%d", n, k)}},
		})
	}
	return export("hostile", all)
}

func otherCalls(n uint64) string {
	now := time.Now()
	all := []emitted{{trace: n, id: 1, name: "a", kind: server, start: now, end: now}}
	for id := uint64(2); id <= 1000; id += 2 {
		all = append(all,
			emitted{trace: n, id: id, parent: 1, name: fmt.Sprintf("call-%d-%d", n, id), kind: client, start: now, end: now},
			emitted{trace: n, id: id + 1, parent: id, name: "b", kind: server, start: now, end: now})
	}
	return export("hostile", all)
}

func otherResources(n uint64) string {
	now := time.Now()
	var request string
	for k := range uint64(200) {
		request += export(fmt.Sprintf("hostile-%d-%d", n, k), []emitted{
			{trace: n<<8 | k, id: 1, name: "a", kind: server, start: now, end: now},
			{trace: n<<8 | k, id: 2, parent: 1, name: "b", kind: client, start: now, end: now},
		})
	}
	return request
}
