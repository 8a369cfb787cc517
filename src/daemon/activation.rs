//! Artefacts that take effect while it runs: configurations, policies, schemas (R2).

use journal::{Hash, artefacts};
use synapse::NoticeKind;

use super::core::Core;
use crate::assemble;
use crate::blueprint::CONFIG;
use crate::brain::Stream;
use crate::config::Loader;
use crate::control::Answer;
use crate::failure::Failure;

impl<S: Stream> Core<S> {
    /// The first phase of an activation (R2): what fails in it changes nothing.
    pub fn prepare(&mut self, hash: &Hash) -> Result<Result<(), Failure>, Failure> {
        self.home()?;
        Ok(self.put_in_place(hash))
    }

    fn put_in_place(&mut self, hash: &Hash) -> Result<(), Failure> {
        let (next, line) = self.blueprint.with(&self.dir, hash)?;
        if let (Some(gives), Some(reads)) = (self.engine.stream().text_numbers(), next.policy.text_numbers())
            && gives != reads
        {
            return Err(Failure::Input(format!(
                "network {hash} reads embeddings of {reads} numbers, and the text model that runs gives {gives}; \
                 activate one that reads {gives}, or start again with another news.model"
            )));
        }
        let set = self.engine.set_line(line);
        set.map_err(|fault| Failure::Input(format!("{fault}; what is remembered does not fit it")))?;
        self.blueprint = next;
        Ok(())
    }

    /// Both phases of an activation (R2).
    pub fn activate(&mut self, hash: Hash, by: String, reason: String) -> Result<Answer, Failure> {
        // nothing may come between the phases: it would be thought with what the tape has not yet
        self.let_in()?;
        if let Err(failure) = self.prepare(&hash)? {
            return Ok(Answer::refused(failure.number(), failure.to_string()));
        }
        let sequence = self.admit_next(NoticeKind::Activate { hash: hash.0, by, reason })?;
        Ok(Answer::Done {
            sequence: Some(sequence),
            text: format!("{hash} is active from input {sequence} on"),
        })
    }

    /// Lets a configuration take effect.
    pub fn apply(&mut self, text: &str, by: String, reason: String) -> Result<Answer, Failure> {
        let read = Loader::new().text(text, "the configuration").and_then(Loader::finish);
        let config = match read {
            Ok(config) => config,
            Err(error) => return Ok(Answer::refused(2, error.to_string())),
        };
        let policy = match assemble::policy(&config, &self.blueprint.formats()) {
            Ok(policy) => policy,
            Err(failure) => return Ok(Answer::refused(failure.number(), failure.to_string())),
        };
        let hash = artefacts::put(&self.dir, CONFIG, config.canonical().as_bytes())?;
        let answer = self.activate(hash, by, reason)?;
        if policy == self.blueprint.policy {
            return Ok(answer);
        }
        let policy = policy.store(&self.dir)?;
        Ok(match answer {
            Answer::Done { sequence, text } => Answer::Done {
                sequence,
                text: format!(
                    "{text}; the policy stays as it was: the one of this configuration is {policy}, to be activated by itself"
                ),
            },
            refused => refused,
        })
    }
}
