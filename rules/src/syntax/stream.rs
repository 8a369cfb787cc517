//! The stream of tokens that formulas and items are read from, and how a failure is told.

use std::ops::Range;

use winnow::combinator::opt;
use winnow::error::ParserError;
use winnow::prelude::*;
use winnow::stream::{Stateful, Stream, TokenSlice};
use winnow::token::any;

use crate::diagnostic::Diagnostic;
use crate::syntax::lexer::{Mark, Token, TokenKind};
use crate::syntax::tree::{Expr, Name};

/// How many levels a formula may have.
pub(super) const LEVELS: usize = 64;

/// Words that begin an item.
pub(super) const ITEMS: [&str; 6] = ["const", "learned", "aggregation", "hard", "soft", "examples"];
/// Words that no name may be, because they end what stands before them.
const RESERVED: [&str; 11] =
    ["rule", "weight", "for", "from", "until", "latching", "because", "where", "per", "pass", "refuse"];

/// What is known besides the tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Where the text ends.
    end: usize,
    /// How deep the reader is in a formula.
    depth: usize,
    /// The furthest place at which something was missing, as tokens left, and what was wanted there.
    furthest: Option<(usize, Vec<&'static str>)>,
}

pub(super) type Input<'t> = Stateful<TokenSlice<'t, Token<'t>>, State>;
pub(super) type Parsed<T> = Result<T, Failure>;

/// Why reading stopped.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// What is wrong, if it is more than that something else was expected.
    told: Option<Box<Diagnostic>>,
}

impl Failure {
    /// One that says no more than what was expected.
    pub(super) const fn expected() -> Self {
        Self { told: None }
    }

    /// A failure that no alternative mends.
    pub(super) fn told(diagnostic: Diagnostic) -> Self {
        Self { told: Some(Box::new(diagnostic)) }
    }
}

impl<'t> ParserError<Input<'t>> for Failure {
    type Inner = Self;

    fn from_input(_input: &Input<'t>) -> Self {
        Self { told: None }
    }

    fn is_backtrack(&self) -> bool {
        self.told.is_none()
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// A stream of all tokens of a text that ends at `end`.
pub(super) fn stream<'t>(tokens: &'t [Token<'t>], end: usize) -> Input<'t> {
    Stateful { input: TokenSlice::new(tokens), state: State { end, ..State::default() } }
}

/// The next token, if any.
pub(super) fn peek<'t>(input: &Input<'t>) -> Option<&'t Token<'t>> {
    input.input.peek_token()
}

/// Where the next token begins and ends.
pub(super) fn place(input: &Input<'_>) -> Range<usize> {
    peek(input).map_or(input.state.end..input.state.end, |token| token.span.clone())
}

/// Where the last token ended.
pub(super) fn last_end(input: &Input<'_>) -> usize {
    input.input.previous_tokens().next().map_or(0, |token| token.span.end)
}

/// Takes the next token if `read` makes something of it; `wanted` tells what that is.
pub(super) fn take<'t, T>(
    wanted: &'static str,
    mut read: impl FnMut(&'t Token<'t>) -> Option<T>,
) -> impl FnMut(&mut Input<'t>) -> Parsed<T> {
    move |input| {
        let start = input.checkpoint();
        let taken = any.verify_map(&mut read).parse_next(input);
        if taken.is_err() {
            input.reset(&start);
            missing(input, wanted);
        }
        taken
    }
}

/// Notes that something is missing here, for the message if nothing further is.
pub(super) fn missing(input: &mut Input<'_>, wanted: &'static str) {
    let left = input.input.eof_offset();
    match &mut input.state.furthest {
        Some((at, _)) if *at < left => {}
        Some((at, all)) if *at == left => {
            if !all.contains(&wanted) {
                all.push(wanted);
            }
        }
        furthest => *furthest = Some((left, vec![wanted])),
    }
}

/// A mark.
pub(super) fn mark<'t>(mark: Mark, wanted: &'static str) -> impl FnMut(&mut Input<'t>) -> Parsed<()> {
    take(wanted, move |token| (token.kind == TokenKind::Mark(mark)).then_some(()))
}

/// A word of the language.
pub(super) fn word<'t>(word: &'static str, wanted: &'static str) -> impl FnMut(&mut Input<'t>) -> Parsed<()> {
    take(wanted, move |token| (token.kind == TokenKind::Word(word)).then_some(()))
}

/// Whether a word of the language is next; it is taken.
pub(super) fn has_word(input: &mut Input<'_>, text: &'static str, wanted: &'static str) -> bool {
    matches!(opt(word(text, wanted)).parse_next(input), Ok(Some(())))
}

/// A name: a word that has no meaning of its own.
pub(super) fn name<'t>(wanted: &'static str) -> impl FnMut(&mut Input<'t>) -> Parsed<Name> {
    take(wanted, |token| match token.kind {
        TokenKind::Word(text) if !is_reserved(text) => Some(named(text, token)),
        _ => None,
    })
}

/// A name, or a text that stands for one that is no word.
pub(super) fn symbol<'t>(wanted: &'static str) -> impl FnMut(&mut Input<'t>) -> Parsed<Name> {
    take(wanted, |token| match token.kind {
        TokenKind::Word(text) if !is_reserved(text) => Some(named(text, token)),
        TokenKind::Text(text) => Some(named(text, token)),
        _ => None,
    })
}

fn named(text: &str, token: &Token<'_>) -> Name {
    Name { text: text.to_owned(), span: token.span.clone() }
}

/// Whether a word cannot be a name.
pub(super) fn is_reserved(word: &str) -> bool {
    ITEMS.contains(&word) || RESERVED.contains(&word)
}

/// Runs a reader one level deeper.
pub(super) fn deeper<T>(input: &mut Input<'_>, read: impl FnOnce(&mut Input<'_>) -> Parsed<T>) -> Parsed<T> {
    if input.state.depth == LEVELS {
        return Err(too_deep(&place(input)));
    }
    input.state.depth += 1;
    let result = read(input);
    input.state.depth -= 1;
    result
}

/// The failure of a formula with too many levels.
pub(super) fn too_deep(span: &Range<usize>) -> Failure {
    let message = format!("the formula has more than {LEVELS} levels");
    Failure::told(
        Diagnostic::error(span, message, "too deep here")
            .help("split the rule into several, or name a part of it with const"),
    )
}

/// An expression of these levels, unless they are too many.
pub(super) fn checked(expr: Expr) -> Parsed<Expr> {
    if expr.levels > LEVELS { Err(too_deep(&expr.span)) } else { Ok(expr) }
}

/// What a failure says: where it got furthest, what was expected there, and what stands there.
pub(super) fn diagnose(input: &mut Input<'_>, failure: Failure) -> Option<Diagnostic> {
    input.state.depth = 0;
    let furthest = input.state.furthest.take();
    if let Some(told) = failure.told {
        return Some(*told);
    }
    let (left, wanted) = furthest?;
    let back = left.saturating_sub(input.input.eof_offset());
    let found = if back > 0 {
        input.input.previous_tokens().nth(back - 1)
    } else {
        let ahead = input.input.eof_offset() - left;
        input.input.get(ahead)
    };
    let expected = list(&wanted);
    match found {
        // it has been told already
        Some(token) if token.kind == TokenKind::Bad => None,
        Some(token) => Some(Diagnostic::error(
            &token.span,
            format!("expected {expected}, found `{}`", shortened(token.text)),
            "not expected here",
        )),
        None => {
            let end = input.state.end;
            Some(Diagnostic::error(&(end..end), format!("expected {expected}, and the file ends"), "the end"))
        }
    }
}

/// Forgets what was missing, as what follows is another item.
pub(super) fn forget(input: &mut Input<'_>) {
    input.state.furthest = None;
    input.state.depth = 0;
}

fn list(wanted: &[&str]) -> String {
    match wanted {
        [] => "something else".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(24).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
