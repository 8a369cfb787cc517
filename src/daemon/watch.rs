//! Who looks on while the daemon works.

use journal::Released;
use synapse::{DecisionRecord, Digest, Input};

use super::publish::Publisher;
use crate::blueprint::now_ns;
use crate::brain::Observer;
use crate::latency::Latencies;
use crate::recorder::Recorder;

/// Who looks on: the tape, and how long things took.
pub(super) struct Watch<'a> {
    pub recorder: &'a mut Recorder,
    pub latencies: &'a mut Latencies,
    pub publisher: &'a mut Publisher,
}

impl Observer for Watch<'_> {
    fn admitted(&mut self, input: &Input) {
        self.recorder.admitted(input);
    }

    fn decided(&mut self, record: &DecisionRecord, bytes: &[u8], digest: Digest) {
        self.recorder.decided(record, bytes, digest);
        self.latencies.decided(record.sequence, now_ns());
        self.publisher.decided(record);
    }

    fn released(&mut self, released: &Released) {
        self.recorder.released(released);
        if !released.late {
            self.latencies.released(released.sequence, now_ns());
            self.publisher.released(released.sequence);
        }
    }

    fn folded(&mut self, input: &Input, latched: bool) {
        self.recorder.folded(input, latched);
    }
}
