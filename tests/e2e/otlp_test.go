//go:build under_load

package e2e

import (
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"time"
)

// Kinds of spans, by their numbers in OTLP.
const (
	internal = 1
	server   = 2
	client   = 3
)

// emitted is a span as a client emits it, in the tests that need more spans
// than a recording has.
type emitted struct {
	trace, id, parent uint64
	name              string
	kind              uint64
	start, end        time.Time
	attributes        [][2]string
}

// export makes a serialized ExportTraceServiceRequest of one service.
func export(service string, all []emitted) string {
	var spans message
	for _, s := range all {
		var one message
		one.bytes(1, string(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, 0xf1), s.trace)))
		one.bytes(2, string(binary.BigEndian.AppendUint64(nil, s.id)))
		if s.parent != 0 {
			one.bytes(4, string(binary.BigEndian.AppendUint64(nil, s.parent)))
		}
		one.bytes(5, s.name)
		one.number(6, s.kind)
		one.fixed(7, uint64(s.start.UnixNano()))
		one.fixed(8, uint64(s.end.UnixNano()))
		for _, a := range s.attributes {
			one.bytes(9, keyValue(a[0], a[1]))
		}
		spans.bytes(2, string(one))
	}
	var resource, ofResource, request message
	resource.bytes(1, keyValue("service.name", service))
	ofResource.bytes(1, string(resource))
	ofResource.bytes(2, string(spans))
	request.bytes(1, string(ofResource))
	return string(request)
}

func keyValue(key, value string) string {
	var text, pair message
	text.bytes(1, value)
	pair.bytes(1, key)
	pair.bytes(2, string(text))
	return string(pair)
}

// message is a protocol buffer under construction.
type message []byte

func (m *message) bytes(field uint64, value string) {
	*m = binary.AppendUvarint(*m, field<<3|2)
	*m = binary.AppendUvarint(*m, uint64(len(value)))
	*m = append(*m, value...)
}

func (m *message) number(field, value uint64) {
	*m = binary.AppendUvarint(*m, field<<3)
	*m = binary.AppendUvarint(*m, value)
}

func (m *message) fixed(field, value uint64) {
	*m = binary.AppendUvarint(*m, field<<3|1)
	*m = binary.LittleEndian.AppendUint64(*m, value)
}

// exporter is one client: its connection is its own.
type exporter struct{ http.Client }

func newExporter() *exporter {
	return &exporter{http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: limit}}
}

// post sends a request to the base URL of a receiver; the status is 0 where
// there was no answer.
func (e *exporter) post(ctx context.Context, endpoint, body string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/v1/traces", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	response, err := e.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
