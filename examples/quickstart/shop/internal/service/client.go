package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// client calls other services with a traced HTTP client.
type client struct {
	upstreams Upstreams
	http      *http.Client
}

func newClient(upstreams Upstreams) *client {
	return &client{upstreams: upstreams, http: &http.Client{
		Transport: otelhttp.NewTransport(http.DefaultTransport),
		Timeout:   5 * time.Second,
	}}
}

// post sends in as JSON to a path of a service and gives the answer's status.
func (c *client) post(ctx context.Context, service, path string, in any) (int, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.upstreams[service]+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return 0, fmt.Errorf("calling %s%s: %w", service, path, err)
	}
	return response.StatusCode, response.Body.Close()
}

// handle registers a POST route whose handler takes a decoded body and gives
// the status to answer with.
func handle[In any](mux *http.ServeMux, path string, do func(context.Context, In) (int, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		status, err := do(r.Context(), in)
		if err != nil {
			serverSpan(r.Context()).RecordError(err)
			status = http.StatusBadGateway
		}
		w.WriteHeader(status)
	})
}
