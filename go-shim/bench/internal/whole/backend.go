// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package whole // import "github.com/fluo-otel/fluo/go-shim/bench/internal/whole"

import (
	"errors"
	"net"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
)

// raw passes messages as the bytes that they are.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	data, ok := v.(*[]byte)
	if !ok {
		return nil, errors.New("not bytes")
	}
	return mem.BufferSlice{mem.SliceBuffer(*data)}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	into, ok := v.(*[]byte)
	if !ok {
		return errors.New("not bytes")
	}
	*into = data.Materialize()
	return nil
}

// backend takes whatever is exported over OTLP/gRPC.
type backend struct {
	address string
	// Bytes received so far.
	bytes  atomic.Int64
	server *grpc.Server
}

// maxMessage bounds a request.
const maxMessage = 64 << 20

// listen starts a backend on a free port. take gets every message and whether it holds logs.
func listen(take func(message []byte, logs bool)) (*backend, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &backend{address: listener.Addr().String()}
	b.server = grpc.NewServer(grpc.ForceServerCodecV2(raw{}), grpc.MaxRecvMsgSize(maxMessage),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
			method, _ := grpc.MethodFromServerStream(stream)
			var message, empty []byte
			if err := stream.RecvMsg(&message); err != nil {
				return err
			}
			b.bytes.Add(int64(len(message)))
			take(message, strings.Contains(method, "LogsService"))
			return stream.SendMsg(&empty)
		}))
	go func() {
		// It ends with Stop; an error before shows as exports that fail.
		_ = b.server.Serve(listener)
	}()
	return b, nil
}
