package service

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
)

// verifyAttempts is how often checkout asks for a session before it gives up.
// It does not wait between attempts: that is the retry storm in the recording.
const verifyAttempts = 100

func checkoutRoutes(mux *http.ServeMux, c *client) {
	handle(mux, "/checkout", func(ctx context.Context, in Order) (int, error) {
		serverSpan(ctx).SetAttributes(attribute.String("order.id", in.ID), attribute.String("enduser.id", in.Login.User))
		status, err := verify(ctx, c, in.Token)
		if err != nil || status != http.StatusOK {
			return status, err
		}
		return c.post(ctx, "payment", "/charge", in)
	})
}

func verify(ctx context.Context, c *client, token string) (int, error) {
	status := http.StatusServiceUnavailable
	for range verifyAttempts {
		var err error
		status, err = c.post(ctx, "auth", "/verify", session{Token: token})
		if err != nil || status != http.StatusServiceUnavailable {
			return status, err
		}
	}
	return status, nil
}
