/*
 * Fluo: an engine that checks rules over OpenTelemetry spans.
 *
 * Serialized OTLP goes in, serialized OTLP comes out; rules, configuration and statistics cross as JSON. A host compiles rules
 * (fluo_ruleset_compile), makes an engine (fluo_engine_new), feeds it messages (fluo_engine_ingest) and the time (fluo_engine_tick),
 * and takes the signals (fluo_engine_drain).
 *
 * These hold for every function:
 *
 * Threads. There are no globals but one counter, no thread-local state, no callbacks, and no threads of the library's own. Every
 * function may be called from any thread, and handles may move between threads. Any number of calls on one engine or one rule set
 * may run at once, except that the function that frees it must come last.
 *
 * Ownership. Bytes passed in are borrowed until the call returns. Handles and buffers passed out belong to the caller, who gives
 * each back once with the function named for it. Handles do not depend on each other: they may be freed in any order.
 *
 * Errors. A function that can fail answers a fluo_status. NULL and arguments out of range are answered with
 * FLUO_STATUS_INVALID_ARGUMENT before anything is done; pointers that are neither NULL nor good are beyond what can be checked. Text
 * about an error goes into a buffer of the caller. A defect of the library (a Rust panic) never unwinds into the caller: the call
 * answers FLUO_STATUS_PANIC, the text of the panic is on standard error, and the engine in question answers FLUO_STATUS_POISONED
 * from then on. It can and should still be freed.
 *
 * Versions. Compare fluo_abi_version() with FLUO_ABI_VERSION before any other call. Numbers never change their meaning; structs
 * that can grow begin with their size; JSON that the library writes may gain keys.
 */

#ifndef FLUO_H
#define FLUO_H

/* Generated from rust/fluo-ffi by `make header`: do not edit. */

#include <stddef.h>
#include <stdint.h>

/**
 * Version of the interface. It changes when a program written for one version could misbehave with the other; adding functions,
 * status numbers, JSON keys or fields at the end of a result struct does not change it.
 */
#define FLUO_ABI_VERSION 1

/**
 * The answer of every function that can fail. The numbers are part of the interface: they are only ever added to.
 */
enum fluo_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Done.
   */
  FLUO_STATUS_OK = 0,
  /**
   * An argument breaks the contract of the function: a null pointer, an unknown number, a struct that is too small, a buffer that
   * is not empty, JSON that cannot be read. Nothing was done.
   */
  FLUO_STATUS_INVALID_ARGUMENT = 1,
  /**
   * The rules have errors; the diagnostics say which. No rule set was made.
   */
  FLUO_STATUS_INVALID_RULES = 2,
  /**
   * The configuration is refused; the error text says why. No engine was made.
   */
  FLUO_STATUS_INVALID_CONFIG = 3,
  /**
   * The message is broken at its outermost level, so a part of it could not even be found. What could be read was applied and is
   * counted in the result: do not send the message again.
   */
  FLUO_STATUS_INVALID_OTLP = 4,
  /**
   * The message was written for another projection. Nothing was applied: read the projection again and write the message once
   * more, or send it whole with epoch 0.
   */
  FLUO_STATUS_STALE_PROJECTION = 5,
  /**
   * The engine was flushed and takes no more spans.
   */
  FLUO_STATUS_CLOSED = 6,
  /**
   * An earlier call on this engine panicked. It does nothing any more and can only be freed.
   */
  FLUO_STATUS_POISONED = 254,
  /**
   * This call panicked, which is a defect of the library. The engine is poisoned from now on; other engines are not affected.
   */
  FLUO_STATUS_PANIC = 255,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum fluo_status fluo_status;
#else
typedef int32_t fluo_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What the bytes given to fluo_engine_ingest() are.
 */
enum fluo_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * A serialized `opentelemetry.proto.trace.v1.TracesData` or `ExportTraceServiceRequest`, which are the same on the wire.
   */
  FLUO_KIND_TRACES = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum fluo_kind fluo_kind;
#else
typedef uint32_t fluo_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How fluo_engine_drain() writes signals.
 */
enum fluo_form
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * A serialized `opentelemetry.proto.logs.v1.LogsData` (as a message the same as `ExportLogsServiceRequest`): a log record for
   * each signal.
   */
  FLUO_FORM_LOGS = 1,
  /**
   * A serialized `opentelemetry.proto.trace.v1.TracesData`: for each signal a span below the deciding one, with a span event.
   */
  FLUO_FORM_SPANS = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum fluo_form fluo_form;
#else
typedef uint32_t fluo_form;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A running engine: a rule set, the open traces and windows, and the signals that wait to be drained.
 *
 * Any number of threads may call functions on one engine at once; only fluo_engine_free() must come after all of them have
 * returned. The engine has no clock and starts no thread: it does something only inside a call, and knows the time only from the
 * `now_unix_nano` of its calls. Times that go back are taken for the latest one seen.
 */
typedef struct fluo_engine fluo_engine;

/**
 * A checked rule set.
 *
 * It never changes, so any number of threads may use it at once, and engines made from it keep what they need: it may be freed
 * while they live.
 */
typedef struct fluo_ruleset fluo_ruleset;

/**
 * Bytes that the library allocated for the caller.
 *
 * The caller declares it zero-initialised (`fluo_buffer b = {0};`) and passes its address; a function that fills it expects all
 * fields to be zero, which keeps it from overwriting bytes that nobody could free any more. `data` is NULL when there are no bytes.
 * The bytes belong to the caller, may be read from any thread, outlive every engine and rule set, and are given back with
 * fluo_buffer_free() and nothing else: not with free(), and not after changing a field. They are not NUL-terminated.
 */
typedef struct fluo_buffer {
  /**
   * First byte, or NULL.
   */
  uint8_t *data;
  /**
   * Bytes to read.
   */
  size_t len;
  /**
   * Bytes allocated; only fluo_buffer_free() needs it.
   */
  size_t cap;
} fluo_buffer;

/**
 * What a call of fluo_engine_ingest(), fluo_engine_tick() or fluo_engine_flush() found and did; the counts are of this call alone.
 */
typedef struct fluo_ingest_result {
  /**
   * Set by the caller to the size of the struct. Later versions of the library may know more fields; they are written only
   * where the caller's struct has room for them.
   */
  size_t size;
  /**
   * Well-formed spans read.
   */
  uint64_t spans;
  /**
   * Spans that at least one selector of a rule picked.
   */
  uint64_t spans_selected;
  /**
   * Malformed spans, each skipped.
   */
  uint64_t spans_rejected;
  /**
   * Malformed frames: the rest of the message that held each was skipped.
   */
  uint64_t frames_rejected;
  /**
   * Spans that Fluo itself had written, skipped.
   */
  uint64_t spans_own;
  /**
   * The projection's current epoch. Where it differs from the one that the next message is being written for, read
   * fluo_engine_projection() again.
   */
  uint64_t epoch;
  /**
   * 1 where signals wait for fluo_engine_drain(), else 0.
   */
  uint8_t signals_pending;
} fluo_ingest_result;

/**
 * What a call of fluo_engine_drain() took.
 */
typedef struct fluo_drain_result {
  /**
   * Set by the caller to the size of the struct, see fluo_ingest_result.
   */
  size_t size;
  /**
   * Signals written.
   */
  uint64_t signals;
  /**
   * 1 where more signals wait, else 0.
   */
  uint8_t more;
} fluo_drain_result;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Answers the FLUO_ABI_VERSION of the library. A host that was compiled with another number must not call anything else.
 */
uint32_t fluo_abi_version(void);

/**
 * Answers the build id of the library: lower-case hexadecimal digits, NUL-terminated, different for archives built from different
 * sources, settings or compilers. Ownership: static text, never freed.
 */
const char *fluo_build_id(void);

/**
 * Compiles rules.
 *
 * `sources_json` is a JSON object `{"sources":[..]}`. A source is either a rule file, `{"name":"rules/payment.yml","text":".."}`, or
 * a list of rules taken from some other configuration, `{"name":"rules","inline":[{"name":"..","never":".."}, ..]}`. Names are used
 * in messages only; nothing is read from disk. All findings of all sources are reported at once.
 *
 * `diagnostics_json` receives, also on success,
 * `{"diagnostics":[{"code":"F0101","severity":"error","message":"..","help":"..","source":"rules/payment.yml","rule":"..","line":3,
 * "column":14,"end_line":3,"end_column":20,"place":"rules/payment.yml:3:14","rendered":".."}, ..],"rules":12,"hash":".."}`: severity
 * `error`, `warning` or `info`; `help` and `rule` may be null; for inline rules the lines are 0, the columns count in the text of the
 * value, and `place` is such as `rules[2].always:14`; `rendered` is text of several lines with a caret; `rules` and `hash` speak of
 * the rule set that was made, and are 0 and "" where none was.
 *
 * Ownership: the bytes stay the caller's. On FLUO_STATUS_OK the caller owns `*out` and gives it back with fluo_ruleset_free();
 * otherwise `*out` is NULL. `diagnostics_json` may be NULL; it must be zero-initialised otherwise and be freed whatever the status
 * is.
 * Threads: any.
 * Errors: FLUO_STATUS_INVALID_RULES; FLUO_STATUS_INVALID_ARGUMENT, where the sources are not such JSON with one diagnostic that
 * says why; FLUO_STATUS_PANIC.
 */
fluo_status fluo_ruleset_compile(const uint8_t *sources_json,
                                 size_t len,
                                 struct fluo_ruleset **out,
                                 struct fluo_buffer *diagnostics_json);

/**
 * Frees a rule set. NULL is allowed. Engines made from it are not affected.
 *
 * Ownership: takes the rule set. Threads: any, but no other call on this rule set may be under way or follow. Errors: none.
 */
void fluo_ruleset_free(struct fluo_ruleset *ruleset);

/**
 * Makes an engine for a rule set.
 *
 * `config_json` is a JSON object; every key is optional and an unknown one is an error. No bytes at all stand for an empty object.
 * The keys with their defaults:
 * - `settle_ns` 10000000000: quiet time after which a trace that misses nothing is complete;
 * - `max_duration_ns` 60000000000: age at which a trace is decided whatever is missing;
 * - `late_grace_ns` 60000000000: time after that in which a late span revises the verdict;
 * - `top_is_root` "age" (or "settle"): when a lone server or consumer span whose parent is missing is taken for the root;
 * - `max_skew_ns` 100000000: difference between clocks that raw comparisons between emitters have to respect;
 * - `allowed_lateness_ns` 30000000000: how far windows over all spans wait behind the event clock;
 * - `memory_bytes` 268435456: bytes that the engine may hold;
 * - `max_traces` 1000000, `max_spans_per_trace` 10000, `max_groups` 100000 (of one rule), `signal_queue_size` 10000;
 * - `max_steps_per_decision` 10000000: looks at spans and pairs of spans that deciding one rule about one trace may take;
 * - `live` false: whether spans come as they are made, so that nothing may be concluded from what a trace lacks that began before
 *   `now_unix_nano`, since whoever stood here before has its spans. A host of live traffic sets it, one of recordings does not;
 * - `resource` {}: attributes, all strings, added to the resource of every signal.
 *
 * `now_unix_nano` is the current time in nanoseconds since the Unix epoch, or the start of the recording in a replay.
 *
 * Ownership: on FLUO_STATUS_OK the caller owns `*out` and gives it back with fluo_engine_free(); otherwise `*out` is NULL. The rule
 * set stays the caller's and may be freed at once. `error` may be NULL; it must be zero-initialised otherwise, receives one line
 * of UTF-8 text on FLUO_STATUS_INVALID_CONFIG and must be freed whatever the status is.
 * Threads: any.
 * Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_INVALID_CONFIG, FLUO_STATUS_PANIC.
 */
fluo_status fluo_engine_new(const struct fluo_ruleset *ruleset,
                            const uint8_t *config_json,
                            size_t config_len,
                            uint64_t now_unix_nano,
                            struct fluo_engine **out,
                            struct fluo_buffer *error);

/**
 * Frees an engine with everything it holds, undrained signals included. NULL is allowed.
 *
 * Ownership: takes the engine. Threads: any, but no other call on this engine may be under way or follow. Works on a poisoned
 * engine too. Errors: none.
 */
void fluo_engine_free(struct fluo_engine *engine);

/**
 * Replaces the rule set. Traces that are open finish under the rules they began with; rules that are equal in both sets keep their
 * windows. The projection's epoch may change, so that messages written for the old one are refused as stale.
 *
 * Ownership: the rule set stays the caller's and may be freed at once. `error` as in fluo_engine_new().
 * Threads: any, also while other threads ingest. Two swaps at once leave the rules of one of them.
 * Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
 */
fluo_status fluo_engine_swap(const struct fluo_engine *engine,
                             const struct fluo_ruleset *ruleset,
                             uint64_t now_unix_nano,
                             struct fluo_buffer *error);

/**
 * Says what the loaded rules read of a span, so that the caller may leave the rest out of the messages it ingests.
 *
 * Writes JSON:
 * `{"epoch":1,"span":{"all":false,"keys":[..]},"resource":{"all":false,"keys":[..]},"scope":{"name":false,"all":false,"keys":[..]},
 * "event":{"carry":false,"all":false,"keys":[..]},"link":{"carry":false,"all":false,"keys":[..]},"status_message":false,"dropped":true}`.
 * A projected message is a valid OTLP message that carries of every span the trace id, span id, parent span id, flags, name, kind,
 * start, end and status code, and beyond that: attributes whose key is listed (any, where `all`); the scope's name where
 * `scope.name`; events with name, time and listed attributes where `event.carry`; links with both ids and listed attributes where
 * `link.carry`; the status message where `status_message`; the dropped counts above zero where `dropped`. Scopes named
 * `github.com/fluo-otel/fluo` are left out whole. Verdicts on projected messages are those on whole ones.
 *
 * Ownership: `out_json` must be zero-initialised and be freed by the caller.
 * Threads: any. Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
 */
fluo_status fluo_engine_projection(const struct fluo_engine *engine,
                                   struct fluo_buffer *out_json);

/**
 * Applies one message.
 *
 * `kind` is a fluo_kind. `epoch` is that of the projection by which the message was written; 0 for a whole message, which is always
 * accepted. `now_unix_nano` is the time of arrival. `data` may be NULL where `len` is 0. Broken bytes never make a call fail as a
 * whole: a bad span loses that span, a bad frame the rest of its parent, and both are counted. No signal leaves inside this call:
 * where the result says so, call fluo_engine_drain() afterwards, from this or another thread.
 *
 * Ownership: the bytes stay the caller's and are not looked at after the call. `out` must not be NULL; its `size` must be set.
 * Threads: any number at once.
 * Errors: FLUO_STATUS_INVALID_OTLP (what could be read was applied and is in the result), FLUO_STATUS_STALE_PROJECTION (nothing
 * was applied), FLUO_STATUS_CLOSED, FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC. The result is written
 * only with FLUO_STATUS_OK and FLUO_STATUS_INVALID_OTLP.
 */
fluo_status fluo_engine_ingest(const struct fluo_engine *engine,
                               uint32_t kind,
                               uint64_t epoch,
                               uint64_t now_unix_nano,
                               const uint8_t *data,
                               size_t len,
                               struct fluo_ingest_result *out);

/**
 * Lets time pass: decides traces that have settled or aged and moves windows on. To be called about every 50 ms, and in a replay
 * after every message.
 *
 * Ownership: `out` as in fluo_engine_ingest(). Threads: any number at once.
 * Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
 */
fluo_status fluo_engine_tick(const struct fluo_engine *engine, uint64_t now_unix_nano, struct fluo_ingest_result *out);

/**
 * Decides every open trace (trigger `shutdown`) and closes the engine: later messages answer FLUO_STATUS_CLOSED. What was decided
 * still has to be drained; the statistics stay readable. Waits for calls under way, so that what they decide is there to be drained.
 *
 * Ownership: `out` as in fluo_engine_ingest(). Threads: any number at once.
 * Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
 */
fluo_status fluo_engine_flush(const struct fluo_engine *engine,
                              uint64_t now_unix_nano,
                              struct fluo_ingest_result *out);

/**
 * Takes signals from the queue, oldest first, and writes them as one OTLP message.
 *
 * `form` is a fluo_form. `now_unix_nano` is the current time; what is written does not depend on it: a signal's observed time is the
 * one at which it was made. At most `max_signals` are taken; the rest waits. Where nothing waits the buffer stays empty, which is a
 * valid message without content. Signals that were taken are gone from the engine: deliver them or count them as lost. Encoding
 * holds up no other call.
 *
 * Ownership: `out` must be zero-initialised and be freed by the caller; `result` as `out` of fluo_engine_ingest().
 * Threads: any number at once; each signal goes to one of them.
 * Errors: FLUO_STATUS_INVALID_ARGUMENT (nothing was taken), FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
 */
fluo_status fluo_engine_drain(const struct fluo_engine *engine,
                              uint32_t form,
                              uint64_t now_unix_nano,
                              uint64_t max_signals,
                              struct fluo_buffer *out,
                              struct fluo_drain_result *result);

/**
 * Writes counters and gauges as JSON.
 *
 * Counters are cumulative since the engine was made: `spans_received`, `spans_selected`, `spans_rejected`, `frames_rejected`,
 * `spans_own`, `spans_duplicate`, `spans_conflicting`, `spans_late`, `spans_bad_time`, `traces_completed`, `traces_evicted`,
 * `spans_over_limit`, `calls_over_limit`, `resources_over_limit`, `decision_steps`, `decisions_over_limit`, `signals_emitted`,
 * `signals_dropped`, `groups_evicted`. Gauges: `traces_open`, `traces_grace`, `bytes_held`,
 * `signals_queued`, `epoch`. Then `ruleset_hash` and `rules`: for each rule its `name`, `severity`, `mode`, and how many verdicts were
 * `satisfied`, `violated`, `not_applicable` and, by reason, `inconclusive`, each counted once, when it is given; and `revisions`, a
 * list of what late spans made of them: `{"from":"violated","from_reason":"","to":"satisfied","to_reason":"","count":1}`. Later
 * versions may add keys.
 *
 * Ownership: `out_json` must be zero-initialised and be freed by the caller.
 * Threads: any. Errors: FLUO_STATUS_INVALID_ARGUMENT, FLUO_STATUS_POISONED, FLUO_STATUS_PANIC.
 */
fluo_status fluo_engine_stats(const struct fluo_engine *engine,
                              struct fluo_buffer *out_json);

/**
 * Answers how many engines are alive in this process, for leak tests. Threads: any.
 */
size_t fluo_engine_live_count(void);

/**
 * Gives the bytes of a buffer back and sets all its fields to zero, after which it can be filled or freed again.
 *
 * Ownership: the bytes are gone; the struct itself stays the caller's. NULL and an empty buffer are allowed and do nothing.
 * Threads: any thread, not necessarily the one that filled the buffer; not two threads on one buffer at once.
 */
void fluo_buffer_free(struct fluo_buffer *buffer);

#if defined(FLUO_FAULTS)
/**
 * Reads the byte one past the end of `data`. An address sanitizer must stop the program here; where none watches, the answer has no
 * meaning.
 */
uint32_t fluo_fault_over_read(const uint8_t *data, size_t len);
#endif

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FLUO_H */
