// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package traffic // import "github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// maxLine bounds a request in a recording.
const maxLine = 64 << 20

// Recorded is the recordings of a folder, files of OTLP JSON with one request a line, in the batches in which they came.
func Recorded(folder string) (*Traffic, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.jsonl.gz"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("there are no recordings in `%s`", folder)
	}
	var all [][]ptrace.Traces
	var names []string
	for _, path := range paths {
		one, err := read(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read `%s`: %w", path, err)
		}
		all = append(all, one)
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".jsonl.gz"))
	}
	return encode("recorded, "+strings.Join(names, " and "), all...)
}

func read(path string) ([]ptrace.Traces, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	var all []ptrace.Traces
	lines := bufio.NewScanner(unpacked)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(lines.Bytes())
		if err != nil {
			return nil, err
		}
		all = append(all, td)
	}
	return all, lines.Err()
}
