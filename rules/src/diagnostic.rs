//! What is wrong with a file of rules, and where: for people, with the line and a pointer to the place.

use std::fmt;
use std::ops::Range;

use ariadne::{CharSet, Config, IndexType, Label, ReportKind, Source};

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

/// What was found in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file's name.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// What was found, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// How long a file of rules may be, in bytes.
pub const LONGEST_FILE: usize = 1 << 18;

impl Report {
    pub(crate) fn new(file: &str, text: &str, diagnostics: Vec<Diagnostic>) -> Self {
        Self { file: file.to_owned(), text: text.to_owned(), diagnostics }
    }

    /// Line and column of a place, both from 1; columns count characters.
    #[must_use]
    pub fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at.min(self.text.len())).unwrap_or(&self.text);
        let line = before.rfind('\n').map_or(0, |end| end + 1);
        (before.matches('\n').count() + 1, before[line..].chars().count() + 1)
    }

    /// Everything with its line shown and the place pointed at, as plain text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = Vec::new();
        // the text of a file that is too long says nothing
        let text = if self.text.len() > LONGEST_FILE { "" } else { &self.text };
        let file = self.file.as_str();
        for found in &self.diagnostics {
            let report = self.one(found, text);
            if report.write((file, Source::from(text)), &mut out).is_err() {
                // writing to memory does not fail
                continue;
            }
        }
        // a line that ends in blanks is a nuisance to compare
        String::from_utf8_lossy(&out).lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
    }

    fn one<'a>(&'a self, found: &'a Diagnostic, text: &str) -> ariadne::Report<'a, (&'a str, Range<usize>)> {
        let file = self.file.as_str();
        let inside = |span: &Range<usize>| span.start.min(text.len())..span.end.min(text.len());
        let kind = match found.severity {
            Severity::Error => ReportKind::Error,
            Severity::Warning => ReportKind::Warning,
        };
        let config =
            Config::new().with_color(false).with_index_type(IndexType::Byte).with_char_set(CharSet::Unicode);
        let mut report = ariadne::Report::build(kind, (file, inside(&found.span)))
            .with_config(config)
            .with_message(&found.message)
            .with_label(Label::new((file, inside(&found.span))).with_message(&found.label));
        if let Some((span, label)) = &found.other {
            report = report.with_label(Label::new((file, inside(span))).with_message(label));
        }
        if let Some(help) = &found.help {
            report = report.with_help(help);
        }
        report.finish()
    }
}

impl fmt::Display for Report {
    /// One line each: `file:line:column: error: what; what to do`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, found) in self.diagnostics.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            let (line, column) = self.position(found.span.start);
            let kind = if found.is_error() { "error" } else { "warning" };
            write!(f, "{}:{line}:{column}: {kind}: {}", self.file, found.message)?;
            if let Some(help) = &found.help {
                write!(f, "; {help}")?;
            }
        }
        Ok(())
    }
}

/// Why rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// The file has errors.
    #[error("{0}")]
    Invalid(Report),
}
