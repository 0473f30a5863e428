//! `fluo check` and `fluo explain CODE` as a user runs them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail"
)]

mod run;

use run::{fluo, in_folder};
use serde_json::Value;

const GOOD: &str = "- name: slow\n  never: trace.duration > 5s\n";
const BAD: &str = "- name: küche\n  never: trace.duration > 5\n  serverity: error\n";
const WARNS: &str = "- name: named\n  never: trace.has(checkout)\n";

#[test]
fn what_is_right_exits_with_0() {
    let folder = in_folder(&[("rules.yml", GOOD)]);
    let done = fluo(&folder, &["check", "rules.yml"]);
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, "1 file, 1 rule, no errors, no warnings\n", ""));
}

#[test]
fn errors_of_all_files_are_shown_at_once_and_exit_with_1() {
    let folder =
        in_folder(&[("a.yml", BAD), ("b.yml", "- name: [\n"), ("sub/c.yaml", "- name: c\n  nver: x\n"), ("sub/d.test.yml", "nonsense")]);
    for arguments in [&["check", "."][..], &["check", "a.yml", "b.yml", "sub"], &["check", "*.yml", "**/c.yaml"]] {
        let done = fluo(&folder, arguments);
        assert_eq!(done.code, 1, "{}", done.err);
        for part in [
            "a.yml:2:10",
            "error[F0405]",
            "a.yml:3:3",
            "did you mean `severity`?",
            "b.yml:",
            "error[F0001]",
            "c.yaml:2:3",
            "did you mean `never`?",
        ] {
            assert!(done.out.contains(part), "{part} is not in\n{}", done.out);
        }
        assert!(done.out.ends_with("3 files, 4 errors, no warnings\n"), "{}", done.out);
    }
}

#[test]
fn warnings_fail_only_where_they_are_denied() {
    let folder = in_folder(&[("rules.yml", WARNS)]);
    let done = fluo(&folder, &["check", "rules.yml"]);
    assert_eq!(done.code, 0);
    assert!(done.out.contains("warning[F0701]"), "{}", done.out);
    assert!(done.out.ends_with("1 file, 1 rule, no errors, 1 warning\n"), "{}", done.out);
    assert_eq!(fluo(&folder, &["check", "--deny", "warnings", "rules.yml"]).code, 3);
    let folder = in_folder(&[("rules.yml", &format!("{WARNS}{BAD}"))]);
    assert_eq!(fluo(&folder, &["check", "--deny", "warnings", "rules.yml"]).code, 1);
}

#[test]
fn what_cannot_be_read_exits_with_2() {
    let folder = in_folder(&[("rules.yml", GOOD)]);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (arguments, said) in [
        (&["check"][..], "required"),
        (&["check", "--format", "xml", "rules.yml"], "xml"),
        (&["check", "absent.yml"], "absent.yml"),
        (&["check", "nothing-*.yml"], "no rule files in nothing-*.yml"),
        (&["check", "empty"], "no rule files"),
        (&["explain", "F9999"], "F9999"),
    ] {
        let done = fluo(&folder, arguments);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{arguments:?}");
        assert!(done.err.contains(said), "{said} is not in\n{}", done.err);
    }
}

#[test]
fn a_file_that_is_no_utf_8_hides_no_other() {
    let folder = in_folder(&[("rules.yml", BAD)]);
    std::fs::write(folder.path().join("latin.yml"), b"- name: k\xfcche\n").unwrap();
    std::fs::write(folder.path().join("wide.yml"), b"\xff\xfe-\0 \0n\0").unwrap();
    let done = fluo(&folder, &["check", "--format", "json", "."]);
    assert_eq!(done.code, 1);
    let report: Value = serde_json::from_str(&done.out).unwrap();
    let found: Vec<_> = report["diagnostics"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
    assert_eq!(found.iter().filter(|code| **code == "F0013").count(), 2, "{found:?}");
    assert!(found.contains(&"F0405"), "{found:?}");
}

#[test]
fn json_says_the_same() {
    let folder = in_folder(&[("rules.yml", BAD)]);
    let done = fluo(&folder, &["check", "--format", "json", "rules.yml"]);
    assert_eq!(done.code, 1);
    let report: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((report["rules"].as_u64(), report["hash"].as_str()), (Some(0), Some("")));
    let first = &report["diagnostics"][0];
    assert_eq!(first["code"], "F0405");
    assert_eq!((&first["severity"], &first["source"], &first["rule"]), (&"error".into(), &"rules.yml".into(), &"küche".into()));
    assert_eq!((&first["line"], &first["column"], &first["end_column"]), (&2.into(), &10.into(), &28.into()));
    assert_eq!(first["place"], "rules.yml:2:10");
    assert!(first["rendered"].as_str().unwrap().contains("  never: trace.duration > 5"));
    assert_eq!(report["diagnostics"][1]["help"], "did you mean `severity`?");

    let folder = in_folder(&[("rules.yml", GOOD)]);
    let report: Value = serde_json::from_str(&fluo(&folder, &["check", "--format", "json", "rules.yml"]).out).unwrap();
    assert_eq!(report["rules"], 1);
    assert_eq!(report["hash"].as_str().unwrap().len(), 64);
}

#[test]
fn sarif_has_places_that_code_scanning_takes() {
    let folder = in_folder(&[("my rules/ü.yml", BAD)]);
    let done = fluo(&folder, &["check", "--format", "sarif", "my rules"]);
    assert_eq!(done.code, 1);
    let log: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "fluo");
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("# F0"));
        assert_eq!(result["level"], "error");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "my%20rules/%C3%BC.yml");
    }
    let region = &results[0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        [&region["startLine"], &region["startColumn"], &region["endLine"], &region["endColumn"]],
        [&2.into(), &10.into(), &2.into(), &28.into()] as [&Value; 4]
    );
}

#[test]
fn github_gets_one_command_a_finding() {
    let folder = in_folder(&[("a,b.yml", BAD)]);
    let done = fluo(&folder, &["check", "--format", "github", "a,b.yml"]);
    assert_eq!(done.code, 1);
    let lines: Vec<&str> = done.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", done.out);
    assert!(lines[0].starts_with("::error file=a%2Cb.yml,line=2,col=10,endLine=2,endColumn=28,title=F0405::"), "{}", lines[0]);
    assert!(lines[1].ends_with("%0Ain rule `küche`%0Ahelp: did you mean `severity`?"), "{}", lines[1]);
}

#[test]
fn a_code_is_explained_in_either_case() {
    let folder = in_folder(&[]);
    for code in ["F0008", "f0008"] {
        let done = fluo(&folder, &["explain", code]);
        assert_eq!(done.code, 0);
        assert!(done.out.starts_with("# F0008: an expression begins with a YAML tag\n"), "{}", done.out);
    }
}

#[test]
fn what_the_engine_cannot_monitor_is_refused_and_its_page_shows_it() {
    let page = fluo(&in_folder(&[]), &["explain", "F0901"]).out;
    let examples: Vec<&str> = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [wrong, right] = examples[..] else { panic!("{page}") };
    let done = fluo(&in_folder(&[("rules.yml", wrong)]), &["check", "rules.yml"]);
    assert_eq!(done.code, 1);
    assert_eq!(
        done.out,
        "\
error[F0901]: this claim over `spans` cannot be monitored
 --> rules.yml:2:11
  |
2 |   always: spans.where(kind == server).concurrent() <= 50 and spans.where(kind == server).within(1m).count() <= 1000
  |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = note: in rule `load`
  = help: write one rule for each of its parts

error[F0901]: this claim over `spans` cannot be monitored
 --> rules.yml:5:5
  |
5 | /     spans.where(order.charged).all(followed_by(order.captured, within=1h, same=order.id))
6 | |     and spans.where(order.placed).all(followed_by(order.shipped, within=24h, same=order.id))
  | |_____________________________________________________________________________________________^
  |
  = note: in rule `captured`
  = help: relations over `spans` are claimed of each span: `always: spans.where(A).all(R)`, `always: spans.where(A).none(R)` or \
     `never: spans.where(A).any(R)`, one in a rule

1 file, 2 errors, no warnings
"
    );
    assert_eq!(fluo(&in_folder(&[("rules.yml", right)]), &["check", "--deny", "warnings", "rules.yml"]).code, 0);
}

#[test]
fn memory_is_reported_for_each_rule() {
    let folder = in_folder(&[("rules.yml", "- name: pair\n  always: trace.has('a') and trace.spans.where('b').all(has_ancestor('c'))\n")]);
    let done = fluo(&folder, &["check", "--memory", "--max-spans-per-trace", "100", "rules.yml"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    for part in ["pair\n  a trace ", "every span of every trace because of has_ancestor: 40 bytes each", "for a trace of 100 spans\n"] {
        assert!(done.out.contains(part), "{part} is not in\n{}", done.out);
    }
    let done = fluo(&folder, &["check", "--memory", "--format", "json", "rules.yml"]);
    let json: Value = serde_json::from_str(&done.out).unwrap();
    let trace = &json["memory"]["rules"][0]["trace"];
    assert_eq!(trace["kept"]["every_span"], serde_json::json!(["has_ancestor"]));
    assert_eq!((trace["max_spans"].as_u64(), json["memory"]["rules"][0]["rule"].as_str()), (Some(10_000), Some("pair")));
    assert!(trace["at_most_bytes"].as_u64().unwrap() > 560_000);
    assert!(
        serde_json::from_str::<Value>(&fluo(&folder, &["check", "--format", "json", "rules.yml"]).out).unwrap().get("memory").is_none()
    );
}

#[test]
fn what_may_need_more_than_there_is_is_refused_and_its_page_shows_it() {
    let page = fluo(&in_folder(&[]), &["explain", "F0902"]).out;
    let examples: Vec<&str> = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [wrong, right] = examples[..] else { panic!("{page}") };
    let folder = in_folder(&[("wrong.yml", wrong), ("right.yml", right)]);
    let done = fluo(&folder, &["check", "--memory", "wrong.yml"]);
    assert_eq!(done.code, 1);
    assert!(done.out.contains("error[F0902]: one trace may need ") && done.out.contains("and the engine has 256 MiB"), "{}", done.out);
    assert_eq!(fluo(&folder, &["check", "wrong.yml"]).code, 0, "without --memory nothing is promised");
    assert_eq!(fluo(&folder, &["check", "--memory", "--memory-mib", "1024", "wrong.yml"]).code, 0);
    assert_eq!(fluo(&folder, &["check", "--memory", "--deny", "warnings", "right.yml"]).code, 0);
    assert_eq!(fluo(&folder, &["check", "--memory", "--memory-mib", "1", "right.yml"]).code, 1);
}

#[test]
fn what_a_rule_file_holds_cannot_steer_a_terminal() {
    let evil = "\u{202e}\u{2066}\u{200b}";
    let rules = format!(
        "- name: a\r\n  nver{evil}: '{evil}\u{9b}' # \u{7f}\n- name: b\n  always: \"trace.has('\\e[2J{evil}')\"\n  description: \"x\\e{evil}\"\n"
    );
    let name = format!("r{evil}.yml");
    let good = format!("- name: b{}", rules.split_once("- name: b").unwrap().1);
    let folder = in_folder(&[(&name, &rules), ("good.yml", &good)]);
    let is_safe = |text: &str| text.chars().all(|c| c == '\n' || c == '\r' || (!c.is_control() && !evil.contains(c)));
    for arguments in [
        &["check", &name][..],
        &["check", &name, "--format", "json"],
        &["check", &name, "--format", "sarif"],
        &["check", &name, "--format", "github"],
        &["check", "good.yml", "--memory"],
        &["explain", "good.yml"],
        &["explain", &name],
        &["test", &name],
        &["replay", "--rules", &name, "absent"],
        &["replay", "--rules", "good.yml", &name],
    ] {
        let done = fluo(&folder, arguments);
        assert!(is_safe(&done.out), "{arguments:?}: {}", done.out);
        assert!(is_safe(&done.err), "{arguments:?}: {}", done.err);
    }
    let text = fluo(&folder, &["check", &name]).out;
    assert!(text.contains("nver\\u{202e}"), "{text}");
    assert!(text.contains("r\\u{202e}\\u{2066}\\u{200b}.yml:2:3\n"), "{text}");
}
