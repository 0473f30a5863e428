/*
 * Writes OTLP traces by hand, so that the test depends on no protobuf library and controls every byte.
 */
#ifndef FLUO_TEST_OTLP_H
#define FLUO_TEST_OTLP_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct otlp {
  uint8_t data[1024];
  size_t len;
} otlp;

static inline void otlp_raw(otlp *to, const void *bytes, size_t len) {
  if (len > sizeof to->data - to->len) {
    fputs("the message is too long for the test\n", stderr);
    exit(1);
  }
  memcpy(to->data + to->len, bytes, len);
  to->len += len;
}

static inline void otlp_varint(otlp *to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) otlp_raw(to, &(uint8_t){(uint8_t)(value | 0x80)}, 1);
  otlp_raw(to, &(uint8_t){(uint8_t)value}, 1);
}

/* A field of wire type 2: bytes, text, or a message. */
static inline void otlp_field(otlp *to, uint32_t number, const void *bytes, size_t len) {
  otlp_varint(to, number << 3 | 2);
  otlp_varint(to, len);
  otlp_raw(to, bytes, len);
}

static inline void otlp_fixed64(otlp *to, uint32_t number, uint64_t value) {
  otlp_varint(to, number << 3 | 1);
  for (int shift = 0; shift < 64; shift += 8) otlp_raw(to, &(uint8_t){(uint8_t)(value >> shift)}, 1);
}

static inline otlp otlp_span(uint8_t trace, uint8_t number, const char *name, uint64_t start) {
  uint8_t trace_id[16] = {0xf1, [15] = trace}, span_id[8] = {trace, [7] = number}, root_id[8] = {trace, [7] = 1};
  otlp span = {.len = 0};
  otlp_field(&span, 1, trace_id, sizeof trace_id);
  otlp_field(&span, 2, span_id, sizeof span_id);
  if (number > 1) otlp_field(&span, 4, root_id, sizeof root_id);
  otlp_field(&span, 5, name, strlen(name));
  otlp_varint(&span, 6 << 3);
  otlp_varint(&span, 1);
  otlp_fixed64(&span, 7, start + number * UINT64_C(1000));
  otlp_fixed64(&span, 8, start + UINT64_C(500000000) - number * UINT64_C(1000));
  return span;
}

/* A TracesData message with one trace of one service; the first span is the root and the parent of the others. */
static inline otlp otlp_trace(uint8_t trace, const char *const *names, size_t count, uint64_t start) {
  otlp text = {.len = 0}, attribute = {.len = 0}, resource = {.len = 0}, scope_spans = {.len = 0};
  otlp resource_spans = {.len = 0}, traces = {.len = 0};
  otlp_field(&text, 1, "payment", 7);
  otlp_field(&attribute, 1, "service.name", 12);
  otlp_field(&attribute, 2, text.data, text.len);
  otlp_field(&resource, 1, attribute.data, attribute.len);
  for (size_t number = 0; number < count; number++) {
    otlp span = otlp_span(trace, (uint8_t)(number + 1), names[number], start);
    otlp_field(&scope_spans, 2, span.data, span.len);
  }
  otlp_field(&resource_spans, 1, resource.data, resource.len);
  otlp_field(&resource_spans, 2, scope_spans.data, scope_spans.len);
  otlp_field(&traces, 1, resource_spans.data, resource_spans.len);
  return traces;
}

#endif
