//! From text to a tree: words, then items and formulas. The tree knows places, and no meaning.

mod expression;
mod item;
mod lexer;
mod stream;
mod tree;

pub(crate) use tree::{
    Assignment, Examples, Expr, ExprKind, File, Item, Name, Operator, Quantifier, Row, RuleItem,
};

use crate::diagnostic::{Diagnostic, LONGEST_FILE};

/// Reads a file. What is wrong is told, and left out of the tree.
pub(crate) fn parse(text: &str, diagnostics: &mut Vec<Diagnostic>) -> File {
    if text.len() > LONGEST_FILE {
        let message = format!("the file is {} bytes long, and at most {LONGEST_FILE} are read", text.len());
        let error = Diagnostic::error(&(0..0), message, "");
        diagnostics.push(error.help("split the rules into files that are loaded together"));
        return Default::default();
    }
    let tokens = lexer::tokens(text, diagnostics);
    item::file(&tokens, text.len(), diagnostics)
}
