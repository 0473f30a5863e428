// Package recording reads recorded traces: gzipped lines of OTLP JSON, one
// export request each.
package recording

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"os"
)

// lineLimit bounds one request, in bytes.
const lineLimit = 64 << 20

// Read gives the requests of a recording, in their order.
func Read(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var requests []string
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, lineLimit)
	for lines.Scan() {
		requests = append(requests, lines.Text())
	}
	return requests, lines.Err()
}

// Receiver takes an OTLP request.
type Receiver interface {
	Post(ctx context.Context, contentType, body string) (int, error)
}

// Send sends requests one after another and expects each to be accepted.
func Send(ctx context.Context, to Receiver, requests []string) error {
	for i, request := range requests {
		status, err := to.Post(ctx, "application/json", request)
		if err != nil {
			return fmt.Errorf("request %d: %w", i+1, err)
		}
		if status != http.StatusOK {
			return fmt.Errorf("request %d was answered with %d", i+1, status)
		}
	}
	return nil
}
