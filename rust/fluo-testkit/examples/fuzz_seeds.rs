//! What the fuzzers begin with, from the conformance corpus: `make fuzz` writes it.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::io;
use std::path::Path;
use std::process::ExitCode;

use fluo_testkit::case::{self, TestFile};
use fluo_testkit::model::SpanData;
use fluo_testkit::{differential, otlp};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [corpus, target, out] = arguments.as_slice() else {
        eprintln!("usage: fuzz_seeds CORPUS TARGET FOLDER");
        return ExitCode::from(2);
    };
    let files = match case::read_folder(Path::new(corpus)) {
        Ok(files) => files,
        Err(errors) => {
            errors.iter().for_each(|error| eprintln!("{error}"));
            return ExitCode::FAILURE;
        }
    };
    match write(&seeds(&files, &target.to_string_lossy()), Path::new(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", Path::new(out).display());
            ExitCode::FAILURE
        }
    }
}

/// The seeds of a fuzz target: rules, messages, or rules with a trace.
fn seeds(files: &[TestFile], target: &str) -> HashSet<Vec<u8>> {
    let mut seeds = HashSet::new();
    for scenario in files.iter().flat_map(|file| &file.tests).map(|test| &test.scenario) {
        let spans: Vec<SpanData> = scenario.run.batches.iter().flat_map(|batch| batch.spans.clone()).collect();
        for source in &scenario.sources {
            // Rules one by one, so that a trace is judged by a few.
            let rules: Vec<serde_json::Value> = serde_saphyr::from_str(&source.text).unwrap_or_default();
            for rule in rules {
                let text = serde_json::Value::Array(vec![rule]).to_string();
                match target {
                    "rules" => _ = seeds.insert(text.into_bytes()),
                    "differential" => _ = seeds.insert(differential::written(&text, &spans).into_bytes()),
                    _ => {}
                }
            }
        }
        if target == "otlp" {
            let mut seed = vec![128];
            seed.extend(otlp::encode(&spans));
            seeds.insert(seed);
        }
    }
    seeds
}

/// Files named by what they hold.
fn write(seeds: &HashSet<Vec<u8>>, folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    seeds.iter().try_for_each(|seed| std::fs::write(folder.join(format!("{:016x}", hasher.hash_one(seed))), seed))
}
