// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package whole // import "github.com/fluo-otel/fluo/go-shim/bench/internal/whole"

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/gauge"
)

const (
	startLimit = 30 * time.Second
	stopLimit  = 30 * time.Second
	// ticksASecond is the unit of /proc, the same on every Linux.
	ticksASecond = 100
)

// collector is a running collector, on one core.
type collector struct {
	process *exec.Cmd
	log     string
	ended   chan error
}

// start runs the program with a configuration and waits until it takes requests.
func start(program string, core int, config map[string]any, a addresses, scratch string) (*collector, error) {
	text, err := yaml.Marshal(config)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(scratch, "config.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	c := &collector{process: exec.Command(program, "--config", path), log: filepath.Join(scratch, "log"), ended: make(chan error, 1)}
	log, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c.process.Stdout, c.process.Stderr = log, log
	c.process.Env = append(os.Environ(), "GOMAXPROCS=1")
	if err := gauge.On([]int{core}, c.process.Start); err != nil {
		return nil, err
	}
	go func() { c.ended <- c.process.Wait() }()
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		connection, err := net.DialTimeout("tcp", a.receiver, time.Second)
		if err == nil {
			return c, connection.Close()
		}
		select {
		case <-c.ended:
			return nil, c.complain("the collector did not start")
		default:
		}
	}
	return nil, errors.Join(fmt.Errorf("the collector took no requests within %s", startLimit), c.stop())
}

// stop ends the collector and waits until it has.
func (c *collector) stop() error {
	if err := c.process.Process.Signal(syscall.SIGTERM); err != nil {
		return errors.Join(err, c.complain("the collector ended by itself"))
	}
	select {
	case err := <-c.ended:
		return err
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the collector did not end within %s", stopLimit), c.process.Process.Kill())
	}
}

// complain says what the collector wrote last.
func (c *collector) complain(what string) error {
	text, err := os.ReadFile(c.log)
	const end = 2000
	return errors.Join(fmt.Errorf("%s: %s", what, text[max(0, len(text)-end):]), err)
}

// cpu is the CPU time of the process so far, user and system.
func (c *collector) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name of the program ends with the last parenthesis; user and system time are fields 14 and 15.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const user, system = 14 - 3, 15 - 3
	if len(fields) <= system {
		return 0, fmt.Errorf("cannot read `%s`", text)
	}
	var ticks int64
	for _, field := range [][]byte{fields[user], fields[system]} {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksASecond, nil
}

func (c *collector) rss() (int64, error) { return gauge.RSS(c.process.Process.Pid) }

// freeAddress is one that nobody listens on right now.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
