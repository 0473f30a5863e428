package service

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
)

// Login is what a user types in.
type Login struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// Order is one purchase on its way through the shop.
type Order struct {
	Login  Login   `json:"login"`
	ID     string  `json:"id"`
	Amount float64 `json:"amount"`
	// Method is how the user pays, `card` or `gift_card`.
	Method string `json:"method"`
	// Token names the user's session.
	Token string `json:"token"`
}

func frontendRoutes(mux *http.ServeMux, c *client) {
	mux.HandleFunc("GET /products", func(w http.ResponseWriter, r *http.Request) {
		_, span := tracer.Start(r.Context(), "catalogue.render")
		span.SetAttributes(attribute.Int("catalogue.items", 12))
		span.End()
		w.WriteHeader(http.StatusOK)
	})
	handle(mux, "/login", func(ctx context.Context, in Login) (int, error) {
		return c.post(ctx, "auth-service", "/login", in)
	})
	handle(mux, "/checkout", func(ctx context.Context, in Order) (int, error) {
		status, err := c.post(ctx, "auth-service", "/login", in.Login)
		if err != nil || status != http.StatusOK {
			return status, err
		}
		return c.post(ctx, "checkout", "/checkout", in)
	})
}
