//! The committed header is the one that the source says.

use std::path::Path;
use std::{env, fs};

#[test]
fn the_committed_header_is_the_generated_one() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(crate_dir.join("cbindgen.toml")).expect("the configuration of cbindgen");
    let bindings = cbindgen::generate_with_config(crate_dir, config).expect("a header");
    let mut generated = Vec::new();
    bindings.write(&mut generated);
    let generated = String::from_utf8(generated).expect("UTF-8");

    let path = crate_dir.join("../../include/fluo.h");
    if env::var_os("FLUO_UPDATE_HEADER").is_some() {
        fs::write(&path, generated).expect("include/fluo.h can be written");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    if committed != generated {
        let line = committed.lines().zip(generated.lines()).take_while(|(a, b)| a == b).count();
        panic!(
            "include/fluo.h differs from the source of fluo-ffi from line {}:\n  committed: {}\n  generated: {}\n\
             write it anew with `make header` (FLUO_UPDATE_HEADER=1 cargo test -p fluo-ffi --test header)",
            line + 1,
            committed.lines().nth(line).unwrap_or("(end of file)"),
            generated.lines().nth(line).unwrap_or("(end of file)"),
        );
    }
}
