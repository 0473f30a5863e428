//! Random rules.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

/// What a predicate may speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The span alone.
    Own,
    /// Its relatives too.
    Relatives,
}

/// The keys of a rule over a trace, from the second on: claim, guard, `on_gap`. Lines are indented by two.
pub fn trace_rule() -> BoxedStrategy<String> {
    // Strategies are made once for each suffix, not for each rule: making one costs more than drawing from it.
    let grouped = BY.map(|by| with_guard(claim(by.to_owned()), 0.2)).to_vec();
    let windowed = WITHIN
        .iter()
        .flat_map(|within| {
            let grouped = BY.iter().map(move |by| (1, comparison(format!("{within}{by}"))));
            std::iter::once((14, comparison((*within).to_owned()))).chain(grouped)
        })
        .map(|(weight, comparison)| (weight, with_guard(comparison, 0.2)))
        .collect();
    prop_oneof![
        6 => with_guard(claim(String::new()), 0.3),
        2 => Union::new(grouped),
        2 => Union::new_weighted(windowed),
    ]
    .boxed()
}

/// A rule over a long trace: what can be told of thousands of spans one by one.
pub fn long_rule() -> BoxedStrategy<String> {
    let own = || prop_oneof![6 => own(), 1 => structural(own()), 1 => above()];
    let set = (own(), select(vec!["", "", "", ".by(u)", ".by(k)", ".within(40ms)"]))
        .prop_map(|(p, suffix)| format!("trace.spans.where({p}){suffix}"));
    let number = select(vec!["count()", "count()", "distinct(u)", "sum(k)", "max(n)", "concurrent()", "longest_run(k)"]);
    let claim = prop_oneof![
        6 => (set.clone(), number, ordering(), prop_oneof![0..6u32, 0..300u32]).prop_map(|(set, number, op, n)| format!("{set}.{number} {op} {n}")),
        1 => (set.clone(), select(vec!["", ".exists()", ".empty()"])).prop_map(|(set, method)| format!("{set}{method}")),
        1 => (set, select(vec!["any", "all", "none"]), own()).prop_map(|(set, quantifier, p)| format!("{set}.{quantifier}({p})")),
        1 => (ordering(), 1..60u32).prop_map(|(op, n)| format!("trace.depth {op} {n}")),
    ];
    with_guard(claim.boxed(), 0.1)
}

/// Rules that claim or forbid one of these, some of them where another holds.
fn with_guard(claim: BoxedStrategy<String>, guarded: f64) -> BoxedStrategy<String> {
    (polarity(), claim.clone(), prop::option::weighted(guarded, claim), gap())
        .prop_map(|(polarity, claim, when, gap)| rule(polarity, &claim, when.as_deref(), gap))
        .boxed()
}

/// A rule over `spans`: a claim about what windows hold.
pub fn stream_rule() -> BoxedStrategy<String> {
    prop_oneof![
        2 => (polarity(), prop::option::weighted(0.5, by()), predicate(Reach::Own), within(), select(vec!["<", "<=", ">", ">="]), 0..5u32)
            .prop_map(|(polarity, by, p, within, op, n)| {
                rule(polarity, &format!("spans.where({p}){within}{}.count() {op} {n}", by.unwrap_or_default()), None, "")
            }),
        1 => (prop::option::weighted(0.5, by()), predicate(Reach::Own), select(vec![("always", "<="), ("never", ">")]), 0..5u32)
            .prop_map(|(by, p, (polarity, op), n)| {
                rule(polarity, &format!("spans.where({p}){}.concurrent() {op} {n}", by.unwrap_or_default()), None, "")
            }),
        5 => prop::option::weighted(0.5, by()).prop_flat_map(|by| {
            let by = by.unwrap_or_default();
            (polarity(), windows(by), prop::option::weighted(0.2, windows(by)))
                .prop_map(|(polarity, claim, when)| rule(polarity, &claim, when.as_deref(), ""))
        }),
    ]
    .boxed()
}

/// A rule over `spans`: a claim about what comes before or after each span of a set.
pub fn sequence_rule() -> BoxedStrategy<String> {
    let filter = prop_oneof![5 => predicate(Reach::Own), 1 => related(predicate(Reach::Own))];
    let set = prop::option::weighted(0.9, filter).prop_map(|p| p.map_or_else(|| "spans".to_owned(), |p| format!("spans.where({p})")));
    let form = select(vec![
        ("always: |\n    ", ".all"),
        ("always: |\n    ", ".none"),
        ("never: |\n    ", ".any"),
        ("always: |\n    not ", ".any"),
        ("never: |\n    ", ".where"),
    ]);
    let claim = related(predicate(Reach::Own)).prop_recursive(2, 6, 3, |inner| {
        let own = predicate(Reach::Own);
        prop_oneof![
            2 => (own.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            1 => (own, inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} implies {b})")),
            1 => inner.clone().prop_map(|a| format!("not ({a})")),
            2 => related(inner),
        ]
    });
    (form, set, claim).prop_map(|((start, method), set, claim)| format!("  {start}{set}{method}({claim})\n")).boxed()
}

/// A timed relation over all spans.
fn related(inner: impl Strategy<Value = String> + Clone + 'static) -> BoxedStrategy<String> {
    let options = (
        select(vec!["k", "k", "u", "service", "service", "name", "[k, service]", "event.n", "attr('*')", "kind", "lower(s)"]),
        select(vec![5, 20, 60, 200]),
        prop::option::weighted(0.3, 2..4u32),
        prop::option::weighted(0.3, prop_oneof![3 => predicate(Reach::Own), 1 => inner.clone()]),
    );
    (select(vec!["preceded_by", "followed_by"]), inner, options)
        .prop_map(|(kind, p, (same, within, least, without))| {
            let least = least.map_or_else(String::new, |n| format!(", at_least={n}"));
            let without = without.map_or_else(String::new, |c| format!(", without={c}"));
            format!("{kind}({p}, within={within}ms, same={same}{least}{without})")
        })
        .boxed()
}

/// A claim about windows whose grouped spansets carry this suffix.
fn windows(by: &'static str) -> BoxedStrategy<String> {
    let set = || {
        // Beside the groups there may be a total.
        let suffix = prop_oneof![7 => Just(by), 1 => Just("")];
        (prop::option::weighted(0.8, predicate(Reach::Own)), within(), suffix).prop_map(|(p, within, suffix)| {
            let filter = p.map_or_else(String::new, |p| format!(".where({p})"));
            format!("spans{filter}{within}{suffix}")
        })
    };
    let leaf = prop_oneof![
        5 => (set(), operator(), 0..4u32).prop_map(|(set, op, n)| format!("{set}.count() {op} {n}")),
        3 => (set(), number(), operator(), 0..5u32).prop_map(|(set, number, op, n)| format!("{set}.{number} {op} {n}")),
        2 => (set(), time(), ordering(), 1..60u32).prop_map(|(set, time, op, n)| format!("{set}.{time} {op} {n}ms")),
        2 => (set(), set(), select(vec!["+", "-", "*", "/"]), operator(), 0..4u32)
            .prop_map(|(a, b, arith, op, n)| format!("{a}.count() {arith} {b}.count() {op} {n}")),
        1 => (set(), operator(), 0..400u32).prop_map(|(set, op, n)| format!("{set}.rate() {op} {n}")),
        1 => (set(), select(vec!["first.k", "last.k", "first.name", "last.u", "last.parent.k"]), operator(), value())
            .prop_map(|(set, field, op, v)| format!("{set}.{field} {op} {v}")),
        1 => (set(), select(vec!["", ".exists()", ".empty()"])).prop_map(|(set, method)| format!("{set}{method}")),
        1 => (set(), select(vec!["any", "all", "none"]), predicate(Reach::Own)).prop_map(|(set, q, p)| format!("{set}.{q}({p})")),
    ];
    leaf.prop_recursive(2, 5, 3, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            1 => inner.prop_map(|a| format!("not ({a})")),
        ]
    })
    .boxed()
}

fn rule(polarity: &str, claim: &str, when: Option<&str>, gap: &str) -> String {
    let line = |key: &str, text: &str| format!("  {key}: |\n    {text}\n");
    format!("{}{}{gap}", line(polarity, claim), when.map_or_else(String::new, |when| line("when", when)))
}

fn polarity() -> impl Strategy<Value = &'static str> {
    select(vec!["always", "never"])
}

fn gap() -> impl Strategy<Value = &'static str> {
    prop_oneof![9 => Just(""), 1 => Just("  on_gap: signal\n")]
}

const BY: [&str; 7] = [".by(k)", ".by(u)", ".by(parent_id)", ".by(service, k)", ".by(shape(s))", ".by(event.n)", ".by(parent.k)"];

/// Over all spans only what a span itself says.
const OWN_BY: &[&str] = BY.split_at(6).0;

const WITHIN: [&str; 4] = [".within(5ms)", ".within(10ms)", ".within(20ms)", ".within(40ms)"];

fn by() -> impl Strategy<Value = &'static str> {
    select(OWN_BY)
}

fn within() -> impl Strategy<Value = &'static str> {
    select(&WITHIN[..])
}

/// A claim whose spansets carry this suffix.
fn claim(suffix: String) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        4 => comparison(suffix.clone()),
        3 => truth(suffix.clone()),
        1 => quantified(suffix.clone()),
        1 => if suffix.is_empty() { whole().boxed() } else { comparison(suffix).boxed() },
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} implies {b})")),
            1 => inner.prop_map(|a| format!("not ({a})")),
        ]
    })
    .boxed()
}

fn truth(suffix: String) -> BoxedStrategy<String> {
    (spanset(), select(vec!["", ".exists()", ".empty()"])).prop_map(move |(set, method)| format!("{set}{suffix}{method}")).boxed()
}

fn quantified(suffix: String) -> BoxedStrategy<String> {
    (spanset(), select(vec!["any", "all", "none"]), predicate(Reach::Relatives))
        .prop_map(move |(set, quantifier, p)| format!("{set}{suffix}.{quantifier}({p})"))
        .boxed()
}

/// What is said of the whole trace.
fn whole() -> BoxedStrategy<String> {
    prop_oneof![
        (operator(), 1..5u32).prop_map(|(op, n)| format!("trace.depth {op} {n}")),
        (ordering(), 1..120u32).prop_map(|(op, n)| format!("trace.duration {op} {n}ms")),
        (operator(), value()).prop_map(|(op, v)| format!("trace.root.k {op} {v}")),
        name().prop_map(|n| format!("trace.root.name == '{n}'")),
    ]
    .boxed()
}

fn comparison(suffix: String) -> BoxedStrategy<String> {
    let other = suffix.clone();
    let windowed = suffix.contains("within");
    prop_oneof![
        6 => (spanset(), number(), operator(), 0..6u32).prop_map({
            let suffix = suffix.clone();
            move |(set, number, op, n)| format!("{set}{suffix}.{number} {op} {n}")
        }),
        2 => (spanset(), time(), ordering(), 1..60u32).prop_map({
            let suffix = suffix.clone();
            move |(set, time, op, n)| format!("{set}{suffix}.{time} {op} {n}ms")
        }),
        1 => (spanset(), select(vec!["first.k", "last.k", "first.name", "last.u", "last.parent.k"]), operator(), value()).prop_map({
            let suffix = suffix.clone();
            move |(set, field, op, v)| format!("{set}{suffix}.{field} {op} {v}")
        }),
        1 => (spanset(), spanset(), select(vec!["+", "-", "*", "/"]), operator(), 0..4u32).prop_map({
            let suffix = suffix.clone();
            move |(a, b, arith, op, n)| format!("{a}{suffix}.count() {arith} {b}{suffix}.count() {op} {n}")
        }),
        1 => (spanset(), select(vec!["k >= 0", "k > 0", "0 <= attr(k)", "k in [1, 2]", "k == 1 and exists(u)"]), operator(), 0..6u32).prop_map({
            let suffix = suffix.clone();
            move |(set, keeps, op, n)| format!("{set}.where({keeps}){suffix}.sum({}) {op} {n}", if keeps.contains("attr") { "attr(k)" } else { "k" })
        }),
        1 => (spanset(), operator(), 0..6u32).prop_map(move |(set, op, n)| {
            let number = if windowed { "rate()" } else { "count()" };
            format!("{set}{other}.{number} {op} {n}")
        }),
    ]
    .boxed()
}

fn operator() -> impl Strategy<Value = &'static str> {
    select(vec!["==", "!=", "<", "<=", ">", ">="])
}

fn ordering() -> impl Strategy<Value = &'static str> {
    select(vec!["<", "<=", ">", ">="])
}

fn number() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        8 => Just("count()"),
        2 => select(vec!["distinct(k)", "distinct(u)", "distinct(k, u)", "distinct(service)", "distinct(event.n)", "distinct(parent.k)"]),
        3 => select(vec!["sum(k)", "min(k)", "max(k)", "avg(k)", "p50(k)", "quantile(k, 0.7)", "sum(event.n)", "max(n)", "sum(parent.k)", "max(root.k)"]),
        2 => select(vec!["concurrent()", "longest_run(k)", "longest_run(name)"]),
    ]
}

fn time() -> impl Strategy<Value = &'static str> {
    select(vec!["sum(duration)", "max(duration)", "min(duration)", "avg(duration)", "p90(duration)"])
}

fn spanset() -> BoxedStrategy<String> {
    let start = predicate(Reach::Relatives).prop_map(|p| format!("trace.spans.where({p})")).boxed();
    prop_oneof![
        8 => start.clone(),
        1 => Just("trace.spans".to_owned()),
        1 => (start.clone(), predicate(Reach::Own)).prop_map(|(set, p)| format!("{set}.where({p})")),
        2 => (start, select(vec!["children", "parents", "descendants", "ancestors"])).prop_map(|(set, axis)| format!("{set}.{axis}")),
    ]
    .boxed()
}

fn predicate(reach: Reach) -> BoxedStrategy<String> {
    let simple = prop_oneof![6 => own(), 2 => if reach == Reach::Own { own().boxed() } else { above().boxed() }];
    simple
        .prop_recursive(2, 6, 3, move |inner| {
            let logic = prop_oneof![
                2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
                2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
                1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} implies {b})")),
                1 => inner.clone().prop_map(|a| format!("not ({a})")),
            ];
            if reach == Reach::Own {
                logic.boxed()
            } else {
                prop_oneof![2 => logic, 1 => structural(inner.clone()), 1 => timed(inner)].boxed()
            }
        })
        .boxed()
}

fn structural(inner: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = String> {
    let kind = select(vec!["has_parent", "has_child", "has_ancestor", "has_descendant", "has_sibling", "overlaps"]);
    (kind, inner, prop::option::weighted(0.2, Just("same=k")), prop::option::weighted(0.2, Just("at_least=2"))).prop_map(
        |(kind, p, same, least)| {
            let options: String = [same, least].into_iter().flatten().map(|option| format!(", {option}")).collect();
            format!("{kind}({p}{options})")
        },
    )
}

fn timed(inner: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = String> {
    let options = (
        prop::option::weighted(0.2, select(vec!["same=k", "same=[k, u]", "same=parent.k"])),
        prop::option::weighted(0.2, Just("at_least=2")),
        prop::option::weighted(0.3, select(vec!["within=1ms", "within=20ms", "within=150ms", "within=1s"])),
    );
    (select(vec!["preceded_by", "followed_by"]), inner.clone(), options, prop::option::weighted(0.2, inner)).prop_map(
        |(kind, p, (same, least, within), without)| {
            let mut options: String = [same, least, within].into_iter().flatten().map(|option| format!(", {option}")).collect();
            options.extend(without.map(|c| format!(", without={c}")));
            format!("{kind}({p}{options})")
        },
    )
}

/// What is read of the parent and the root.
fn above() -> BoxedStrategy<String> {
    prop_oneof![
        (operator(), value()).prop_map(|(op, v)| format!("parent.k {op} {v}")),
        name().prop_map(|n| format!("parent.name == '{n}'")),
        (operator(), value()).prop_map(|(op, v)| format!("root.k {op} {v}")),
        Just("service != parent.service".to_owned()),
        Just("exists(parent.u)".to_owned()),
        own(),
    ]
    .boxed()
}

/// What is read of the span itself.
fn own() -> BoxedStrategy<String> {
    prop_oneof![
        6 => name().prop_map(|n| format!("name == '{n}'")),
        1 => select(vec!["pay.x", "'pay.*'", "'*'", "not pay.x"]).prop_map(str::to_owned),
        3 => (key(), operator(), value()).prop_map(|(key, op, v)| format!("{key} {op} {v}")),
        1 => (key(), select(vec!["in", "not in"]), value(), value()).prop_map(|(key, op, a, b)| format!("{key} {op} [{a}, {b}]")),
        1 => (key(), select(vec!["contains", "starts_with", "ends_with", "matches"]), select(vec!["'1'", "'x'", "'tr'"]))
            .prop_map(|(key, op, text)| format!("{key} {op} {text}")),
        1 => key().prop_map(|key| format!("exists({key})")),
        1 => key().prop_map(|key| format!("missing({key})")),
        2 => select(vec!["service == 's1'", "service == 's2'", "kind == client", "kind == server", "kind in [producer, consumer]",
            "status == error", "status != ok", "exists(parent_id)", "missing(service)"]).prop_map(str::to_owned),
        1 => (ordering(), 0..40u32).prop_map(|(op, n)| format!("duration {op} {n}ms")),
        1 => (select(vec!["event('E')", "event('E', n == 1)", "event('*', n > 1)", "link(n == 1)", "event('F', missing(n))"])).prop_map(str::to_owned),
        1 => (select(vec!["lower(s) == 'x'", "extract(s, '([0-9]+)') == 1", "coalesce(k, u, 0) == 1", "k + 1 == 2", "k * 2 > n", "shape(s) == '?'",
            "k == attr(u)", "k / n == 2", "k % 2 == 0"])).prop_map(str::to_owned),
    ]
    .boxed()
}

fn name() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "c", "pay.x"])
}

fn key() -> impl Strategy<Value = &'static str> {
    select(vec!["k", "u", "s", "n", "span.k", "resource.k", "event.n", "link.n", "attr('k')", "attr('*')", "http.status_code"])
}

fn value() -> impl Strategy<Value = &'static str> {
    select(vec!["0", "1", "2", "1.5", "'1'", "'x'", "'true'", "'01'"])
}
