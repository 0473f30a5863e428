// Package fleet runs the shop's services as processes and sends them traffic.
package fleet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/shop/internal/service"
)

// batchDelay is how long each service gathers spans before it exports them.
// The SDK's default of 5 s would put most of a short run into one batch.
const batchDelay = time.Second

// stopLimit bounds the wait for a service to flush and end after SIGTERM.
const stopLimit = 10 * time.Second

// startOrder starts every service after those that it calls.
var startOrder = []string{"fraud", "auth", "auth-service", "payment", "checkout", "frontend"}

// Fleet is the running shop.
type Fleet struct {
	// Frontend is the base URL that the users of the shop call.
	Frontend string

	processes []*exec.Cmd
}

// Start runs every service as a process of binary, exporting to the OTLP/HTTP
// endpoint. The caller owns the fleet and must Stop it.
func Start(ctx context.Context, binary, endpoint string) (*Fleet, error) {
	fleet := &Fleet{}
	addresses := map[string]string{}
	for _, name := range startOrder {
		args := []string{"serve", "-service", name}
		for _, upstream := range service.Calls[name] {
			args = append(args, "-upstream", upstream+"="+addresses[upstream])
		}
		address, err := fleet.start(ctx, endpoint, exec.Command(binary, args...))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("starting `%s`: %w", name, err), fleet.Stop())
		}
		addresses[name] = address
	}
	fleet.Frontend = addresses["frontend"]
	return fleet, nil
}

func (f *Fleet) start(ctx context.Context, endpoint string, process *exec.Cmd) (string, error) {
	process.Env = append(os.Environ(),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint,
		fmt.Sprintf("OTEL_BSP_SCHEDULE_DELAY=%d", batchDelay.Milliseconds()))
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := process.Start(); err != nil {
		return "", err
	}
	f.processes = append(f.processes, process)

	announced := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(output).ReadString('\n')
		announced <- strings.TrimSpace(line)
	}()
	select {
	case address := <-announced:
		if address == "" {
			return "", errors.New("it ended before it listened")
		}
		return address, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Stop ends every process by its own pid, callers before the called, and
// waits until each has flushed.
func (f *Fleet) Stop() error {
	var errs []error
	for i := len(f.processes) - 1; i >= 0; i-- {
		errs = append(errs, stop(f.processes[i]))
	}
	f.processes = nil
	return errors.Join(errs...)
}

func stop(process *exec.Cmd) error {
	if err := process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	kill := time.AfterFunc(stopLimit, func() { _ = process.Process.Kill() })
	defer kill.Stop()
	return process.Wait()
}
