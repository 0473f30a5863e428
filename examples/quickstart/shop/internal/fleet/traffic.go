package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fluo-otel/fluo/examples/quickstart/shop/internal/service"
)

const (
	checkouts = 44
	// retryStorm is the checkout whose session is slow to reach the replica.
	retryStorm = 20
	// burst is the checkout after which one user tries burstLogins passwords.
	burst       = 30
	burstLogins = 12
	// pace is the pause between two requests.
	pace = 75 * time.Millisecond
)

// giftCards are the checkouts that take the path without a fraud check.
var giftCards = map[int]bool{7: true, 18: true, 36: true}

type request struct {
	path   string
	body   any
	status int
}

// plan is the traffic, the same on every run: each request is one trace.
func plan() []request {
	var requests []request
	for i := range checkouts {
		requests = append(requests, request{"/checkout", order(i), http.StatusOK})
		if i%2 == 0 {
			requests = append(requests, request{"/products", nil, http.StatusOK})
		}
		if i%4 == 0 {
			requests = append(requests, request{"/login", service.Login{User: user(i), Password: service.Password}, http.StatusOK})
		}
		if i == burst {
			for guess := range burstLogins {
				login := service.Login{User: "mallory", Password: fmt.Sprintf("guess %d", guess)}
				requests = append(requests, request{"/login", login, http.StatusUnauthorized})
			}
		}
	}
	return requests
}

func order(i int) service.Order {
	placed := service.Order{
		Login:  service.Login{User: user(i), Password: service.Password},
		ID:     fmt.Sprintf("order-%04d", i),
		Amount: 9.5 + float64(i)*3.25,
		Method: "card",
		Token:  fmt.Sprintf("session-%d", i),
	}
	if giftCards[i] {
		placed.Method = service.GiftCard
	}
	if i == retryStorm {
		placed.Token = service.SlowToken
	}
	return placed
}

func user(i int) string { return []string{"alice", "bob", "carol", "dave"}[i%4] }

// Traffic sends the plan to a frontend and checks every answer.
func Traffic(ctx context.Context, frontend string) error {
	browser := &http.Client{Timeout: 10 * time.Second}
	for _, planned := range plan() {
		status, err := send(ctx, browser, frontend, planned)
		if err != nil {
			return err
		}
		if status != planned.status {
			return fmt.Errorf("%s answered %d, expected %d", planned.path, status, planned.status)
		}
		select {
		case <-time.After(pace):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func send(ctx context.Context, browser *http.Client, frontend string, planned request) (int, error) {
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if planned.body != nil {
		encoded, err := json.Marshal(planned.body)
		if err != nil {
			return 0, err
		}
		method, body = http.MethodPost, bytes.NewReader(encoded)
	}
	outgoing, err := http.NewRequestWithContext(ctx, method, frontend+planned.path, body)
	if err != nil {
		return 0, err
	}
	response, err := browser.Do(outgoing)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
