//! Health and metrics over HTTP: `/healthz`, `/readyz` and `/metrics`, on a thread of their own.
//!
//! It reads what the loop has published and never asks the loop. A connection is bounded in its time and
//! in what it may send, and so is the number of connections.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Sleep;

use crate::failure::Failure;
use crate::metrics::Standing;

/// How many may be connected at once; others wait to be accepted.
const MOST_CONNECTIONS: usize = 16;
/// A connection ends so long after it began, whatever is under way.
const CONNECTION_WITHIN: Duration = Duration::from_secs(10);
/// A connection that has sent more ends.
const MOST_BYTES: usize = 16 << 10;
/// What [`Standing::render`] gives.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers until it is dropped.
#[derive(Debug)]
pub struct Http {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Http {
    /// Answers at an address; port 0 takes one that is free.
    ///
    /// # Errors
    /// [`Failure::Environment`] where it cannot be listened at.
    pub fn start(address: SocketAddr, standing: Arc<Standing>) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::Environment(format!(
                "{address}: {error}; give --http another address, or port 0 for one that is free"
            ))
        };
        let listener = std::net::TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "whoever reaches this address reads health and metrics; 127.0.0.1 is for this machine alone");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let body = move || serve(&runtime, listener, standing, stopped);
        let thread = std::thread::Builder::new().name("http".into()).spawn(body).map_err(failed)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it answers.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // a panic there has been told on standard error
            let _ = thread.join();
        }
    }
}

/// Serves until the other end of `stopped` is gone; connections under way end with it.
fn serve(
    runtime: &Runtime,
    listener: std::net::TcpListener,
    standing: Arc<Standing>,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => Bounded { listener, slots: Arc::new(Semaphore::new(MOST_CONNECTIONS)) },
            Err(error) => return tracing::error!(%error, "health and metrics are not served"),
        };
        let served = axum::serve(listener, router(standing));
        tokio::spawn(served.into_future());
        // it says nothing: it is dropped
        let _ = stopped.await;
    });
}

fn router(standing: Arc<Standing>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(standing)
}

async fn healthz(State(standing): State<Arc<Standing>>) -> impl IntoResponse {
    match standing.is_alive() {
        true => (StatusCode::OK, "alive\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "the loop has not turned for 10 s\n"),
    }
}

async fn readyz(State(standing): State<Arc<Standing>>) -> impl IntoResponse {
    let closed = standing.closed().or_else(|| (!standing.is_alive()).then(|| "the loop stands still".into()));
    match closed {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

async fn metrics(State(standing): State<Arc<Standing>>) -> impl IntoResponse {
    match standing.render() {
        Ok(text) => Ok(([(CONTENT_TYPE, OPEN_METRICS)], text)),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))),
    }
}

/// A listener that accepts while there are slots.
struct Bounded {
    listener: TcpListener,
    slots: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // it is never closed; were it, there would be no bound and still an answer
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let until = Box::pin(tokio::time::sleep(CONNECTION_WITHIN));
        (Connection { stream, until, left: MOST_BYTES, _slot: slot }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with an end in time and in bytes.
struct Connection {
    stream: TcpStream,
    until: Pin<Box<Sleep>>,
    left: usize,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let is_over = self.until.as_mut().poll(context).is_ready();
        if is_over { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        match self.left.checked_sub(into.filled().len() - before) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;
    use crate::metrics::Snapshot;

    fn http() -> (Http, Arc<Standing>) {
        let standing = Arc::new(Standing::new(Arc::default()));
        let address = "127.0.0.1:0".parse().expect("an address");
        (Http::start(address, Arc::clone(&standing)).expect("listens"), standing)
    }

    /// Everything that is answered to these bytes until the connection ends; nothing where it is cut.
    fn exchange(http: &Http, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(http.address()).expect("connected");
        // one that has sent too much may find the line cut before all is said
        let _ = stream.write_all(bytes);
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    }

    fn get(http: &Http, path: &str) -> String {
        exchange(http, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
    }

    #[test]
    fn health_readiness_and_metrics_are_told() {
        let (http, standing) = http();
        assert!(get(&http, "/healthz").starts_with("HTTP/1.1 503"), "no turn yet");
        assert!(get(&http, "/readyz").ends_with("\r\n\r\nit starts\n"));
        standing.turn();
        standing.publish(Snapshot { inputs: 7, ..Snapshot::default() });
        assert!(get(&http, "/healthz").starts_with("HTTP/1.1 200"));
        assert!(get(&http, "/readyz").starts_with("HTTP/1.1 200"));
        standing.publish(Snapshot { closed: Some("latched, operator".into()), ..Snapshot::default() });
        let closed = get(&http, "/readyz");
        assert!(closed.starts_with("HTTP/1.1 503") && closed.ends_with("latched, operator\n"), "{closed}");
        standing.publish(Snapshot { inputs: 7, ..Snapshot::default() });
        let metrics = get(&http, "/metrics");
        assert!(metrics.contains("application/openmetrics-text"), "{metrics}");
        assert!(metrics.contains("\njanus_inputs_total 7\n") && metrics.ends_with("# EOF\n"), "{metrics}");
        assert!(get(&http, "/orders").starts_with("HTTP/1.1 404"));
        let posted =
            exchange(&http, b"POST /healthz HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert!(posted.starts_with("HTTP/1.1 405"), "{posted}");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let (http, _standing) = http();
        let fits = format!("GET /orders HTTP/1.1\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(8 << 10));
        assert!(exchange(&http, fits.as_bytes()).starts_with("HTTP/1.1 404"));
        let long =
            format!("GET /orders HTTP/1.1\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(64 << 10));
        assert!(!exchange(&http, long.as_bytes()).contains("404"));
    }

    #[test]
    fn no_more_are_heard_than_there_are_slots_and_none_for_ever() {
        let (http, _standing) = http();
        let idle: Vec<TcpStream> =
            (0..MOST_CONNECTIONS).map(|_| TcpStream::connect(http.address()).expect("connected")).collect();
        let mut late = TcpStream::connect(http.address()).expect("in the queue of the system");
        late.write_all(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n").expect("written");
        late.set_nonblocking(true).expect("a socket");
        let waits = late.read(&mut [0]).expect_err("all slots are taken");
        assert_eq!(waits.kind(), io::ErrorKind::WouldBlock);
        late.set_nonblocking(false).expect("a socket");
        drop(idle);
        let mut text = String::new();
        late.read_to_string(&mut text).expect("answered");
        assert!(text.starts_with("HTTP/1.1 503"), "{text}");
    }

    #[test]
    fn with_it_the_address_goes() {
        let (http, standing) = http();
        let address = http.address();
        let taken = Http::start(address, Arc::clone(&standing)).expect_err("taken");
        assert!(taken.to_string().contains("give --http another address"), "{taken}");
        drop(http);
        assert!(TcpStream::connect(address).is_err());
    }
}
