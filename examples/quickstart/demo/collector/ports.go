package collector

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
)

// Ports are tried in turn and below those that systems hand out by themselves,
// for a port of those may be in use again before the collector listens on it.
const (
	firstPort = 20000
	lastPort  = 32767
)

var tried = func() *atomic.Int64 {
	var n atomic.Int64
	n.Store(rand.Int64N(lastPort - firstPort))
	return &n
}()

// FreePorts gives ports of loopback that nobody listens on and that it gives
// nobody else.
func FreePorts(n int) ([]int, error) {
	var ports []int
	for range lastPort - firstPort {
		if len(ports) == n {
			return ports, nil
		}
		port := firstPort + int(tried.Add(1)%(lastPort-firstPort))
		if listener, err := net.Listen("tcp", loopback(port)); err == nil {
			ports = append(ports, port)
			listener.Close()
		}
	}
	return nil, fmt.Errorf("no %d ports are free from %d to %d", n, firstPort, lastPort)
}
