//! How the regions run.

market::params! {
    /// How the regions run as actors.
    pub struct BrainParams in "brain" {
        /// Threads that the regions' actors share.
        workers: u32 = 2, "threads", 1.0, 64.0;
        /// Inputs that may be on their way through the line; with that many the door waits.
        credits: u32 = 256, "inputs", 1.0, 65_536.0;
        /// A region whose step takes longer hangs: everything is cancelled and the process ends.
        step_limit_ms: u32 = 2_000, "ms", 10.0, 600_000.0;
        /// Every so many inputs one is traced through all regions in the log; 0: none.
        trace_every: u64 = 1_000, "inputs", 0.0, 1e12;
    }
}
