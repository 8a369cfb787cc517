//! Expressions: terms and formulas, by the binding of their operators.

use winnow::combinator::{alt, delimited, opt, preceded, separated};
use winnow::prelude::*;
use winnow::stream::Stream;

use crate::diagnostic::Diagnostic;
use crate::program::Relation;
use crate::syntax::lexer::{Mark, TokenKind};
use crate::syntax::stream::{
    Failure, Input, Parsed, checked, deeper, has_word, last_end, mark, missing, name, peek, symbol, take,
};
use crate::syntax::tree::{Expr, ExprKind, Name, Operator, Quantifier};

/// How tightly what binds, from the loosest.
pub(super) const LOOSEST: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const NOT: u8 = 4;
const COMPARISON: u8 = 5;
/// Only terms: what an example sets a fact to.
pub(super) const SUM: u8 = 6;
const PRODUCT: u8 = 7;
const SIGN: u8 = 8;

/// What follows an expression.
enum Next {
    Binary(Operator),
    Member { negated: bool },
}

/// An expression whose operators bind at least so tightly.
pub(super) fn expression(input: &mut Input<'_>, least: u8) -> Parsed<Expr> {
    deeper(input, |input| {
        let mut left = operand(input)?;
        let mut compared = false;
        while let Some((power, next)) = operator(input, least) {
            if power == COMPARISON && compared {
                return Err(chained(&left));
            }
            compared = power == COMPARISON;
            left = combine(input, left, power, next)?;
        }
        Ok(left)
    })
}

fn chained(left: &Expr) -> Failure {
    Failure::told(
        Diagnostic::error(&left.span, "a comparison cannot be compared", "this is true or false")
            .help("write `a < b and b < c`"),
    )
}

/// Takes the next operator if it binds tightly enough.
fn operator(input: &mut Input<'_>, least: u8) -> Option<(u8, Next)> {
    let next = |mark| {
        let relation = |relation| Some((COMPARISON, Next::Binary(Operator::Compare(relation))));
        match mark {
            Mark::Implies => Some((LOOSEST, Next::Binary(Operator::Implies))),
            Mark::Or => Some((OR, Next::Binary(Operator::Or))),
            Mark::And => Some((AND, Next::Binary(Operator::And))),
            Mark::Less => relation(Relation::Less),
            Mark::AtMost => relation(Relation::AtMost),
            Mark::Greater => relation(Relation::Greater),
            Mark::AtLeast => relation(Relation::AtLeast),
            Mark::Equal => relation(Relation::Equal),
            Mark::Differs => relation(Relation::Differs),
            Mark::In => Some((COMPARISON, Next::Member { negated: false })),
            Mark::Not => Some((COMPARISON, Next::Member { negated: true })),
            Mark::Plus => Some((SUM, Next::Binary(Operator::Add))),
            Mark::Minus => Some((SUM, Next::Binary(Operator::Subtract))),
            Mark::Times => Some((PRODUCT, Next::Binary(Operator::Multiply))),
            Mark::Over => Some((PRODUCT, Next::Binary(Operator::Divide))),
            _ => None,
        }
    };
    let found = match peek(input).map(|token| &token.kind) {
        Some(TokenKind::Mark(mark)) => next(*mark).filter(|(power, _)| *power >= least),
        _ => None,
    };
    if found.is_none() {
        if least <= COMPARISON {
            missing(input, "a comparison");
        }
        if least <= LOOSEST {
            missing(input, "`and`, `or`, `=>`");
        }
        return None;
    }
    input.next_token();
    found
}

fn combine(input: &mut Input<'_>, left: Expr, power: u8, next: Next) -> Parsed<Expr> {
    match next {
        Next::Member { negated } => {
            if negated {
                mark(Mark::In, "`in`")(input)?;
            }
            let set = operand(input)?;
            let (span, levels) = (left.span.start..set.span.end, left.levels.max(set.levels) + 1);
            let kind = ExprKind::Member { value: Box::new(left), set: Box::new(set), negated };
            checked(Expr { kind, span, levels })
        }
        Next::Binary(operator) => {
            // only `=>` leans to the right
            let right = expression(input, if power == LOOSEST { power } else { power + 1 })?;
            let (span, levels) = (left.span.start..right.span.end, left.levels.max(right.levels) + 1);
            let kind = ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) };
            checked(Expr { kind, span, levels })
        }
    }
}

/// What operators stand between.
fn operand(input: &mut Input<'_>) -> Parsed<Expr> {
    match peek(input).map(|token| &token.kind) {
        Some(TokenKind::Mark(Mark::ForAll)) => quantified(input, true),
        Some(TokenKind::Mark(Mark::Exists)) => quantified(input, false),
        Some(TokenKind::Mark(Mark::Not)) => prefix(input, NOT, ExprKind::Not),
        Some(TokenKind::Mark(Mark::Minus)) => prefix(input, SIGN, ExprKind::Negate),
        _ => {
            let mut expr = primary(input)?;
            while let Some(()) = opt(mark(Mark::Dot, "`.`")).parse_next(input)? {
                let name = name("a fact")(input)?;
                let (span, levels) = (expr.span.start..name.span.end, expr.levels + 1);
                let kind = ExprKind::Attribute { of: Box::new(expr), name };
                expr = checked(Expr { kind, span, levels })?;
            }
            Ok(expr)
        }
    }
}

fn prefix(input: &mut Input<'_>, power: u8, kind: fn(Box<Expr>) -> ExprKind) -> Parsed<Expr> {
    let start = input.next_token().map_or(0, |token| token.span.start);
    let of = expression(input, power)?;
    let (span, levels) = (start..of.span.end, of.levels + 1);
    checked(Expr { kind: kind(Box::new(of)), span, levels })
}

fn quantified(input: &mut Input<'_>, all: bool) -> Parsed<Expr> {
    let start = input.next_token().map_or(0, |token| token.span.start);
    let variable = name("a variable")(input)?;
    mark(Mark::In, "`in`")(input)?;
    let domain = name("`orders`, `instruments` or `working`")(input)?;
    let guard = if has_word(input, "where", "`where`") { Some(expression(input, LOOSEST)?) } else { None };
    mark(Mark::Colon, "`:`")(input)?;
    let body = expression(input, LOOSEST)?;
    let levels = guard.as_ref().map_or(0, |guard| guard.levels).max(body.levels) + 1;
    let span = start..body.span.end;
    let kind = ExprKind::Quantified(Box::new(Quantifier { all, variable, domain, guard, body }));
    checked(Expr { kind, span, levels })
}

fn primary(input: &mut Input<'_>) -> Parsed<Expr> {
    let start = peek(input).map_or(0, |token| token.span.start);
    let (kind, levels) = alt((number, literal, set, parenthesis, named)).parse_next(input)?;
    Ok(Expr { kind, span: start..last_end(input), levels })
}

fn leaf(kind: ExprKind) -> (ExprKind, usize) {
    (kind, 1)
}

fn number(input: &mut Input<'_>) -> Parsed<(ExprKind, usize)> {
    let digits = take("a number", |token| match token.kind {
        TokenKind::Number(digits) => Some(digits.to_owned()),
        _ => None,
    })(input)?;
    let percent = take("a unit", |token| {
        (token.kind == TokenKind::Mark(Mark::Percent))
            .then(|| Name { text: "%".to_owned(), span: token.span.clone() })
    });
    let unit = opt(alt((percent, name("a unit")))).parse_next(input)?;
    let per = match unit {
        Some(_) if has_word(input, "per", "`per`") => Some(name("a unit")(input)?),
        _ => None,
    };
    Ok(leaf(ExprKind::Number { digits, unit, per }))
}

fn literal(input: &mut Input<'_>) -> Parsed<(ExprKind, usize)> {
    take("a date", |token| match token.kind {
        TokenKind::Date(date) => Some(leaf(ExprKind::Date(date))),
        TokenKind::Time(ns) => Some(leaf(ExprKind::Time(ns))),
        TokenKind::Text(text) => Some(leaf(ExprKind::Text(text.to_owned()))),
        TokenKind::Word("true") => Some(leaf(ExprKind::Truth(true))),
        TokenKind::Word("false") => Some(leaf(ExprKind::Truth(false))),
        TokenKind::Word("absent") => Some(leaf(ExprKind::Absent)),
        _ => None,
    })(input)
}

fn set(input: &mut Input<'_>) -> Parsed<(ExprKind, usize)> {
    let comma = mark(Mark::Comma, "`,`");
    let members = separated(0.., symbol("a symbol"), comma);
    let open = mark(Mark::OpenSet, "`{`");
    delimited(open, members, mark(Mark::CloseSet, "`}`"))
        .map(|members| leaf(ExprKind::Set(members)))
        .parse_next(input)
}

fn parenthesis(input: &mut Input<'_>) -> Parsed<(ExprKind, usize)> {
    let inside = preceded(mark(Mark::Open, "`(`"), |input: &mut Input<'_>| expression(input, LOOSEST))
        .parse_next(input)?;
    mark(Mark::Close, "`)`")(input)?;
    Ok((inside.kind, inside.levels))
}

fn named(input: &mut Input<'_>) -> Parsed<(ExprKind, usize)> {
    let name = name("a fact")(input)?;
    if opt(mark(Mark::Open, "`(`")).parse_next(input)?.is_none() {
        return Ok(leaf(ExprKind::Name(name.text)));
    }
    let argument = |input: &mut Input<'_>| expression(input, SUM);
    let arguments: Vec<Expr> = separated(0.., argument, mark(Mark::Comma, "`,`")).parse_next(input)?;
    mark(Mark::Close, "`)`")(input)?;
    let levels = arguments.iter().map(|a| a.levels).max().unwrap_or(0) + 1;
    checked(Expr { kind: ExprKind::Call { name, arguments }, span: 0..0, levels })
        .map(|call| (call.kind, call.levels))
}
