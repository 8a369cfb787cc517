//! `janus rules check|show|explain|test|diff|apply`

mod diff;
mod explain;

use clap::{Args, Subcommand};
use rules::{Diagnostic, Report, RuleSet, RulesError};
use serde_json::json;

use super::journal::JournalArgs;
use super::operator::{self, Signature};
use super::terminal::{report, say, say_json, tell};
use crate::control::Ask;
use crate::failure::Failure;
use crate::law::{COMPLIANCE, Rules, called, read};
use crate::rulebook::{self, counted, findings};

/// `janus rules …`
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Tell what is wrong with a rule file, and what is odd about it.
    Check(Check),
    /// List the rules of a file.
    Show(Look),
    /// Explain how true each part of each rule is, of an order that was judged or of one that is made up.
    Explain(explain::Explain),
    /// Run the examples that stand in a rule file.
    Test(Look),
    /// Judge the orders of a tape by two rule files, and tell where they differ.
    Diff(diff::Diff),
    /// Let a rule file take effect in a running daemon.
    Apply(Apply),
}

/// A rule file to look at, and how that is told.
#[derive(Debug, Args)]
pub struct Look {
    /// The rule file; several are read as one set. Without one, the rules that ship.
    #[arg(value_name = "FILE", default_value = COMPLIANCE)]
    files: Vec<String>,
    /// One JSON object on the last line of standard output.
    #[arg(long)]
    json: bool,
}

/// Arguments of `janus rules check`.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    look: Look,
    /// The file stands beside another one, and need not enforce the limits of the configuration.
    #[arg(long)]
    part: bool,
}

/// Arguments of `janus rules apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// The rule file; several are read as one set.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    signature: Signature,
}

impl RulesCommand {
    /// Carries it out.
    ///
    /// # Errors
    /// [`Failure::Input`] for rules that do not stand, [`Failure::Check`] for examples that come out otherwise
    /// than they say, [`Failure::Environment`] where no daemon runs.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(command) => command.run(),
            Self::Show(look) => look.show(),
            Self::Explain(command) => command.run(),
            Self::Test(look) => look.test(),
            Self::Diff(command) => command.run(),
            Self::Apply(command) => command.run(),
        }
    }
}

impl Look {
    /// Compiled, whatever its limits and examples come to.
    fn compile(&self) -> Result<(String, RuleSet), Failure> {
        let names = self.files.join(",");
        let (name, text) = (called(&names), read(&names)?);
        match RuleSet::compile(&name, &text) {
            Ok(rules) => Ok((name, rules)),
            Err(RulesError::Invalid(found)) => Err(self.refuse(&name, &found)?),
        }
    }

    /// What is wrong, each with its place pointed at.
    fn refuse(&self, name: &str, found: &Report) -> Result<Failure, Failure> {
        let all = findings(found);
        let errors = all.iter().filter(|it| it.severity == "error").count();
        if self.json {
            say_json(&json!({ "file": name, "verdict": "refused", "findings": all }))?;
        }
        Ok(Failure::Input(format!("{name}: {}\n{}", counted(errors, "error"), found.render().trim_end())))
    }

    fn show(&self) -> Result<(), Failure> {
        let (name, rules) = self.compile()?;
        let rows = rulebook::rows(&rules);
        if self.json {
            return say_json(&json!({ "file": name, "rules": rows }));
        }
        say(&rulebook::table(&rows))
    }

    fn test(&self) -> Result<(), Failure> {
        let (name, rules) = self.compile()?;
        let tested = rulebook::test(&rules);
        report(self.json, &tested.text(&name), &json!({ "file": name, "tested": tested }))?;
        if tested.failing.is_empty() {
            return Ok(());
        }
        let (failing, all) = (tested.failing.len(), counted(tested.examples, "example"));
        Err(Failure::Check(format!("{name}: {failing} of {all} came out otherwise than they say")))
    }
}

impl Check {
    fn run(self) -> Result<(), Failure> {
        let (name, rules) = self.look.compile()?;
        let found = if self.part { rules.warnings() } else { rules.check() };
        if found.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(self.look.refuse(&name, &found)?);
        }
        let (all, warnings) = (rules.rules(), counted(found.diagnostics.len(), "warning"));
        let hard = all.iter().filter(|rule| rule.is_hard()).count();
        let (count, soft) = (counted(all.len(), "rule"), all.len() - hard);
        let text = format!("{}{name}: ok, {count} ({hard} hard, {soft} soft), {warnings}\n", found.render());
        let object = json!({
            "file": name, "verdict": "ok", "rules": all.len(), "hard": hard, "soft": soft, "findings": findings(&found),
        });
        report(self.look.json, &text, &object)
    }
}

impl Apply {
    /// What does not stand is told here, with its place, before a daemon is asked.
    fn run(self) -> Result<(), Failure> {
        let rules = Rules::named(&self.files.join(","))?;
        tell(&rules.set().check().render());
        let Signature { by, reason } = self.signature;
        let dir = &self.journal.journal;
        let hash = if journal::exists(dir)? { rules.store(dir)? } else { rules.hash() };
        operator::command(&self.journal, &Ask::Activate { hash, by, reason })
    }
}
