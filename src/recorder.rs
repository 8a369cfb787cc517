//! What a run tells the journal: an observer that appends every input, decision and release.

use journal::{Entry, Head, Journal, Marker, Note, Released};
use synapse::{DecisionRecord, Digest, Input, InputKind};

use crate::brain::Observer;

/// The hand that writes for a run.
pub struct Recorder {
    journal: Journal,
    head: Head,
    /// The decisions of the input under way: one whose thought fails has none on the tape.
    decisions: Vec<u8>,
    ends: Vec<(usize, Digest)>,
}

impl Recorder {
    /// One that goes on behind `head`.
    pub const fn new(journal: Journal, head: Head) -> Self {
        Self { journal, head, decisions: Vec::new(), ends: Vec::new() }
    }

    /// The journal.
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Appends a decision that a crash had cut off from its input.
    pub fn late(&mut self, record: &DecisionRecord, bytes: &[u8], late: bool) {
        self.head.digest.push(bytes);
        self.head.latched = record.verdict.latch.is_some();
        self.journal.append(Entry::Decision { late, bytes }, self.head);
    }

    /// Gives the journal back, to be closed.
    pub fn into_journal(self) -> Journal {
        self.journal
    }

    /// Says that the last input is complete: nothing more is decided about it.
    pub fn complete(&self) {
        self.journal.complete(self.head.sequence);
    }

    /// Appends a cut.
    pub fn marker(&mut self, marker: &Marker) {
        self.journal.append(Entry::Marker(marker), self.head);
    }

    /// Appends a note.
    pub fn note(&mut self, note: &Note) {
        self.journal.append(Entry::Note(note), self.head);
    }

    /// Forgets what an input that failed had decided.
    pub fn forget(&mut self) {
        self.decisions.clear();
        self.ends.clear();
    }
}

impl Observer for Recorder {
    fn admitted(&mut self, input: &Input) {
        self.head.sequence = input.sequence;
        self.head.time_ns = input.time.ns();
        self.journal.append(Entry::Input(input), self.head);
    }

    fn decided(&mut self, _record: &DecisionRecord, bytes: &[u8], digest: Digest) {
        self.decisions.extend_from_slice(bytes);
        self.ends.push((self.decisions.len(), digest));
    }

    fn released(&mut self, released: &Released) {
        self.journal.append(Entry::Released(released), self.head);
    }

    fn folded(&mut self, input: &Input, latched: bool) {
        let mut from = 0;
        for &(end, digest) in &self.ends {
            let bytes = &self.decisions[from..end];
            self.head.digest = digest;
            self.journal.append(Entry::Decision { late: false, bytes }, self.head);
            from = end;
        }
        self.head.latched = latched;
        // of an input without decisions the next one says so
        if !self.ends.is_empty() || matches!(input.kind, InputKind::Notice(_)) {
            self.complete();
        }
        self.forget();
    }
}
