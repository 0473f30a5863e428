package service

import (
	"context"
	"net/http"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
)

// session is what `auth` verifies.
type session struct {
	Token string `json:"token"`
}

// SlowToken names a session that reaches the replica which `auth` reads only
// at its SlowReads-th read; the reads before that are answered with 503.
const (
	SlowToken = "session-on-slow-replica"
	SlowReads = 60
)

// Password opens every account of this shop.
const Password = "correct horse"

// authRoutes verifies sessions; the service's name is `auth`.
func authRoutes(mux *http.ServeMux, _ *client) {
	var lock sync.Mutex
	reads := 0
	handle(mux, "/verify", func(_ context.Context, in session) (int, error) {
		if in.Token != SlowToken {
			return http.StatusOK, nil
		}
		lock.Lock()
		defer lock.Unlock()
		if reads++; reads < SlowReads {
			return http.StatusServiceUnavailable, nil
		}
		return http.StatusOK, nil
	})
}

// loginRoutes checks passwords; the service's name is `auth-service`.
func loginRoutes(mux *http.ServeMux, _ *client) {
	handle(mux, "/login", func(ctx context.Context, in Login) (int, error) {
		span := serverSpan(ctx)
		span.SetAttributes(attribute.String("enduser.id", in.User))
		if in.Password != Password {
			span.SetAttributes(semconv.ErrorTypeKey.String("AuthenticationError"))
			return http.StatusUnauthorized, nil
		}
		return http.StatusOK, nil
	})
}
