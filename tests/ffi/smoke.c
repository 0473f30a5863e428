/*
 * Drives the archive from C, as a host would. Each CHECK is a line of its own when it fails; the last line counts them.
 * Run with the argument `over-read`, it reads one byte too many inside the library and must not come back from that.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fluo.h"
#include "otlp.h"

static int passed, failed;

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (condition) {                                                       \
      passed++;                                                            \
    } else {                                                               \
      failed++;                                                            \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                      \
  } while (0)

#define SECOND UINT64_C(1000000000)
#define START (UINT64_C(1700000000) * SECOND)
#define SETTLED (START + 11 * SECOND)

static const char PAYMENT[] =
    "{\"sources\":[{\"name\":\"payment.yml\",\"text\":\"- name: payment-needs-fraud-check\\n"
    "  always: trace.has(payment.charge_card) and trace.has(payment.fraud_check)\\n\"}]}";
static const char BROKEN[] =
    "{\"sources\":[{\"name\":\"broken.yml\",\"text\":\"- name: half-a-rule\\n  always: trace.has(\\n\"},"
    "{\"name\":\"rules\",\"inline\":[{\"name\":\"no-such-method\",\"never\":\"trace.spans.tally() > 3\"}]}]}";
static const char OTHER[] =
    "{\"sources\":[{\"name\":\"rules\",\"inline\":[{\"name\":\"large-order\",\"never\":"
    "\"trace.spans.where(order.lines > 100).count() > 0\"}]}]}";

static const uint8_t *bytes_of(const char *text) { return (const uint8_t *)text; }

/* Whether the buffer contains the text. */
static bool holds(const fluo_buffer *buffer, const char *text) {
  size_t length = strlen(text);
  for (size_t at = 0; at + length <= buffer->len; at++) {
    if (memcmp(buffer->data + at, text, length) == 0) return true;
  }
  return false;
}

static fluo_ruleset *compile(const char *sources) {
  fluo_ruleset *rules = NULL;
  fluo_buffer diagnostics = {0};
  fluo_status status = fluo_ruleset_compile(bytes_of(sources), strlen(sources), &rules, &diagnostics);
  CHECK(status == FLUO_STATUS_OK);
  if (status != FLUO_STATUS_OK) {
    fprintf(stderr, "%.*s\n", (int)diagnostics.len, (const char *)diagnostics.data);
    exit(1);
  }
  CHECK(holds(&diagnostics, "\"rules\":1"));
  fluo_buffer_free(&diagnostics);
  return rules;
}

static fluo_engine *engine_of(const char *sources, const char *config) {
  fluo_ruleset *rules = compile(sources);
  fluo_engine *engine = NULL;
  fluo_buffer error = {0};
  CHECK(fluo_engine_new(rules, bytes_of(config), strlen(config), START, &engine, &error) == FLUO_STATUS_OK);
  CHECK(engine != NULL && error.data == NULL);
  fluo_ruleset_free(rules);
  return engine;
}

/* Makes the message in memory of exactly its size, so that a sanitizer sees every byte read beyond it. */
static fluo_status ingest(const fluo_engine *engine, uint64_t epoch, const otlp *message, fluo_ingest_result *result) {
  uint8_t *exact = malloc(message->len > 0 ? message->len : 1);
  if (exact == NULL) exit(1);
  memcpy(exact, message->data, message->len);
  *result = (fluo_ingest_result){.size = sizeof *result};
  fluo_status status = fluo_engine_ingest(engine, FLUO_KIND_TRACES, epoch, START, exact, message->len, result);
  free(exact);
  return status;
}

static fluo_ingest_result tick(const fluo_engine *engine, uint64_t now) {
  fluo_ingest_result result = {.size = sizeof result};
  CHECK(fluo_engine_tick(engine, now, &result) == FLUO_STATUS_OK);
  return result;
}

static fluo_drain_result drain(const fluo_engine *engine, uint32_t form, fluo_buffer *out) {
  fluo_drain_result result = {.size = sizeof result};
  CHECK(fluo_engine_drain(engine, form, SETTLED, 100, out, &result) == FLUO_STATUS_OK);
  return result;
}

/* A trace that charges a card. */
static otlp charge(uint8_t trace, bool checked) {
  static const char *const with[] = {"checkout", "payment.charge_card", "payment.fraud_check"};
  return otlp_trace(trace, with, checked ? 3 : 2, START - SECOND);
}

static void versions(void) {
  CHECK(fluo_abi_version() == FLUO_ABI_VERSION);
  CHECK(strlen(fluo_build_id()) == 32);
}

static void broken_rules(void) {
  fluo_ruleset *rules = (fluo_ruleset *)&rules;
  fluo_buffer diagnostics = {0};
  CHECK(fluo_ruleset_compile(bytes_of(BROKEN), strlen(BROKEN), &rules, &diagnostics) == FLUO_STATUS_INVALID_RULES);
  CHECK(rules == NULL);
  CHECK(holds(&diagnostics, "half-a-rule") && holds(&diagnostics, "no-such-method"));
  CHECK(holds(&diagnostics, "broken.yml") && holds(&diagnostics, "\"rendered\":"));
  fluo_buffer_free(&diagnostics);
  CHECK(diagnostics.data == NULL && diagnostics.len == 0 && diagnostics.cap == 0);

  CHECK(fluo_ruleset_compile(bytes_of("?"), 1, &rules, &diagnostics) == FLUO_STATUS_INVALID_ARGUMENT);
  CHECK(holds(&diagnostics, "cannot be read"));
  fluo_buffer_free(&diagnostics);
}

static void payment(void) {
  fluo_engine *engine = engine_of(PAYMENT, "{\"resource\":{\"deployment.environment\":\"test\"}}");
  fluo_ingest_result result;
  otlp bad = charge(1, false), good = charge(2, true);
  CHECK(ingest(engine, 0, &bad, &result) == FLUO_STATUS_OK);
  CHECK(result.spans == 2 && result.spans_selected == 1 && result.signals_pending == 0);
  CHECK(ingest(engine, 0, &good, &result) == FLUO_STATUS_OK);
  CHECK(result.spans == 3 && result.spans_selected == 2 && result.spans_rejected == 0);
  CHECK(tick(engine, START + SECOND).signals_pending == 0);
  CHECK(tick(engine, SETTLED).signals_pending == 1);

  fluo_buffer logs = {0};
  fluo_drain_result drained = drain(engine, FLUO_FORM_LOGS, &logs);
  CHECK(drained.signals == 1 && drained.more == 0);
  CHECK(holds(&logs, "payment-needs-fraud-check") && holds(&logs, "fluo.violation"));
  CHECK(holds(&logs, "deployment.environment"));
  fluo_buffer_free(&logs);
  drained = drain(engine, FLUO_FORM_LOGS, &logs);
  CHECK(drained.signals == 0 && drained.more == 0 && logs.data == NULL && logs.len == 0);

  fluo_buffer stats = {0};
  CHECK(fluo_engine_stats(engine, &stats) == FLUO_STATUS_OK);
  CHECK(holds(&stats, "\"spans_received\":5") && holds(&stats, "\"violated\":1") && holds(&stats, "\"satisfied\":1"));
  CHECK(fluo_engine_stats(engine, &stats) == FLUO_STATUS_INVALID_ARGUMENT);
  fluo_buffer_free(&stats);
  fluo_engine_free(engine);

  engine = engine_of(PAYMENT, "");
  CHECK(ingest(engine, 0, &good, &result) == FLUO_STATUS_OK);
  CHECK(tick(engine, SETTLED).signals_pending == 0);
  drained = drain(engine, FLUO_FORM_LOGS, &logs);
  CHECK(drained.signals == 0 && logs.data == NULL);

  otlp third = charge(3, false);
  CHECK(ingest(engine, 0, &third, &result) == FLUO_STATUS_OK);
  CHECK(tick(engine, SETTLED + 11 * SECOND).signals_pending == 1);
  drained = drain(engine, FLUO_FORM_SPANS, &logs);
  CHECK(drained.signals == 1 && holds(&logs, "payment-needs-fraud-check"));
  fluo_buffer_free(&logs);
  fluo_engine_free(engine);
}

static uint64_t epoch_of(const fluo_engine *engine) {
  fluo_buffer json = {0};
  CHECK(fluo_engine_projection(engine, &json) == FLUO_STATUS_OK);
  CHECK(holds(&json, "\"epoch\":"));
  fluo_buffer_free(&json);
  return tick(engine, START).epoch;
}

static void swap(void) {
  fluo_engine *engine = engine_of(PAYMENT, "{}");
  fluo_ingest_result result;
  otlp message = charge(1, false), second = charge(2, true);
  uint64_t old = epoch_of(engine);
  CHECK(old != 0);
  CHECK(ingest(engine, old, &message, &result) == FLUO_STATUS_OK);

  fluo_ruleset *rules = compile(OTHER);
  CHECK(fluo_engine_swap(engine, rules, START, NULL) == FLUO_STATUS_OK);
  fluo_ruleset_free(rules);
  uint64_t fresh = epoch_of(engine);
  CHECK(fresh != old);
  CHECK(ingest(engine, old, &second, &result) == FLUO_STATUS_STALE_PROJECTION);
  CHECK(ingest(engine, fresh, &second, &result) == FLUO_STATUS_OK && result.spans == 3);
  CHECK(ingest(engine, 0, &second, &result) == FLUO_STATUS_OK && result.spans == 3);

  CHECK(tick(engine, SETTLED).signals_pending == 1);
  fluo_buffer logs = {0};
  CHECK(drain(engine, FLUO_FORM_LOGS, &logs).signals == 1);
  CHECK(holds(&logs, "payment-needs-fraud-check"));
  fluo_buffer_free(&logs);
  fluo_engine_free(engine);
}

static void bad_arguments(void) {
  fluo_engine *engine = engine_of(PAYMENT, "{}");
  fluo_ingest_result result = {.size = sizeof result};
  fluo_drain_result drained = {.size = sizeof drained};
  fluo_buffer buffer = {0};
  fluo_engine *none = NULL;
  CHECK(fluo_engine_new(NULL, NULL, 0, START, &none, &buffer) == FLUO_STATUS_INVALID_ARGUMENT);
  CHECK(fluo_engine_ingest(NULL, FLUO_KIND_TRACES, 0, START, NULL, 0, &result) == FLUO_STATUS_INVALID_ARGUMENT);
  CHECK(fluo_engine_ingest(engine, FLUO_KIND_TRACES, 0, START, NULL, 1, &result) == FLUO_STATUS_INVALID_ARGUMENT);
  CHECK(fluo_engine_ingest(engine, FLUO_KIND_TRACES, 0, START, NULL, 0, NULL) == FLUO_STATUS_INVALID_ARGUMENT);
  CHECK(fluo_engine_ingest(engine, 99, 0, START, NULL, 0, &result) == FLUO_STATUS_INVALID_ARGUMENT);
  CHECK(fluo_engine_ingest(engine, FLUO_KIND_TRACES, 0, START, NULL, 0, &result) == FLUO_STATUS_OK);
  CHECK(fluo_engine_drain(engine, 99, START, 1, &buffer, &drained) == FLUO_STATUS_INVALID_ARGUMENT);
  result.size = sizeof result.size;
  CHECK(fluo_engine_tick(engine, START, &result) == FLUO_STATUS_INVALID_ARGUMENT);

  fluo_ruleset *rules = compile(PAYMENT);
  CHECK(fluo_engine_new(rules, bytes_of("{\"settel\":1}"), 12, START, &none, &buffer) == FLUO_STATUS_INVALID_CONFIG);
  CHECK(none == NULL && holds(&buffer, "settel"));
  fluo_buffer_free(&buffer);
  fluo_ruleset_free(rules);

  result.size = sizeof result;
  CHECK(fluo_engine_flush(engine, START, &result) == FLUO_STATUS_OK);
  otlp message = charge(1, false);
  CHECK(ingest(engine, 0, &message, &result) == FLUO_STATUS_CLOSED);
  fluo_engine_free(engine);
  fluo_engine_free(NULL);
  fluo_ruleset_free(NULL);
  fluo_buffer_free(NULL);
}

/* Every prefix of a message, every byte of it replaced, and a broken outermost frame. */
static void malformed(void) {
  fluo_engine *engine = engine_of(PAYMENT, "{}");
  fluo_ingest_result result;
  otlp message = charge(1, true);
  int answers = 0, expected = 0;
  for (size_t length = 0; length < message.len; length++) {
    otlp cut = message;
    cut.len = length;
    fluo_status status = ingest(engine, 0, &cut, &result);
    answers += status == FLUO_STATUS_OK || status == FLUO_STATUS_INVALID_OTLP;
    expected++;
  }
  for (size_t at = 0; at < message.len; at++) {
    static const uint8_t values[] = {0x00, 0x07, 0x7f, 0x80, 0xff};
    for (size_t value = 0; value < sizeof values; value++) {
      otlp changed = message;
      changed.data[at] = values[value];
      fluo_status status = ingest(engine, 0, &changed, &result);
      answers += status == FLUO_STATUS_OK || status == FLUO_STATUS_INVALID_OTLP;
      expected++;
    }
  }
  CHECK(answers == expected);

  otlp trailing = charge(9, true);
  otlp_raw(&trailing, "\x0a\xff\x7f", 3);
  CHECK(ingest(engine, 0, &trailing, &result) == FLUO_STATUS_INVALID_OTLP);
  CHECK(result.spans == 3 && result.frames_rejected == 1);
  fluo_engine_free(engine);
}

#if defined(FLUO_FAULTS)
static void poison(void) {
  fluo_engine *engine = engine_of(PAYMENT, "{\"fault_panic_on_span\":\"checkout\"}");
  fluo_engine *healthy = engine_of(PAYMENT, "{}");
  fluo_ingest_result result = {.size = sizeof result};
  fluo_buffer buffer = {0};
  otlp message = charge(1, true);
  CHECK(ingest(engine, 0, &message, &result) == FLUO_STATUS_PANIC);
  CHECK(ingest(engine, 0, &message, &result) == FLUO_STATUS_POISONED);
  CHECK(fluo_engine_tick(engine, START, &result) == FLUO_STATUS_POISONED);
  CHECK(fluo_engine_flush(engine, START, &result) == FLUO_STATUS_POISONED);
  CHECK(fluo_engine_stats(engine, &buffer) == FLUO_STATUS_POISONED);
  CHECK(fluo_engine_projection(engine, &buffer) == FLUO_STATUS_POISONED);
  CHECK(buffer.data == NULL);
  CHECK(ingest(healthy, 0, &message, &result) == FLUO_STATUS_OK && result.spans == 3);
  CHECK(fluo_engine_live_count() == 2);
  fluo_engine_free(engine);
  fluo_engine_free(healthy);
}
#endif

int main(int argc, char **argv) {
#if defined(FLUO_FAULTS)
  if (argc > 1 && strcmp(argv[1], "over-read") == 0) {
    uint8_t *data = malloc(16);
    if (data == NULL) return 1;
    memset(data, 1, 16);
    printf("read past the end: %u\n", fluo_fault_over_read(data, 16));
    free(data);
    return 0;
  }
#endif
  (void)argc;
  (void)argv;
  versions();
  CHECK(fluo_engine_live_count() == 0);
  broken_rules();
  payment();
  swap();
  bad_arguments();
  malformed();
#if defined(FLUO_FAULTS)
  poison();
#endif
  CHECK(fluo_engine_live_count() == 0);
  printf("smoke: %d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
