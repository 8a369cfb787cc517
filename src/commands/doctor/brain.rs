//! The brain: configuration, limits, models.

use super::{Check, Level, Patient};
use crate::assemble;
use crate::config::{Config, ConfigError};
use crate::failure::Failure;
use crate::policy::{Backend, Policy};

/// Where a missing limit's message goes on with what to do.
const LACKING: &str = "; nothing trades";

/// What is to be said of the configuration and of what is learned.
pub(super) fn checks(patient: &Patient) -> Vec<Check> {
    let config = match (&patient.config, &patient.blueprint) {
        (None, Some(Err(failure))) => return vec![Check::error("configuration", failure)],
        (None, _) => {
            let found = "none is given, and there is no journal that has one";
            let advice = "give --config FILE; `janus config show > janus.toml` writes one to edit";
            return vec![Check::warn("configuration", found, advice)];
        }
        (Some(Err(failure)), _) => return vec![Check::error("configuration", failure)],
        (Some(Ok(config)), _) => config,
    };
    let names = config.instrument_names();
    let stands = Check::ok("configuration", format!("it stands, and names {} instruments", names.len()));
    let limits = limits(config, &names);
    if limits.level == Level::Fail {
        // no brain can be put together
        return vec![stands, limits];
    }
    vec![stands, limits, models(patient, config)]
}

/// Whether each instrument that trades has all of its limits; every one that has not is named.
fn limits(config: &Config, names: &[String]) -> Check {
    if names.is_empty() {
        return Check::fail("limits", "no instrument is named", "add [instrument.NAME] and [limits.NAME]");
    }
    let lacking = names.iter().filter_map(|name| config.traded(std::slice::from_ref(name)).err());
    // what to do is the same for all of them
    let told = |error: ConfigError| error.to_string().split(LACKING).next().unwrap_or_default().to_owned();
    let lacking: Vec<String> = lacking.map(told).collect();
    match lacking.is_empty() {
        true => Check::ok("limits", format!("all are set: {}", names.join(", "))),
        false => {
            let advice = "set them in [limits.NAME]: nothing trades without all of them";
            Check::fail("limits", lacking.join("; "), advice)
        }
    }
}

fn models(patient: &Patient, config: &Config) -> Check {
    let begun = match &patient.blueprint {
        Some(Ok(blueprint)) => Some(blueprint.policy.clone()),
        Some(Err(failure)) => return Check::error("models", failure),
        None => None,
    };
    match begun.map_or_else(|| assemble::policy(config, &[]), Ok).and_then(|policy| told(&policy, config)) {
        Ok((found, true)) => Check::ok("models", found),
        Ok((found, false)) => {
            let advice = "what is untrained is a stand-in with no claim to an edge: trade it on paper";
            Check::warn("models", found, advice)
        }
        Err(failure) => Check::error("models", &failure),
    }
}

/// What decides and what runs it, and whether it was trained; a network runs its golden windows.
fn told(policy: &Policy, config: &Config) -> Result<(String, bool), Failure> {
    let backend = Backend::default();
    let kind = backend.kind_for(policy, config)?;
    let found = format!("back end {}; {}", kind.name_and_version()?, policy.card());
    Ok(match policy {
        Policy::Rule(_) => (format!("{found}; {}", policy.untrained()), false),
        Policy::Network(trained) => {
            let loaded = backend.load(trained, &kind, config)?;
            (format!("{found}; {}", loaded.told()), trained.network.card.trained)
        }
    })
}
