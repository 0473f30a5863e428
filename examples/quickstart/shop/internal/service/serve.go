// Package service holds the shop's six services.
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// Upstreams maps the name of a service to its base URL. It is a flag.Value
// that takes NAME=URL.
type Upstreams map[string]string

// String lists the upstreams in the form that Set reads.
func (u Upstreams) String() string {
	pairs := make([]string, 0, len(u))
	for name, url := range u {
		pairs = append(pairs, name+"="+url)
	}
	sort.Strings(pairs)
	return strings.Join(pairs, ",")
}

// Set adds one NAME=URL.
func (u Upstreams) Set(pair string) error {
	name, url, ok := strings.Cut(pair, "=")
	if !ok {
		return fmt.Errorf("`%s` is not NAME=URL", pair)
	}
	u[name] = url
	return nil
}

// Calls says which services each service calls. A service can start once
// those are up.
var Calls = map[string][]string{
	"fraud":        nil,
	"auth":         nil,
	"auth-service": nil,
	"payment":      {"fraud"},
	"checkout":     {"auth", "payment"},
	"frontend":     {"auth-service", "checkout"},
}

var routes = map[string]func(*http.ServeMux, *client){
	"fraud":        fraudRoutes,
	"auth":         authRoutes,
	"auth-service": loginRoutes,
	"payment":      paymentRoutes,
	"checkout":     checkoutRoutes,
	"frontend":     frontendRoutes,
}

// Serve runs one service on a free loopback port until ctx ends, then flushes
// its spans. It prints the base URL to announce as one line once it listens.
func Serve(ctx context.Context, name string, upstreams Upstreams, announce io.Writer) error {
	register, known := routes[name]
	if !known {
		return fmt.Errorf("unknown service `%s`", name)
	}
	for _, upstream := range Calls[name] {
		if upstreams[upstream] == "" {
			return fmt.Errorf("service `%s` needs -upstream %s=URL", name, upstream)
		}
	}
	shutdown, err := startTracing(ctx, name)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	register(mux, newClient(upstreams))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: otelhttp.NewHandler(mux, name), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprintf(announce, "http://%s\n", listener.Addr())

	select {
	case err = <-served:
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(grace), shutdown(grace))
}
