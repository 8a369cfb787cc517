//! Several files as one text, in which a line before each names it: so places are told in the file that they are of,
//! also where nothing is left of the files but the text.

use std::ops::Range;

/// What the line before a file begins with.
const MARK: &str = "#--- ";

/// Several files, each with its name, as one text; one alone is its own text.
#[must_use]
pub fn joined<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> String {
    if let [(_, text)] = files {
        return text.as_ref().to_owned();
    }
    let part = |(name, text): &(N, T)| format!("{MARK}{}\n{}\n", name.as_ref(), text.as_ref().trim_end());
    files.iter().map(part).collect()
}

/// A file in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    start: usize,
}

impl<'a> Part<'a> {
    /// The file that a place of a text is in; the whole text, by its own name, where no mark is before it.
    pub(crate) fn at(file: &'a str, text: &'a str, at: usize) -> Self {
        let whole = Self { file, text, start: 0 };
        let marks = text.match_indices(MARK).map(|(mark, _)| mark);
        let mut marks = marks.filter(|mark| *mark == 0 || text[..*mark].ends_with('\n')).peekable();
        let mut found = None;
        while let Some(mark) = marks.next_if(|mark| *mark < at) {
            found = Some(mark);
        }
        let Some((name, rest)) = found.and_then(|mark| text[mark + MARK.len()..].split_once('\n')) else {
            return whole;
        };
        let start = text.len() - rest.len();
        if at < start {
            return whole;
        }
        let end = marks.peek().copied().unwrap_or(text.len());
        Self { file: name, text: &text[start..end], start }
    }

    /// A span of the whole text as one of the file.
    pub(crate) fn span(&self, span: &Range<usize>) -> Range<usize> {
        let within = |at: usize| at.saturating_sub(self.start).min(self.text.len());
        within(span.start)..within(span.end)
    }

    /// Line and column of a place of the whole text, both from 1; columns count characters.
    pub(crate) fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..self.span(&(at..at)).start).unwrap_or(self.text);
        let line = before.rfind('\n').map_or(0, |end| end + 1);
        (before.matches('\n').count() + 1, before[line..].chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_in_its_file() {
        let text = joined(&[("a.ltn", "one\ntwo"), ("b.ltn", "three\n#--- is no mark here? it is\nfour\n")]);
        let told = |word: &str| {
            let at = text.find(word).expect("it is in the text");
            let part = Part::at("both", &text, at);
            (part.file.to_owned(), part.position(at))
        };
        assert_eq!(told("one"), ("a.ltn".to_owned(), (1, 1)));
        assert_eq!(told("wo"), ("a.ltn".to_owned(), (2, 2)));
        assert_eq!(told("three"), ("b.ltn".to_owned(), (1, 1)));
        assert_eq!(Part::at("both", &text, 0), Part { file: "both", text: &text, start: 0 });
    }

    #[test]
    fn one_file_alone_is_its_own_text() {
        assert_eq!(joined(&[("a.ltn", "one")]), "one");
        let part = Part::at("a.ltn", "one\ntwo", 5);
        assert_eq!((part.file, part.position(5)), ("a.ltn", (2, 2)));
    }
}
