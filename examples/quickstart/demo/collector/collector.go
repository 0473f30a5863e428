// Package collector runs a collector as a process on loopback.
package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startLimit = 30 * time.Second
	// stopLimit bounds the wait for a collector to flush and end after SIGTERM.
	stopLimit = 30 * time.Second
)

// Options say what to run.
type Options struct {
	// Binary is the collector's program.
	Binary string
	// Config is the collector's configuration. It takes its addresses and the
	// path of its signals from FLUO_OTLP_GRPC, FLUO_OTLP_HTTP,
	// FLUO_METRICS_PORT and FLUO_SIGNALS.
	Config string
	// Dir is the working directory, to which rule files are relative.
	Dir string
	// Scratch is a directory for the signals and the collector's log.
	Scratch string
	// Env is added to the environment, as KEY=VALUE.
	Env []string
	// Args are added to the command line.
	Args []string
}

// Collector is a running collector.
type Collector struct {
	// Endpoint is the base URL of its OTLP/HTTP receiver.
	Endpoint string
	// MetricsURL is where its own metrics are.
	MetricsURL string
	// Signals is the file that its file exporter writes.
	Signals string

	process *exec.Cmd
	log     string
	ended   chan struct{}
	err     error
}

// Start runs a collector and waits until its receiver takes requests. The
// caller must Stop it; a collector whose ctx ends is killed.
func Start(ctx context.Context, o Options) (*Collector, error) {
	ports, err := FreePorts(3)
	if err != nil {
		return nil, err
	}
	c := &Collector{
		Endpoint:   "http://" + loopback(ports[0]),
		MetricsURL: "http://" + loopback(ports[2]) + "/metrics",
		Signals:    filepath.Join(o.Scratch, "signals.jsonl"),
		log:        filepath.Join(o.Scratch, "collector.log"),
		ended:      make(chan struct{}),
	}
	log, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c.process = exec.CommandContext(ctx, o.Binary, append([]string{"--config", o.Config}, o.Args...)...)
	c.process.Dir = o.Dir
	c.process.Stdout, c.process.Stderr = log, log
	c.process.Env = append(append(os.Environ(),
		"FLUO_OTLP_HTTP="+loopback(ports[0]),
		"FLUO_OTLP_GRPC="+loopback(ports[1]),
		"FLUO_METRICS_PORT="+strconv.Itoa(ports[2]),
		"FLUO_SIGNALS="+c.Signals,
		// What is sent was recorded.
		"FLUO_LIVE=false",
	), o.Env...)
	if err := c.process.Start(); err != nil {
		return nil, err
	}
	go func() {
		c.err = c.process.Wait()
		close(c.ended)
	}()
	if err := c.waitForReceiver(loopback(ports[0])); err != nil {
		return nil, errors.Join(err, c.Stop(), errors.New(c.Log()))
	}
	return c, nil
}

func (c *Collector) waitForReceiver(address string) error {
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); {
		connection, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return connection.Close()
		}
		select {
		case <-c.ended:
			return errors.New("the collector ended before it took requests")
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("the collector took no requests within %s", startLimit)
}

// Running says whether the process has not ended yet.
func (c *Collector) Running() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// Stop ends the collector by its pid and waits until it has flushed. It may
// be called twice.
func (c *Collector) Stop() error {
	if err := c.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.ended:
		return c.err
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the collector did not end within %s", stopLimit), c.process.Process.Kill())
	}
}

// Log is what the collector has written so far.
func (c *Collector) Log() string {
	text, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Post sends one request body to the collector's receiver of traces and gives
// the answer's status.
func (c *Collector) Post(ctx context.Context, contentType, body string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint+"/v1/traces", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
