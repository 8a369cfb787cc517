//! Wrong files: each is refused with a message that helps, kept beside it as a text file.
//!
//! `JANUS_WRITE_SNAPSHOTS=1 cargo test -p rules --test wrong` writes the messages anew.

use std::path::{Path, PathBuf};

use rules::{RuleSet, RulesError};

fn wrong_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ltn"))
        .collect();
    files.sort();
    files
}

fn message(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let name = path.file_name().expect("a name").to_string_lossy();
    match RuleSet::compile(&name, &text) {
        Ok(_) => panic!("{name} is taken for sound"),
        Err(RulesError::Invalid(report)) => format!("{report}\n\n{}", report.render()),
    }
}

#[test]
fn each_wrong_file_gives_its_message() {
    let write = std::env::var_os("JANUS_WRITE_SNAPSHOTS").is_some();
    let files = wrong_files();
    assert!(files.len() >= 30, "{} wrong files", files.len());
    let mut differing = Vec::new();
    for path in &files {
        let (told, kept) = (message(path), path.with_extension("txt"));
        if write {
            std::fs::write(&kept, &told).unwrap_or_else(|e| panic!("{}: {e}", kept.display()));
        } else if std::fs::read_to_string(&kept).ok().as_ref() != Some(&told) {
            differing.push(format!("{}:\n{told}", kept.display()));
        }
    }
    assert!(differing.is_empty(), "JANUS_WRITE_SNAPSHOTS=1 writes them anew:\n{}", differing.join("\n"));
}

#[test]
fn all_errors_of_a_file_are_told_in_order() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong/several_errors.ltn"))
            .expect("a file");
    let Err(RulesError::Invalid(report)) = RuleSet::compile("several_errors.ltn", &text) else {
        panic!("it is taken for sound");
    };
    let places: Vec<(usize, usize)> =
        report.diagnostics.iter().map(|d| report.position(d.span.start)).collect();
    assert_eq!(places.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3, 4, 4]);
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let text = "# nothing but comments\n".repeat(20_000);
    let error = RuleSet::compile("long.ltn", &text).expect_err("too long").to_string();
    assert!(error.contains("at most 262144 are read"), "{error}");
}
