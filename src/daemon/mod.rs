//! The daemon: a brain that runs until it is told to stop, and goes on where it was when it starts
//! again.
//!
//! One thread admits and thinks. Around it are shells: the journal's thread, one thread a feed, one a
//! client of the control socket, one for snapshots, one for a venue.

mod activation;
mod camera;
mod core;
mod desk;
mod faults;
mod heal;
mod live;
mod nights;
mod paced;
mod publish;
mod reflex;
mod standing;
mod start;
mod told;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use market::feed::Format;

use crate::config::Config;
use crate::failure::Failure;
use crate::inbox;
use crate::news;
use crate::policy::Backend;
use crate::venue::Speed;

pub use core::Outcome;
pub use nights::sleep_once;

/// What a daemon is asked for.
#[derive(Debug)]
pub struct Options {
    /// The journal's folder.
    pub dir: PathBuf,
    /// The feeds.
    pub feeds: Vec<String>,
    /// Their format, where it is not to be recognised.
    pub format: Option<Format>,
    /// The configuration; none on a restart that goes on with that of the journal.
    pub config: Option<Config>,
    /// How fast files are read.
    pub speed: Speed,
    /// Headlines beside the feeds.
    pub news: Option<PathBuf>,
    /// The order socket of a venue process.
    pub venue: Option<PathBuf>,
    /// Ends at the end of the feeds.
    pub once: bool,
    /// What runs the policy.
    pub backend: Backend,
    /// Where health and metrics are told over HTTP, if they are.
    pub http: Option<SocketAddr>,
}

impl Options {
    /// The feeds and the headlines, as the manifest names them.
    fn sources(&self) -> Vec<String> {
        news::beside(&self.feeds, self.news.as_deref())
    }

    /// Whether time is the real one: something comes as it happens.
    fn is_real(&self) -> bool {
        self.venue.is_some() || self.feeds.iter().any(|feed| inbox::is_live(feed))
    }
}

/// How long the loop sleeps at most before it looks at signals.
const NAP: Duration = Duration::from_millis(20);

/// Runs a daemon to its end.
///
/// # Errors
/// [`Failure`] where it cannot start, or cannot go on.
pub fn run(options: Options) -> Result<Outcome, Failure> {
    if options.is_real() { live::run(options) } else { paced::run(options) }
}
