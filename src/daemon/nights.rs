//! Nights: what was lived through is slept over, and what is learned takes effect.

use std::path::Path;
use std::thread;

use journal::{Hash, Reader};
use market::feed::Merge;
use serde_json::json;
use synapse::NoticeKind;

use super::core::Core;
use super::start::Ready;
use super::{NAP, Options};
use crate::brain::Stream;
use crate::control::Answer;
use crate::failure::Failure;
use crate::policy::Backend;
use crate::sleep::{Dream, Night, Woken};
use crate::stream::Range;
use crate::venue::Speed;

/// Sleeps a night over a journal that no daemon runs with, and lets what is learned take effect. No feed is
/// opened and nothing is sent: what waits at the gate waits for the next start.
///
/// # Errors
/// [`Failure`] where there is no journal, another process writes it, or it cannot be rebuilt.
pub fn sleep_once(dir: &Path, by: String, reason: String) -> Result<Answer, Failure> {
    let manifest = Reader::open(dir)?.manifest().clone();
    let options = Options {
        dir: dir.to_owned(),
        feeds: manifest.feeds,
        format: None,
        config: None,
        speed: Speed::Max,
        news: None,
        venue: manifest.venue.map(Into::into),
        once: true,
        backend: Backend::default(),
        http: None,
    };
    let ready = Ready::new(&options, |_| Ok(Vec::new()))?;
    let mut core = ready.over(Range::new(Merge::open([]), None, None), &options)?;
    core.journal().wait()?;
    let (answer, _) = core.sleep_now(by, reason)?;
    core.finish(false, Vec::new())?;
    Ok(answer)
}

impl<S: Stream> Core<S> {
    /// A night over everything that is durable.
    pub fn dream(&self) -> Dream {
        let (dir, config) = (self.dir.clone(), self.blueprint.config.clone());
        Dream { dir, until: self.journal().durable(), config }
    }

    /// Sleeps while the loop waits, which is no less alive for that.
    fn sleep(&self, dream: Dream) -> Woken {
        thread::scope(|scope| {
            let night = scope.spawn(move || dream.sleep());
            while !night.is_finished() {
                let _ = self.is_publishing();
                thread::sleep(NAP);
            }
            night.join().unwrap_or_else(|_| (Err(Failure::Internal("a night panicked".to_owned())), 0.0))
        })
    }

    /// A night over everything that is durable, here and now, and as [`Core::wake_up`].
    pub fn sleep_now(&mut self, by: String, reason: String) -> Result<(Answer, Option<u64>), Failure> {
        let woken = self.sleep(self.dream());
        self.wake_up(woken, by, reason)
    }

    /// Lets what was learned asleep take effect: what is to be told, and the input that does it, if one does.
    pub fn wake_up(
        &mut self,
        (slept, seconds): Woken,
        by: String,
        reason: String,
    ) -> Result<(Answer, Option<u64>), Failure> {
        let Night { artefact, reason: mut what, experiences, schemas } = match slept {
            Ok(night) => night,
            Err(failure) => {
                tracing::error!(%failure, "a night failed, and nothing changes");
                return Ok((Answer::refused(failure.number(), failure.to_string()), None));
            }
        };
        let active = self.blueprint.schemas.as_ref().map(|(hash, _)| *hash);
        let mut since = None;
        match artefact {
            Some(hash) if Some(hash) == active => what = format!("{what}; it is active already"),
            Some(hash) => match self.activate(hash, by, reason)? {
                Answer::Refused { message, .. } => what = message,
                _ => since = Some(self.engine.door().sequence()),
            },
            None => {}
        }
        let activated = since.is_some();
        tracing::warn!(?artefact, activated, what, experiences, schemas, seconds, "slept");
        let name = artefact.map_or("nothing was learned".to_owned(), |hash| hash.to_string());
        let effect = if activated { " takes effect" } else { "" };
        let told = json!({
            "artefact": artefact, "activated": activated, "reason": what,
            "experiences": experiences, "schemas": schemas, "seconds": seconds,
        });
        Ok((Answer::Thought(format!("slept {seconds:.1} s: {name}{effect}: {what}"), told), since))
    }

    /// A night that is due in simulated time: everything before it is durable, and whatever comes of it is
    /// the next input. Killed in it, a restart sleeps it again, to the same end.
    pub fn night(&mut self) -> Result<(), Failure> {
        self.home()?;
        self.journal().wait()?;
        let until = self.engine.door().sequence();
        let (slept, _) = self.sleep(Dream { until, ..self.dream() });
        let mut notice = match slept {
            Ok(Night { artefact, reason, .. }) => {
                NoticeKind::Slept { artefact: artefact.map(|hash| hash.0), activated: false, reason }
            }
            Err(failure) => {
                NoticeKind::Slept { artefact: None, activated: false, reason: failure.to_string() }
            }
        };
        if let NoticeKind::Slept { artefact: Some(hash), activated, reason } = &mut notice {
            match self.prepare(&Hash(*hash))? {
                Ok(()) => *activated = true,
                Err(failure) => *reason = failure.to_string(),
            }
        }
        if let NoticeKind::Slept { artefact, activated, reason } = &notice {
            let artefact = artefact.map(|hash| Hash(hash).to_string());
            tracing::warn!(until, artefact, activated, reason, "slept");
        }
        let (engine, mut watch) = self.split();
        match engine.slept(notice, &mut watch) {
            Ok(()) => Ok(()),
            Err(error) => self.heal(&error),
        }
    }
}
