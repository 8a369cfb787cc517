//! Feeds as the daemon's own senses tell of them where nobody trades.

use brainstem::Brainstem;
use market::feed::{Feed, Format, Merge};
use market::ledger::Ledger;
use market::sampler::SamplerKind;
use market::{Instruments, Sampler};
use synapse::Sensed;

use crate::assemble;
use crate::brain::{self, Door};
use crate::config::Config;
use crate::failure::Failure;

/// Tells `look` of every regular sample of the feeds; what made them.
///
/// # Errors
/// [`Failure::Internal`] where the brainstem faults.
pub fn sense(
    config: &Config,
    instruments: &Instruments,
    merge: Merge,
    look: &mut dyn FnMut(&Sensed),
) -> Result<SamplerKind, Failure> {
    let formats: Vec<Format> = merge.feeds().map(Feed::format).collect();
    let kind = assemble::sampler(config, &formats);
    let is_grid = matches!(kind, SamplerKind::Grid { .. });
    let door = Door::new(&config.door, &vec![is_grid; instruments.len()], Vec::new());
    let brainstem = Brainstem::new(
        config.brainstem.clone(),
        instruments.clone(),
        vec![Sampler::new(kind); instruments.len()],
        assemble::hold_ns(config),
        Ledger::new(&config.run.currency, config.run.cash),
    );
    let sensed = brain::sense(door, brainstem, merge, &mut |sample| {
        if sample.is_regular() {
            look(sample);
        }
    });
    sensed.map_err(|fault| Failure::Internal(fault.to_string()))?;
    Ok(kind)
}
