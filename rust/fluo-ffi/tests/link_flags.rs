//! The system libraries that a program needs beside the archive. Hosts write them down (the Go module in its `#cgo` lines), so a
//! change of dependencies that adds one has to be seen.

use std::collections::BTreeSet;
use std::process::Command;

/// What hosts link on Linux with glibc. Some dependencies name a library again.
const EXPECTED: &str = "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc";

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn the_archive_needs_the_libraries_that_hosts_link() {
    let output = Command::new(env!("CARGO"))
        .args(["rustc", "--quiet", "--offline", "--color", "never", "--package", "fluo-ffi", "--lib", "--crate-type", "staticlib"])
        .args(["--", "--print", "native-static-libs"])
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let needed = said.lines().find_map(|line| line.strip_prefix("note: native-static-libs: ")).unwrap_or_else(|| panic!("{said}"));
    let names = |list: &str| list.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(names(needed), names(EXPECTED), "{needed}");
}
