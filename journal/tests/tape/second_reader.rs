//! A second reader, written in another language from `docs/tape.md` alone, sees the same.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use journal::{FORMAT, Reader};

use crate::format::journal;

/// Runs the second reader; none, said on standard error, where there is no Python.
fn second(dir: &Path) -> Option<Output> {
    let script = support::root().join("tests/tape_reader.py");
    match Command::new("python3").arg(script).arg(dir).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("SKIPPED tape_reader.py: python3: {error}");
            None
        }
    }
}

#[test]
fn a_second_reader_prints_the_same_headers() {
    for format in 1..=FORMAT {
        let Some(output) = second(&journal(format)) else { return };
        let text = String::from_utf8(output.stdout).expect("the fixture is whole");
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let reader = Reader::open(&journal(format)).expect("the fixture is whole");
        let blocks: Vec<&str> = text.lines().filter(|line| !line.starts_with("SKIPPED")).collect();
        assert_eq!(blocks.len(), reader.headers().len(), "{text}");
        for (line, block) in blocks.iter().zip(reader.headers()) {
            let header = &block.header;
            let begin = format!("{} {:>10} block {} ", block.file(), block.offset, header.number);
            let end = format!(
                "epoch {} records {} inputs {} to {} latched {} digest {}",
                header.epoch,
                header.records,
                header.sequence_first,
                header.sequence_last,
                u8::from(header.latched),
                header.digest.to_hex()
            );
            assert!(line.starts_with(&begin) && line.ends_with(&end), "{line}");
        }
    }
}

#[test]
fn a_second_reader_finds_a_flipped_bit() {
    let dir = tempfile::tempdir().expect("the fixture is whole");
    let file = "tape/0000000001.seg";
    fs::create_dir(dir.path().join("tape")).expect("the fixture is whole");
    let whole = fs::read(journal(FORMAT).join(file)).expect("the fixture is whole");
    // in the header, in a stamp and in the padding of the second block
    for place in [4096 + 20, 4096 + 511, 8192 - 2] {
        let mut flipped = whole.clone();
        flipped[place] ^= 4;
        fs::write(dir.path().join(file), flipped).expect("the fixture is whole");
        let Some(output) = second(dir.path()) else { return };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.code() == Some(1) && text.contains("0000000001.seg       4096 broken"),
            "{text}"
        );
    }
}
