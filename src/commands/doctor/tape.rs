//! The journal: its tape, its snapshots, and who writes it.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use journal::{Kind, Reader, snapshots};

use super::{Check, Patient};
use crate::control::{self, Answer, Ask, Status};
use crate::summary::grouped;

/// How it stands with the daemon of a journal; none where none answers.
pub(super) fn daemon(dir: &Path) -> Option<Box<Status>> {
    match control::ask(dir, &Ask::Status) {
        Ok(Answer::Status(status)) => Some(status),
        _ => None,
    }
}

/// What is to be said of the journal.
pub(super) fn checks(patient: &Patient) -> Vec<Check> {
    match &patient.tape {
        None => vec![Check::ok("journal", format!("{}: none yet", patient.dir.display()))],
        Some(Err(error)) => vec![Check::error("journal", error), writer(patient)],
        Some(Ok(tape)) => vec![end(patient, tape), newest(patient, tape), writer(patient)],
    }
}

fn end(patient: &Patient, tape: &Reader) -> Check {
    let blocks = tape.headers();
    let last = blocks.last().map(|block| block.header).unwrap_or_default();
    let found = format!("{} blocks, up to input {}", grouped(blocks.len() as u64), last.sequence_last);
    match last.kind {
        _ if patient.daemon.is_some() => Check::ok("journal", format!("{found}; it is being written")),
        Kind::Closed => Check::ok("journal", format!("{found}; closed in order")),
        _ => Check::warn(
            "journal",
            format!("{found}; the process before died"),
            "the next `janus run` rebuilds from it; `janus verify` looks at every bit",
        ),
    }
}

/// The newest snapshot that a restart can begin with.
fn newest(patient: &Patient, tape: &Reader) -> Check {
    let mut known = match snapshots::list_snapshots(&patient.dir) {
        Ok(known) => known,
        Err(error) => return Check::error("snapshots", &error),
    };
    let end = tape.head().map_or(0, |head| head.sequence);
    let mut bad = Vec::new();
    while let Some(snapshot) = known.pop() {
        match snapshots::get_snapshot(&patient.dir, snapshot.sequence, &snapshot.hash) {
            // one that is ahead of the tape is of inputs that were never durable
            Ok(_) if snapshot.sequence > end => {}
            Ok(_) if bad.is_empty() => {
                return Check::ok("snapshots", format!("the newest is behind input {}", snapshot.sequence));
            }
            Ok(_) => {
                let found =
                    format!("the newest usable is behind input {}; {}", snapshot.sequence, bad.join("; "));
                return Check::warn("snapshots", found, "a restart takes longer; the next snapshot mends it");
            }
            Err(error) => bad.push(error.to_string()),
        }
    }
    match bad.is_empty() {
        true => Check::ok("snapshots", "none yet"),
        false => Check::warn(
            "snapshots",
            bad.join("; "),
            "a restart folds the whole tape; the next snapshot mends it",
        ),
    }
}

/// Who writes it: the lock of the system tells whether anybody does, the socket whether he answers.
fn writer(patient: &Patient) -> Check {
    if let Some(status) = &patient.daemon {
        let found = format!("process {}, gate {}", status.pid, status.gate);
        return match status.latch {
            None => Check::ok("daemon", found),
            Some(_) => Check::warn("daemon", found, "`janus arm` lets it trade again when the cause is gone"),
        };
    }
    let path = patient.dir.join("lock");
    // held for a moment, and only where nobody answers: one who starts right now is told that it is taken
    let is_held =
        File::open(&path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
    if !is_held {
        return Check::ok("daemon", "none runs here");
    }
    let owner = fs::read_to_string(&path).unwrap_or_default();
    let found = format!("the journal is being written by process {}, which does not answer", owner.trim());
    Check::fail(
        "daemon",
        found,
        "it starts, or it hangs: look at its log, and end that process if it must be",
    )
}
