//! Items: constants, declarations, rules and tables of examples. Each is read by itself, so that an
//! error in one does not hide those of the others.

use winnow::combinator::{alt, opt, separated};
use winnow::prelude::*;
use winnow::stream::Stream;

use crate::diagnostic::Diagnostic;
use crate::syntax::expression::{LOOSEST, SUM, expression};
use crate::syntax::lexer::{Mark, Token, TokenKind};
use crate::syntax::stream::{
    Failure, ITEMS, Input, Parsed, diagnose, forget, has_word, last_end, mark, missing, name, peek, place,
    stream, symbol, take, word,
};
use crate::syntax::tree::{Assignment, Examples, Expr, ExprKind, File, Item, Name, Row, RuleItem};

/// All items of a text that ends at `end`.
pub(super) fn file(tokens: &[Token<'_>], end: usize, diagnostics: &mut Vec<Diagnostic>) -> File {
    let mut input = stream(tokens, end);
    let mut items = Vec::new();
    while peek(&input).is_some() {
        let before = input.eof_offset();
        match item(&mut input, diagnostics) {
            Ok(item) => items.push(item),
            Err(failure) => diagnostics.extend(diagnose(&mut input, failure)),
        }
        forget(&mut input);
        // an item that took nothing stands before a word that begins none
        let stuck = input.eof_offset() == before;
        skip(&mut input, stuck);
    }
    File { items }
}

/// Goes to the next word that begins an item, past the present one if asked.
fn skip(input: &mut Input<'_>, past: bool) {
    if past {
        input.next_token();
    }
    while peek(input).is_some_and(|token| !begins(token, &ITEMS)) {
        input.next_token();
    }
}

fn begins(token: &Token<'_>, words: &[&str]) -> bool {
    matches!(token.kind, TokenKind::Word(word) if words.contains(&word))
}

fn item(input: &mut Input<'_>, diagnostics: &mut Vec<Diagnostic>) -> Parsed<Item> {
    let wanted = "`const`, `learned`, `aggregation`, `hard rule`, `soft rule` or `examples for`";
    let begin = take(wanted, |token| match token.kind {
        TokenKind::Word(word) if ITEMS.contains(&word) => Some(word),
        _ => None,
    })(input)?;
    let item = match begin {
        "const" => constant(input)?,
        "learned" => learned(input)?,
        "aggregation" => aggregation(input)?,
        "examples" => examples(input, diagnostics)?,
        force => Item::Rule(Box::new(rule(input, force == "hard")?)),
    };
    match peek(input) {
        Some(token) if !begins(token, &ITEMS) => {
            missing(input, "the next rule");
            Err(Failure::expected())
        }
        _ => Ok(item),
    }
}

fn constant(input: &mut Input<'_>) -> Parsed<Item> {
    let name = name("a name")(input)?;
    mark(Mark::Equal, "`=`")(input)?;
    let value = expression(input, SUM)?;
    Ok(Item::Const { name, value })
}

fn learned(input: &mut Input<'_>) -> Parsed<Item> {
    let learned = name("the name of a predicate")(input)?;
    let over = if has_word(input, "over", "`over`") {
        Some(name("`orders` or `instruments`")(input)?)
    } else {
        None
    };
    let meaning = opt(text("its meaning in quotes")).parse_next(input)?.unwrap_or_default();
    Ok(Item::Learned { name: learned, over, meaning })
}

fn aggregation(input: &mut Input<'_>) -> Parsed<Item> {
    word("p", "`p`")(input)?;
    mark(Mark::Equal, "`=`")(input)?;
    Ok(Item::Aggregation { p: signed(input)? })
}

/// A number as written, its sign included.
fn signed(input: &mut Input<'_>) -> Parsed<Name> {
    let start = place(input).start;
    let minus = opt(mark(Mark::Minus, "a number")).parse_next(input)?.map_or("", |()| "-");
    let digits = take("a number", |token| match token.kind {
        TokenKind::Number(digits) => Some(digits),
        _ => None,
    })(input)?;
    Ok(Name { text: format!("{minus}{digits}"), span: start..last_end(input) })
}

fn text<'t>(wanted: &'static str) -> impl FnMut(&mut Input<'t>) -> Parsed<String> {
    take(wanted, |token| match token.kind {
        TokenKind::Text(text) => Some(text.to_owned()),
        _ => None,
    })
}

fn rule(input: &mut Input<'_>, hard: bool) -> Parsed<RuleItem> {
    word("rule", "`rule`")(input)?;
    let mut rule = RuleItem {
        hard,
        name: name("the name of the rule")(input)?,
        source: None,
        weight: None,
        instruments: Vec::new(),
        account: None,
        from: None,
        until: None,
        latching: None,
        reason: None,
        formula: Expr { kind: ExprKind::Truth(true), span: 0..0, levels: 1 },
    };
    while attribute(input, &mut rule)? {}
    mark(Mark::Colon, "`:`")(input)?;
    rule.formula = expression(input, LOOSEST)?;
    Ok(rule)
}

/// Reads one attribute, if there is one.
fn attribute(input: &mut Input<'_>, rule: &mut RuleItem) -> Parsed<bool> {
    let start = place(input);
    let twice = |set: bool, what: &str| {
        let message = format!("rule `{}` has {what} twice", rule.name.text);
        let told = Diagnostic::error(&start, message, "the second").help("keep one of them");
        if set { Err(Failure::told(told)) } else { Ok(()) }
    };
    if let Some(source) = opt(text("a source in quotes")).parse_next(input)? {
        twice(rule.source.is_some(), "a source")?;
        rule.source = Some(source);
    } else if has_word(input, "weight", "`weight`") {
        twice(rule.weight.is_some(), "a weight")?;
        rule.weight = Some(signed(input)?);
    } else if has_word(input, "for", "`for`") {
        if has_word(input, "account", "`account`") {
            twice(rule.account.is_some(), "an account")?;
            rule.account = Some(symbol("the name of an account")(input)?);
        } else {
            word("instrument", "`instrument`")(input)?;
            twice(!rule.instruments.is_empty(), "instruments")?;
            let comma = mark(Mark::Comma, "`,`");
            rule.instruments =
                separated(1.., symbol("the name of an instrument"), comma).parse_next(input)?;
        }
    } else if has_word(input, "from", "`from`") {
        twice(rule.from.is_some(), "a first day")?;
        rule.from = Some(date(input)?);
    } else if has_word(input, "until", "`until`") {
        twice(rule.until.is_some(), "a last day")?;
        rule.until = Some(date(input)?);
    } else if has_word(input, "latching", "`latching`") {
        twice(rule.latching.is_some(), "`latching`")?;
        rule.latching = Some(start);
    } else if has_word(input, "because", "`because`") {
        twice(rule.reason.is_some(), "a reason")?;
        rule.reason = Some(text("the reason in quotes")(input)?);
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn date(input: &mut Input<'_>) -> Parsed<(crate::number::Date, std::ops::Range<usize>)> {
    take("a date", |token| match token.kind {
        TokenKind::Date(date) => Some((date, token.span.clone())),
        _ => None,
    })(input)
}

fn examples(input: &mut Input<'_>, diagnostics: &mut Vec<Diagnostic>) -> Parsed<Item> {
    word("for", "`for`")(input)?;
    let rule = name("the name of a rule")(input)?;
    mark(Mark::Colon, "`:`")(input)?;
    let mut rows = Vec::new();
    while peek(input).is_some_and(|token| begins(token, &["pass", "refuse"])) {
        let ends = |token: &Token<'_>| begins(token, &["pass", "refuse"]) || begins(token, &ITEMS);
        let read = row(input);
        let rest = peek(input).is_some_and(|token| !ends(token));
        let failure = match read {
            Ok(row) => {
                rows.push(row);
                missing(input, "the next row");
                rest.then(Failure::expected)
            }
            Err(failure) => Some(failure),
        };
        diagnostics.extend(failure.and_then(|failure| diagnose(input, failure)));
        forget(input);
        while peek(input).is_some_and(|token| !ends(token)) {
            input.next_token();
        }
    }
    if rows.is_empty() && peek(input).is_none_or(|token| !begins(token, &ITEMS)) {
        missing(input, "`pass` or `refuse`");
        return Err(Failure::expected());
    }
    Ok(Item::Examples(Examples { rule, rows }))
}

fn row(input: &mut Input<'_>) -> Parsed<Row> {
    let start = place(input).start;
    let begin = alt((word("pass", "`pass`").map(|()| true), word("refuse", "`refuse`").map(|()| false)));
    let passes = { begin }.parse_next(input)?;
    let note = opt(text("a note in quotes")).parse_next(input)?.unwrap_or_default();
    let assignments = match opt(mark(Mark::Colon, "`:`")).parse_next(input)? {
        Some(()) => separated(1.., assignment, mark(Mark::Comma, "`,`")).parse_next(input)?,
        None => Vec::new(),
    };
    Ok(Row { passes, note, assignments, span: start..last_end(input) })
}

fn assignment(input: &mut Input<'_>) -> Parsed<Assignment> {
    let fact = name("a fact")(input)?;
    let window = match opt(mark(Mark::Open, "`(`")).parse_next(input)? {
        Some(()) => {
            let window = expression(input, SUM)?;
            mark(Mark::Close, "`)`")(input)?;
            Some(window)
        }
        None => None,
    };
    mark(Mark::Equal, "`=`")(input)?;
    Ok(Assignment { fact, window, value: expression(input, SUM)? })
}
