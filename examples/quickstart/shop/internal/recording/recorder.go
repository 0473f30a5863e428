// Package recording writes what the shop exports and states facts about it.
package recording

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// Recorder is an OTLP/HTTP receiver that writes each request as one line of
// OTLP JSON, gzipped, in the order in which they came: the form of the
// collector's file exporter.
type Recorder struct {
	listener net.Listener
	server   *http.Server
	served   chan error

	lock sync.Mutex
	file *os.File
	gzip *gzip.Writer
}

// Start listens on a free loopback port and writes to path. The caller must
// Close the recorder.
func Start(path string) (*Recorder, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	compressed, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		return nil, errors.Join(err, listener.Close(), file.Close())
	}
	r := &Recorder{listener: listener, served: make(chan error, 1), file: file, gzip: compressed}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", r.traces)
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { r.served <- r.server.Serve(listener) }()
	return r, nil
}

// Endpoint is the base URL for an OTLP/HTTP exporter.
func (r *Recorder) Endpoint() string { return "http://" + r.listener.Addr().String() }

// Close waits for requests under way and completes the file.
func (r *Recorder) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := r.server.Shutdown(ctx)
	if served := <-r.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, r.gzip.Close(), r.file.Close())
}

func (r *Recorder) traces(w http.ResponseWriter, request *http.Request) {
	line, err := decode(request.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.lock.Lock()
	_, err = r.gzip.Write(append(line, '\n'))
	r.lock.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(http.StatusOK)
}

func decode(body io.Reader) ([]byte, error) {
	message, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	export := ptraceotlp.NewExportRequest()
	if err := export.UnmarshalProto(message); err != nil {
		return nil, err
	}
	return (&ptrace.JSONMarshaler{}).MarshalTraces(export.Traces())
}
