//! Runs the built program in a folder of its own.

use std::process::Command;

use tempfile::TempDir;

/// What a run gave.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A folder with these files.
pub(crate) fn in_folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Runs `fluo` there.
pub(crate) fn fluo(folder: &TempDir, arguments: &[&str]) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_fluo")).args(arguments).current_dir(folder.path()).output().unwrap();
    Done {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
