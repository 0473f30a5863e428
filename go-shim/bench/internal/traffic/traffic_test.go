// Copyright The Fluo Authors
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// TestEncodedIsTheSameRequest compares the bytes that are changed in place with the request that is decoded and changed.
func TestEncodedIsTheSameRequest(t *testing.T) {
	recorded, err := Recorded("../../../../examples/quickstart/traces")
	if err != nil {
		t.Fatal(err)
	}
	mixed, err := Mixed()
	if err != nil {
		t.Fatal(err)
	}
	for _, traffic := range []*Traffic{mixed, recorded} {
		spans := 0
		for i := range traffic.Requests() {
			now := time.Unix(1_800_000_000, int64(i))
			want, err := traffic.Request(7, i, now)
			if err != nil {
				t.Fatal(err)
			}
			encoded, err := traffic.Encoded(i)
			if err != nil {
				t.Fatal(err)
			}
			encoded.Renew(3, now.Add(time.Hour))
			encoded.Renew(7, now)
			got, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(encoded.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			spans += encoded.Spans
			text := func(td ptrace.Traces) string {
				data, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
				if err != nil {
					t.Fatal(err)
				}
				return string(data)
			}
			if text(got) != text(want) {
				t.Fatalf("%s: request %d differs", traffic.Name, i)
			}
		}
		if spans != traffic.Spans {
			t.Errorf("%s: %d spans, not %d", traffic.Name, spans, traffic.Spans)
		}
	}
}
