// Command shop is a small web shop instrumented with the OpenTelemetry Go SDK.
//
// Six services run as six processes of this one binary and talk HTTP over
// loopback. `shop record` starts them, sends the same traffic each time and
// writes what they export as a recording; `shop run` does the same against an
// OTLP/HTTP endpoint that is already there, such as a collector with Fluo.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/shop/internal/fleet"
	"github.com/fluo-otel/fluo/examples/quickstart/shop/internal/recording"
	"github.com/fluo-otel/fluo/examples/quickstart/shop/internal/service"
)

const usage = `usage:
  shop serve  -service NAME [-upstream NAME=URL]...   one service, until SIGTERM
  shop run    -endpoint URL                           all services and the traffic, exported to URL
  shop record -out DIR                                writes DIR/shop.jsonl.gz and DIR/shop.facts.json
`

// runLimit bounds a whole run: the traffic takes about ten seconds.
const runLimit = 2 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet("shop "+args[0], flag.ContinueOnError)
	switch args[0] {
	case "serve":
		name := flags.String("service", "", "which service to run")
		upstreams := service.Upstreams{}
		flags.Var(upstreams, "upstream", "NAME=URL of a service that this one calls, repeatable")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return service.Serve(ctx, *name, upstreams, os.Stdout)
	case "run":
		endpoint := flags.String("endpoint", "http://127.0.0.1:4318", "OTLP/HTTP endpoint, without path")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return drive(ctx, *endpoint)
	case "record":
		out := flags.String("out", "", "directory for the recording and its facts")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if *out == "" {
			return errors.New("`record` needs -out DIR")
		}
		return record(ctx, *out)
	default:
		return fmt.Errorf("unknown command `%s`\n%s", args[0], usage)
	}
}

// drive starts the services, sends the traffic and stops them, which flushes
// their last spans to endpoint.
func drive(ctx context.Context, endpoint string) error {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	shop, err := fleet.Start(ctx, binary, endpoint)
	if err != nil {
		return err
	}
	return errors.Join(fleet.Traffic(ctx, shop.Frontend), shop.Stop())
}

func record(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, "shop.jsonl.gz")
	recorder, err := recording.Start(path)
	if err != nil {
		return err
	}
	if err := errors.Join(drive(ctx, recorder.Endpoint()), recorder.Close()); err != nil {
		return err
	}
	facts, err := recording.ReadFacts(path)
	if err != nil {
		return err
	}
	return facts.Write(filepath.Join(dir, "shop.facts.json"))
}
