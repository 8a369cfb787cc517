//! Where a live feed comes from.

use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::{SocketAddr as UnixAddress, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::counters::Counters;
use crate::failure::Failure;

/// How often a thread that reads looks whether anybody still listens.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// A socket of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// Whether a feed cannot be read again: a socket, or standard input.
pub fn is_live(feed: &str) -> bool {
    feed == "-" || feed.starts_with("unix:") || feed.starts_with("tcp:")
}

impl Endpoint {
    /// The socket that a feed names; none where it names a file.
    pub(super) fn parse(feed: &str) -> Result<Option<Self>, Failure> {
        let bad = |what: &str| Err(Failure::Input(format!("{feed}: {what}")));
        if let Some(path) = feed.strip_prefix("unix:") {
            let is_address = !path.is_empty() && UnixAddress::from_pathname(path).is_ok();
            return if is_address {
                Ok(Some(Self::Unix(path.into())))
            } else {
                bad("a path of 1 to about 100 bytes names a socket; give a shorter one")
            };
        }
        if !feed.starts_with("tcp:") {
            return Ok(None);
        }
        match feed.strip_prefix("tcp://").and_then(|address| address.parse::<SocketAddr>().ok()) {
            Some(address) if address.ip().is_loopback() => Ok(Some(Self::Tcp(address))),
            Some(_) => bad(
                "only this machine's own addresses are read; run a relay here that fetches the feed, and give tcp://127.0.0.1:PORT",
            ),
            None => bad("is no address; give tcp://127.0.0.1:PORT"),
        }
    }

    /// Connects; the stream ends when nobody listens any more.
    pub(super) fn connect(&self, counters: &Arc<Counters>) -> io::Result<Box<dyn Read + Send>> {
        let counters = Arc::clone(counters);
        Ok(match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(LOOK_EVERY))?;
                Box::new(Patient { stream, counters })
            }
            Self::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, CONNECT_WITHIN)?;
                stream.set_read_timeout(Some(LOOK_EVERY))?;
                Box::new(Patient { stream, counters })
            }
        })
    }
}

/// A stream that may be silent for as long as somebody listens.
struct Patient<S> {
    stream: S,
    counters: Arc<Counters>,
}

impl<S: Read> Read for Patient<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(out) {
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if self.counters.is_stopped() {
                        return Ok(0);
                    }
                }
                read => return read,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_a_file_or_a_socket_of_this_machine() {
        let parsed = |feed: &str| Endpoint::parse(feed).expect("a feed");
        assert_eq!(parsed("data/session"), None);
        assert_eq!(parsed("unix:a/b.sock"), Some(Endpoint::Unix("a/b.sock".into())));
        for address in ["127.0.0.1:4000", "127.9.9.9:1", "[::1]:4000"] {
            let want = Endpoint::Tcp(address.parse().expect("an address"));
            assert_eq!(parsed(&format!("tcp://{address}")), Some(want));
        }
        for (feed, what) in [
            ("tcp://10.0.0.1:4000", "run a relay here"),
            ("tcp://0.0.0.0:4000", "run a relay here"),
            ("tcp://[::]:4000", "run a relay here"),
            ("tcp://example.org:4000", "is no address"),
            ("tcp:127.0.0.1:4000", "is no address"),
            ("tcp://127.0.0.1", "is no address"),
            ("unix:", "names a socket"),
        ] {
            let failure = Endpoint::parse(feed).expect_err("refused");
            assert!(matches!(&failure, Failure::Input(text) if text.contains(what)), "{failure}");
        }
        let long = format!("unix:{}", "x".repeat(200));
        assert!(Endpoint::parse(&long).is_err());
    }

    #[test]
    fn sockets_and_standard_input_are_live() {
        assert!(["-", "unix:a", "tcp://127.0.0.1:1"].into_iter().all(is_live));
        assert!(!["a.csv", "data/session", "-x"].into_iter().any(is_live));
    }
}
