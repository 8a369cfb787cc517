//! Headlines: read from a file, embedded on a thread of their own before the door, and told to it in order of
//! time. What is on the tape is the embedding, so that a replay needs no text model.

mod embedder;
mod reader;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvError, TryRecvError, sync_channel};
use std::thread::{Builder, JoinHandle};

use market::feed::FeedStats;
use market::{Instruments, Timestamp};
use synapse::NoticeKind;

use crate::config::Config;
use crate::failure::Failure;
use crate::policy::Policy;

pub use embedder::Embedder;
pub use reader::{Headline, TEXT_BYTES, read};

market::params! {
    /// What reads headlines.
    pub struct NewsParams in "news" {
        /// The folder of a text encoder: `model.onnx` and `tokenizer.json`; empty: no headline is read.
        model: String = String::new(), "", 0.0, 0.0;
    }
}

/// How many embeddings are made ahead of time.
const AHEAD: usize = 64;
/// How many numbers an embedding has where no network says.
const NUMBERS: usize = 384;

/// A headline that was read, or why there are no more.
type Told = Result<(Timestamp, NoticeKind), String>;

/// The headlines of a run, in order of time.
pub struct News {
    name: String,
    stats: FeedStats,
    stale_ns: i64,
    /// How many numbers an embedding has; none where there is no text model.
    numbers: Option<usize>,
    from: Origin,
    next: Option<(Timestamp, NoticeKind)>,
    /// The time of the latest headline that was taken, until it is said to be stale.
    latest: Option<Timestamp>,
    fault: Option<String>,
}

/// Where headlines come from.
enum Origin {
    /// They wait for the first event of the feeds.
    File(Vec<Headline>, Box<Embedder>),
    /// From the thread that embeds them.
    Thread(Receiver<Told>, JoinHandle<()>),
    /// There are no more.
    Nothing,
}

impl News {
    /// The headlines of a file, with the model of the configuration; none where no file is given. Where headlines
    /// cannot act, that is said.
    ///
    /// # Errors
    /// [`Failure::Input`] where file or model cannot be used.
    pub fn open(
        file: Option<&Path>,
        config: &Config,
        instruments: &Instruments,
        policy: &Policy,
    ) -> Result<Option<Self>, Failure> {
        let numbers = policy.text_numbers();
        let Some(file) = file else {
            if numbers.is_some() {
                tracing::warn!("the network reads headlines, and none are given with --news: text is masked");
            }
            return Ok(None);
        };
        let (headlines, stats) = read(file, instruments)?;
        stats.faults.iter().for_each(|fault| tracing::warn!(%fault, "a headline was refused"));
        let (from, numbers) = if config.news.model.is_empty() {
            tracing::warn!("news.model names no text model: no headline is read, and text is masked");
            (Origin::Nothing, None)
        } else {
            if numbers.is_none() {
                tracing::warn!(
                    "what decides was not trained with text: headlines are kept and change nothing"
                );
            }
            let (folder, numbers) = (Path::new(&config.news.model), numbers.unwrap_or(NUMBERS));
            let embedder = Embedder::open(folder, &config.inference, numbers)?;
            (Origin::File(headlines, Box::new(embedder)), Some(numbers))
        };
        let stale_ns = config.thalamus.news_stale_ns();
        let name = file.display().to_string();
        Ok(Some(Self { name, stats, stale_ns, numbers, from, next: None, latest: None, fault: None }))
    }

    /// The file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was read of it.
    pub const fn stats(&self) -> &FeedStats {
        &self.stats
    }

    /// How many numbers an embedding has; none where there is no text model.
    pub const fn numbers(&self) -> Option<usize> {
        self.numbers
    }

    /// Why there are no more, where that is a fault.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Begins to embed, unless that has begun: what can still be fresh at `first`, the first event of the feeds, but
    /// for so many that were taken in an earlier life.
    pub fn begin(&mut self, first: Timestamp, taken: u64) {
        let fresh = first.plus(-self.stale_ns);
        self.begin_where(|headline| headline.time >= fresh, taken);
    }

    /// The same with what is later than `now`, the end of a tape that goes on with what comes live.
    pub fn begin_behind(&mut self, now: Timestamp) {
        self.begin_where(|headline| headline.time > now, 0);
    }

    fn begin_where(&mut self, counts: impl Fn(&Headline) -> bool, taken: u64) {
        if !matches!(self.from, Origin::File(..)) {
            return;
        }
        let Origin::File(headlines, embedder) = std::mem::replace(&mut self.from, Origin::Nothing) else {
            return;
        };
        let taken = usize::try_from(taken).unwrap_or(usize::MAX);
        let left: Vec<Headline> = headlines.into_iter().filter(|h| counts(h)).skip(taken).collect();
        match embed(left, embedder) {
            Ok((told, thread)) => self.from = Origin::Thread(told, thread),
            Err(error) => self.end(format!("no thread for the text model: {error}")),
        }
    }

    /// The time of the next headline, where the feeds have come to `now`; waits until it is embedded.
    pub fn peek(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.begin(now, 0);
        self.look(now, |told| told.recv().map_err(|RecvError| TryRecvError::Disconnected))
    }

    /// The same without waiting: none while it is not embedded.
    pub fn peek_now(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.begin(now, 0);
        self.look(now, Receiver::try_recv)
    }

    fn look(
        &mut self,
        now: Timestamp,
        receive: impl Fn(&Receiver<Told>) -> Result<Told, TryRecvError>,
    ) -> Option<Timestamp> {
        if let (None, Origin::Thread(told, _)) = (&self.next, &self.from) {
            match receive(told) {
                Ok(Ok(next)) => self.next = Some(next),
                Ok(Err(what)) => self.end(what),
                Err(TryRecvError::Disconnected) => self.stop(),
                Err(TryRecvError::Empty) => {}
            }
        }
        let is_due = self.next.as_ref().is_some_and(|(time, _)| *time <= now);
        if let Some(latest) = self.latest.take_if(|latest| !is_due && now.since(*latest) > self.stale_ns) {
            let seconds = self.stale_ns / market::time::SECOND_NS;
            tracing::warn!(%latest, seconds, "the latest headline is stale: text is masked until another");
        }
        self.next.as_ref().map(|(time, _)| *time)
    }

    /// The next headline, which was peeked at.
    pub fn take(&mut self) -> Option<NoticeKind> {
        let (time, notice) = self.next.take()?;
        self.latest = Some(time);
        Some(notice)
    }

    fn end(&mut self, what: String) {
        let fault = format!("{}: {what}", self.name);
        tracing::error!(fault, "there are no more headlines: text is masked");
        self.fault = Some(fault);
        self.stop();
    }

    /// Waits for the thread, which a runtime of graphs may not outlive.
    fn stop(&mut self) {
        if let Origin::Thread(told, thread) = std::mem::replace(&mut self.from, Origin::Nothing) {
            drop(told);
            if thread.join().is_err() {
                tracing::error!("the thread of the text model ended by a bug");
            }
        }
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Feeds and headlines, as a manifest names them.
pub fn beside(feeds: &[String], news: Option<&Path>) -> Vec<String> {
    feeds.iter().cloned().chain(news.map(|file| format!("--news {}", file.display()))).collect()
}

/// Embeds headlines ahead of time, on a thread of its own; up to the first that cannot be.
fn embed(
    headlines: Vec<Headline>,
    mut embedder: Box<Embedder>,
) -> std::io::Result<(Receiver<Told>, JoinHandle<()>)> {
    let (tell, told) = sync_channel(AHEAD);
    let model = embedder.hash();
    let work = move || {
        for Headline { time, instruments, text } in headlines {
            let read = embedder.embed(&text);
            let is_last = read.is_err();
            let notice = |embedding| (time, NoticeKind::News { instruments, embedding, model });
            if tell.send(read.map(notice)).is_err() || is_last {
                return;
            }
        }
    };
    Ok((told, Builder::new().name("news".to_owned()).spawn(work)?))
}
