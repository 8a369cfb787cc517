//! What is wrong with a file of rules, and where: for people, with the line and a pointer to the place.

use std::fmt;
use std::ops::Range;

use ariadne::{CharSet, Config, IndexType, Label, ReportKind, sources};

use crate::files::Part;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but hardly means what it says.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in a sentence.
    pub message: String,
    /// Where, in bytes of the file.
    pub span: Range<usize>,
    /// What stands at that place.
    pub label: String,
    /// A second place that has to do with it.
    pub other: Option<(Range<usize>, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub(crate) fn error(span: &Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            span: span.clone(),
            label: label.into(),
            other: None,
            help: None,
        }
    }

    /// A warning at a place.
    pub(crate) fn warning(span: &Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message, label) }
    }

    /// With what to do.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// With what to do, if anything is known.
    pub(crate) fn maybe_help(self, help: Option<String>) -> Self {
        Self { help: help.or(self.help), ..self }
    }

    /// With a second place.
    pub(crate) fn other(self, span: &Range<usize>, label: impl Into<String>) -> Self {
        Self { other: Some((span.clone(), label.into())), ..self }
    }

    /// Whether the file cannot be used for it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What was found in a file, or in several that are one set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file's name; of several, what they are called together.
    pub file: String,
    /// The text; of several files as [`crate::joined`] makes it.
    pub text: String,
    /// What was found, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// How long a file of rules may be, in bytes.
pub const LONGEST_FILE: usize = 1 << 18;
/// A line longer than this is not shown.
const LONGEST_LINE: usize = 400;
/// How many things that are wrong are told; more help nobody.
const MOST_TOLD: usize = 50;

impl Report {
    pub(crate) fn new(file: &str, text: &str, diagnostics: Vec<Diagnostic>) -> Self {
        Self { file: file.to_owned(), text: text.to_owned(), diagnostics }
    }

    /// Line and column of a place in its file, both from 1; columns count characters.
    #[must_use]
    pub fn position(&self, at: usize) -> (usize, usize) {
        self.part(at).position(at)
    }

    /// The file that a place is in.
    #[must_use]
    pub fn file_of(&self, at: usize) -> &str {
        self.part(at).file
    }

    fn part(&self, at: usize) -> Part<'_> {
        Part::at(&self.file, &self.text, at)
    }

    /// Everything with its line shown and the place pointed at, as plain text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        for found in self.diagnostics.iter().take(MOST_TOLD) {
            let shown = if self.is_shown(found) { self.one(found) } else { self.line(found) };
            // a line that ends in blanks is a nuisance to compare
            shown.lines().for_each(|line| out.extend([line.trim_end(), "\n"]));
        }
        out.extend(self.untold().map(|told| told + "\n"));
        out
    }

    /// Whether the line of a place is short enough to be shown.
    fn is_shown(&self, found: &Diagnostic) -> bool {
        let bytes = self.text.as_bytes();
        let at = found.span.start.min(bytes.len());
        let to_start = bytes[..at].iter().rev().take_while(|byte| **byte != b'\n').count();
        let to_end = bytes[at..].iter().take_while(|byte| **byte != b'\n').count();
        to_start + to_end <= LONGEST_LINE && bytes.len() <= LONGEST_FILE
    }

    /// What is said of all that is not told.
    fn untold(&self) -> Option<String> {
        let more = self.diagnostics.len().saturating_sub(MOST_TOLD);
        (more > 0).then(|| format!("{}: and {more} more", self.file))
    }

    fn one(&self, found: &Diagnostic) -> String {
        let mut texts = Vec::new();
        let mut inside = |span: &Range<usize>| {
            let part = self.part(span.start);
            texts.push((part.file.to_owned(), part.text.to_owned()));
            (part.file.to_owned(), part.span(span))
        };
        let span = inside(&found.span);
        let kind = match found.severity {
            Severity::Error => ReportKind::Error,
            Severity::Warning => ReportKind::Warning,
        };
        let config =
            Config::new().with_color(false).with_index_type(IndexType::Byte).with_char_set(CharSet::Unicode);
        let mut report = ariadne::Report::build(kind, span.clone())
            .with_config(config)
            .with_message(&found.message)
            .with_label(Label::new(span).with_message(&found.label));
        if let Some((span, label)) = &found.other {
            report = report.with_label(Label::new(inside(span)).with_message(label));
        }
        if let Some(help) = &found.help {
            report = report.with_help(help);
        }
        let mut out = Vec::new();
        match report.finish().write(sources(texts), &mut out) {
            Ok(()) => String::from_utf8_lossy(&out).into_owned(),
            Err(_) => self.line(found),
        }
    }

    /// `file:line:column: error: what; what to do`.
    fn line(&self, found: &Diagnostic) -> String {
        let part = self.part(found.span.start);
        let (line, column) = part.position(found.span.start);
        let kind = if found.is_error() { "error" } else { "warning" };
        let help = found.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        format!("{}:{line}:{column}: {kind}: {}{help}", part.file, found.message)
    }
}

impl fmt::Display for Report {
    /// One line each: `file:line:column: error: what; what to do`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.diagnostics.iter().take(MOST_TOLD).map(|found| self.line(found));
        let lines: Vec<String> = told.chain(self.untold()).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Why rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// The file has errors.
    #[error("{0}")]
    Invalid(Report),
}
