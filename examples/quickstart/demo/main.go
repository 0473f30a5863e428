// Command demo sends a recording of the shop through a collector with Fluo
// and prints what Fluo says about it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/demo/collector"
	"github.com/fluo-otel/fluo/examples/quickstart/demo/recording"
	fluo "github.com/fluo-otel/fluo/examples/quickstart/demo/signal"
)

// runLimit bounds the whole demo.
const runLimit = 2 * time.Minute

func main() {
	example := flag.String("example", "..", "directory of the example, with collector.yaml, rules and traces")
	rules := flag.String("rules", "rules/shop.yml", "rule file, relative to the example")
	traces := flag.String("traces", "traces/shop.jsonl.gz", "recording, relative to the example")
	settle := flag.Duration("settle", 2*time.Second, "how long a trace must be quiet to be complete")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, *example, *rules, *traces, *settle); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, example, rules, traces string, settle time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	example, err := filepath.Abs(example)
	if err != nil {
		return err
	}
	requests, err := recording.Read(filepath.Join(example, traces))
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "fluo-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	running, err := collector.Start(ctx, collector.Options{
		Binary: filepath.Join(example, "dist", "otelcol-fluo"), Config: "collector.yaml", Dir: example, Scratch: scratch,
		Env: []string{"FLUO_RULES=" + rules, "FLUO_SETTLE=" + settle.String()},
	})
	if err != nil {
		return err
	}
	fmt.Printf("sending %d requests of %s to a collector with %s\n\n", len(requests), traces, rules)
	shown := &printer{path: running.Signals, byRule: map[string]int{}}
	err = recording.Send(ctx, running, requests)
	if err == nil {
		err = shown.follow(ctx, settle+2*time.Second)
	}
	// What was still open is decided when the collector stops.
	err = errors.Join(err, running.Stop(), shown.next())
	shown.summary()
	return err
}

// printer prints each signal once, in the order in which they came.
type printer struct {
	path   string
	count  int
	byRule map[string]int
}

// follow prints signals until none has come for as long as quiet.
func (p *printer) follow(ctx context.Context, quiet time.Duration) error {
	for last := time.Now(); time.Since(last) < quiet; {
		before := p.count
		if err := p.next(); err != nil {
			return err
		}
		if p.count > before {
			last = time.Now()
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (p *printer) next() error {
	signals, err := fluo.Read(p.path)
	if err != nil {
		return err
	}
	for _, s := range signals[p.count:] {
		p.print(s)
	}
	return nil
}

func (p *printer) print(s fluo.Signal) {
	p.count++
	p.byRule[s.Rule()]++
	fmt.Printf("%s %s  %s\n  %s\n", s.Event, strings.ToUpper(s.Severity), s.Rule(), s.Body)
	if s.TraceID != "" {
		fmt.Printf("  trace     %s (span %s, service %s)\n", s.TraceID, s.SpanID, s.Resource["service.name"])
	}
	for _, observed := range s.Observed() {
		fmt.Printf("  observed  %s\n", observed)
	}
	if missing := s.Attributes["fluo.evidence.missing"]; missing != "" {
		fmt.Printf("  missing   %s\n", missing)
	}
	fmt.Printf("  decided   %s, trigger %s\n\n", s.Attributes["fluo.verdict.phase"], s.Attributes["fluo.verdict.trigger"])
}

func (p *printer) summary() {
	rules := make([]string, 0, len(p.byRule))
	for rule := range p.byRule {
		rules = append(rules, rule)
	}
	sort.Strings(rules)
	fmt.Printf("%d signals\n", p.count)
	for _, rule := range rules {
		fmt.Printf("  %3d  %s\n", p.byRule[rule], rule)
	}
}
