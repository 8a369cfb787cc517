//! Words, numbers and marks.

use std::ops::Range;

use winnow::combinator::{alt, opt, preceded, repeat};
use winnow::error::EmptyError;
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location};
use winnow::token::{any, one_of, take_while};

use crate::diagnostic::Diagnostic;
use crate::number::Date;

/// A mark or a word that means the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Open,
    Close,
    OpenSet,
    CloseSet,
    Comma,
    Colon,
    Dot,
    Equal,
    Differs,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Plus,
    Minus,
    Times,
    Over,
    Percent,
    Implies,
    And,
    Or,
    Not,
    ForAll,
    Exists,
    In,
}

/// Every way to write a mark, the longer before what they begin with.
const MARKS: [(&str, Mark); 33] = [
    ("=>", Mark::Implies),
    ("⇒", Mark::Implies),
    ("→", Mark::Implies),
    ("<=", Mark::AtMost),
    ("≤", Mark::AtMost),
    (">=", Mark::AtLeast),
    ("≥", Mark::AtLeast),
    ("!=", Mark::Differs),
    ("≠", Mark::Differs),
    ("==", Mark::Equal),
    ("=", Mark::Equal),
    ("<", Mark::Less),
    (">", Mark::Greater),
    ("(", Mark::Open),
    (")", Mark::Close),
    ("{", Mark::OpenSet),
    ("}", Mark::CloseSet),
    (",", Mark::Comma),
    (":", Mark::Colon),
    (".", Mark::Dot),
    ("+", Mark::Plus),
    ("-", Mark::Minus),
    ("−", Mark::Minus),
    ("*", Mark::Times),
    ("·", Mark::Times),
    ("/", Mark::Over),
    ("%", Mark::Percent),
    ("∧", Mark::And),
    ("∨", Mark::Or),
    ("¬", Mark::Not),
    ("∀", Mark::ForAll),
    ("∃", Mark::Exists),
    ("∈", Mark::In),
];

/// Words that are marks.
const WORDS: [(&str, Mark); 6] = [
    ("and", Mark::And),
    ("or", Mark::Or),
    ("not", Mark::Not),
    ("forall", Mark::ForAll),
    ("exists", Mark::Exists),
    ("in", Mark::In),
];

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind<'s> {
    Mark(Mark),
    Word(&'s str),
    Number(&'s str),
    Text(&'s str),
    Date(Date),
    /// A time of day, in nanoseconds since midnight.
    Time(i64),
    /// Something that looked like one of these; it has been told.
    Bad,
}

/// A token and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'s> {
    pub(super) kind: TokenKind<'s>,
    pub(super) text: &'s str,
    pub(super) span: Range<usize>,
}

type Text<'s> = LocatingSlice<&'s str>;
type Lexed<T> = Result<T, EmptyError>;

/// The tokens of a text. What is none is told and left out.
pub(super) fn tokens<'s>(text: &'s str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token<'s>> {
    let mut input = LocatingSlice::new(text);
    let mut tokens = Vec::new();
    loop {
        blank(&mut input);
        let start = input.current_token_start();
        let Ok(kind) = token(&mut input) else {
            break;
        };
        let span = start..input.current_token_start();
        let token = Token { kind, text: &text[span.clone()], span };
        if token.kind == TokenKind::Bad {
            diagnostics.push(bad(&token));
        }
        tokens.push(token);
    }
    tokens
}

/// Spaces, line ends and comments.
fn blank(input: &mut Text<'_>) {
    let space = take_while(1.., |c: char| c.is_whitespace() || c == '\u{feff}').void();
    let comment = ('#', take_while(0.., |c| c != '\n')).void();
    let skipped: Lexed<()> = repeat(0.., alt((space, comment))).parse_next(input);
    debug_assert!(skipped.is_ok(), "nothing to skip is no error");
}

/// The next token; fails at the end of the text only.
fn token<'s>(input: &mut Text<'s>) -> Lexed<TokenKind<'s>> {
    alt((text, date, time, number, word, mark, any.value(TokenKind::Bad))).parse_next(input)
}

fn text<'s>(input: &mut Text<'s>) -> Lexed<TokenKind<'s>> {
    let inside = preceded('"', take_while(0.., |c| c != '"' && c != '\n')).parse_next(input)?;
    let end: Option<char> = opt('"').parse_next(input)?;
    Ok(if end.is_some() { TokenKind::Text(inside) } else { TokenKind::Bad })
}

fn digits<'s>(input: &mut Text<'s>) -> Lexed<&'s str> {
    take_while(1.., |c: char| c.is_ascii_digit()).parse_next(input)
}

fn date<'s>(input: &mut Text<'s>) -> Lexed<TokenKind<'s>> {
    let digit = |c: char| c.is_ascii_digit();
    let shape = (take_while(4, digit), '-', take_while(1..=2, digit), '-', take_while(1.., digit));
    let text = shape.take().parse_next(input)?;
    Ok(Date::parse(text).map_or(TokenKind::Bad, TokenKind::Date))
}

fn time<'s>(input: &mut Text<'s>) -> Lexed<TokenKind<'s>> {
    let two = |input: &mut Text<'s>| -> Lexed<i64> {
        take_while(2, |c: char| c.is_ascii_digit()).try_map(str::parse).parse_next(input)
    };
    let seconds = opt(preceded(':', two));
    let (hours, _, minutes, seconds) = (two, ':', two, seconds).parse_next(input)?;
    let seconds = seconds.unwrap_or(0);
    let second_ns = market::time::SECOND_NS;
    let sound = hours < 24 && minutes < 60 && seconds < 60;
    Ok(if sound {
        TokenKind::Time(((hours * 60 + minutes) * 60 + seconds) * second_ns)
    } else {
        TokenKind::Bad
    })
}

fn number<'s>(input: &mut Text<'s>) -> Lexed<TokenKind<'s>> {
    let grouped = |input: &mut Text<'s>| -> Lexed<()> {
        let more = take_while(0.., |c: char| c.is_ascii_digit() || c == '_');
        (one_of(|c: char| c.is_ascii_digit()), more).void().parse_next(input)
    };
    (grouped, opt(('.', digits))).take().map(TokenKind::Number).parse_next(input)
}

fn word<'s>(input: &mut Text<'s>) -> Lexed<TokenKind<'s>> {
    let first = one_of(|c: char| c.is_ascii_alphabetic() || c == '_');
    let more = take_while(0.., |c: char| c.is_ascii_alphanumeric() || c == '_');
    let word: &str = (first, more).take().parse_next(input)?;
    let mark = WORDS.iter().find(|(text, _)| *text == word);
    Ok(mark.map_or(TokenKind::Word(word), |(_, mark)| TokenKind::Mark(*mark)))
}

fn mark<'s>(input: &mut Text<'s>) -> Lexed<TokenKind<'s>> {
    let text: &str = input.as_ref();
    let (mark, meaning) = MARKS.iter().find(|(mark, _)| text.starts_with(mark)).ok_or(EmptyError)?;
    let mut mark = *mark;
    let taken: Lexed<&str> = mark.parse_next(input);
    taken.map(|_| TokenKind::Mark(*meaning))
}

fn bad(token: &Token<'_>) -> Diagnostic {
    let Token { text, span, .. } = token;
    match text.chars().next() {
        Some('"') => Diagnostic::error(span, "this text does not end", "it begins here")
            .help("end it with \" on the same line"),
        Some(c) if c.is_ascii_digit() && text.contains(':') => {
            Diagnostic::error(span, format!("there is no time of day {text}"), "not a time of day")
                .help("write hh:mm or hh:mm:ss, from 00:00 to 23:59:59")
        }
        Some(c) if c.is_ascii_digit() => {
            Diagnostic::error(span, format!("there is no day {text}"), "not a day of the calendar")
                .help("write YYYY-MM-DD, with two digits for month and day")
        }
        _ => {
            Diagnostic::error(span, format!("`{}` has no meaning here", text.escape_debug()), "unknown sign")
                .help("a comment begins with #")
        }
    }
}
