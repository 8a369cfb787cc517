//! Which threads give way to the others.

/// How much less of the machine a thread has that gives way: as `nice` counts.
const NICE: i32 = 10;

/// Has the calling thread, and those that it starts, give way to every other: it does nothing that an order
/// waits for.
pub fn give_way() {
    // of this thread alone, as Linux counts; a system that refuses only loses the preference
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}
