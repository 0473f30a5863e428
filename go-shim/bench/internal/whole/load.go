// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package whole // import "github.com/fluo-otel/fluo/go-shim/bench/internal/whole"

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fluo-otel/fluo/go-shim/bench/internal/question"
	"github.com/fluo-otel/fluo/go-shim/bench/internal/traffic"
)

const (
	// connections send at once.
	connections = 4
	export      = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
)

// load sends requests, each with traces of its own.
type load struct {
	traffic *traffic.Traffic
	asked   []pcommon.TraceID
	answers *answers

	next atomic.Uint64
	// spans that were accepted.
	spans atomic.Int64
}

func newLoad(t *traffic.Traffic, a *answers) *load {
	return &load{traffic: t, asked: t.Answer([]question.Rule{t.Asked}), answers: a}
}

// run sends for so long: so many spans a second, or as many as are accepted where rate is 0.
func (l *load) run(ctx context.Context, to string, rate float64, long time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, long+startLimit)
	defer cancel()
	began := time.Now()
	first := l.next.Load()
	due := func(round uint64) time.Time {
		if rate == 0 {
			return time.Time{}
		}
		return began.Add(time.Duration(float64(round-first) * float64(l.traffic.Spans) / rate * float64(time.Second)))
	}
	var senders sync.WaitGroup
	failed := make(chan error, connections)
	for range connections {
		senders.Go(func() { failed <- l.sender(ctx, to, due, began.Add(long)) })
	}
	senders.Wait()
	for range connections {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

func (l *load) sender(ctx context.Context, to string, due func(uint64) time.Time, end time.Time) error {
	connection, err := grpc.NewClient(to, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{}), grpc.MaxCallSendMsgSize(maxMessage)))
	if err != nil {
		return err
	}
	defer connection.Close()
	request, err := l.traffic.Encoded(0)
	if err != nil {
		return err
	}
	for {
		round := l.next.Add(1)
		time.Sleep(time.Until(due(round)))
		now := time.Now()
		if !now.Before(end) {
			return nil
		}
		request.Renew(round, now)
		l.answers.send(traffic.InRound(l.asked, round), now)
		var answer []byte
		if err := connection.Invoke(ctx, export, &request.Bytes, &answer); err != nil {
			return err
		}
		l.spans.Add(int64(request.Spans))
	}
}
