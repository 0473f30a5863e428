//! Computes the build id: a hash over everything that decides what the archive contains.
//!
//! A host whose build system caches linked archives (Go's does) compares the id it was built against with the id of the archive it
//! runs with. So equal content must give equal ids in any directory, and any change of content another id.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use sha2::{Digest, Sha256};

/// Hexadecimal digits of the build id.
const ID_DIGITS: usize = 32;

/// What the archive is made of, relative to the workspace.
const SOURCES: [&str; 9] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust/fluo-lang/Cargo.toml",
    "rust/fluo-lang/src",
    "rust/fluo-engine/Cargo.toml",
    "rust/fluo-engine/src",
    "rust/fluo-ffi/Cargo.toml",
    "rust/fluo-ffi/build.rs",
    "rust/fluo-ffi/src",
];

/// What decides, beside the sources, what the compiler makes of them.
const SETTINGS: [&str; 7] =
    ["PROFILE", "OPT_LEVEL", "DEBUG", "TARGET", "CARGO_ENCODED_RUSTFLAGS", "CARGO_FEATURE_FAULTS", "FLUO_BUILD_SALT"];

fn main() -> Result<(), Box<dyn Error>> {
    let crate_dir = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let workspace = crate_dir.ancestors().nth(2).ok_or("the crate lies outside its workspace")?;

    let mut hash = Sha256::new();
    for source in SOURCES {
        let path = workspace.join(source);
        println!("cargo::rerun-if-changed={}", path.display());
        for file in files_below(&path)? {
            field(&mut hash, file.strip_prefix(workspace)?.to_string_lossy().as_bytes());
            field(&mut hash, &fs::read(&file)?);
        }
    }
    println!("cargo::rerun-if-env-changed=FLUO_BUILD_SALT");
    for setting in SETTINGS {
        field(&mut hash, env::var(setting).unwrap_or_default().as_bytes());
    }
    field(&mut hash, &Command::new(env::var("RUSTC")?).arg("--version").output()?.stdout);

    let mut id: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    id.truncate(ID_DIGITS);
    println!("cargo::rustc-env=FLUO_BUILD_ID={id}");
    Ok(())
}

/// Adds one field so that no two different sequences of fields hash alike.
fn field(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// The file, or every file below the directory, sorted.
fn files_below(path: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries: Vec<PathBuf> =
        fs::read_dir(path).map_err(|e| format!("`{}`: {e}", path.display()))?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        files.extend(files_below(&entry)?);
    }
    Ok(files)
}
