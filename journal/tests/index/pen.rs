//! Writes tapes whose blocks are cut where a test wants them.

use std::path::Path;

use journal::disk::RealDisk;
use journal::{Entry, Hash, Head, Manifest, Record, Regime, Tape, codec};

/// The writer of a tape.
pub struct Pen {
    tape: Tape,
    head: Head,
}

impl Pen {
    pub fn create(dir: &Path, run: &str, segment_bytes: u64) -> Self {
        let manifest = Manifest {
            run: run.to_owned(),
            created_ns: 0,
            build: "test".into(),
            regime: Regime::Simulated,
            config: Hash::default(),
            policy: Hash::default(),
            rules: None,
            schemas: None,
            backend: "none".into(),
            cpu: "any".into(),
            instruments: Vec::new(),
            feeds: Vec::new(),
            formats: Vec::new(),
            from_ns: None,
            venue: None,
        };
        let tape = Tape::create(RealDisk, dir, &manifest, segment_bytes).expect("a new tape");
        Self { tape, head: Head::default() }
    }

    /// Writes one block.
    pub fn block(&mut self, records: &[Record]) {
        let mut frames = Vec::new();
        for record in records {
            let bytes;
            let entry = match record {
                Record::Input(input) => {
                    (self.head.sequence, self.head.time_ns) = (input.sequence, input.time.ns());
                    Entry::Input(input)
                }
                Record::Decision(decision) => {
                    bytes = decision.record.to_bytes();
                    Entry::Decision { late: decision.late, bytes: &bytes }
                }
                Record::Released(released) => Entry::Released(released),
                Record::Marker(marker) => Entry::Marker(marker),
                Record::Note(note) => Entry::Note(note),
            };
            codec::frame(entry, &mut frames);
        }
        self.tape.append(&frames, records.len() as u32, self.head).expect("written");
    }

    /// Drops the segments before a block.
    pub fn drop_before(&mut self, block: u64) {
        self.tape.drop_before(block).expect("done").expect("there is something to drop");
    }

    pub fn close(self) {
        self.tape.close(0).expect("closed");
    }
}
