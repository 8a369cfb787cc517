//! Canonical bytes: a magic, then parts, each with its length before it.

use crate::error::NetworkError;

/// Appends a part.
pub(crate) fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u64).to_le_bytes());
    bytes.extend(part);
}

/// What is left to read of canonical bytes.
pub(crate) struct Parts<'a> {
    /// What they are the bytes of, for errors.
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Parts<'a> {
    /// The bytes behind a magic.
    pub fn of(what: &'static str, magic: &[u8], bytes: &'a [u8]) -> Result<Self, NetworkError> {
        let all = Self { what, rest: bytes };
        let begin = || all.wrong(format!("they do not begin with {}", magic.escape_ascii()));
        Ok(Self { what, rest: bytes.strip_prefix(magic).ok_or_else(begin)? })
    }

    /// That something is wrong with them.
    pub fn wrong(&self, why: impl Into<String>) -> NetworkError {
        NetworkError::Bytes { what: self.what, why: why.into() }
    }

    /// Takes a number off the front.
    pub fn number(&mut self) -> Result<u64, NetworkError> {
        let (number, after) =
            self.rest.split_first_chunk::<8>().ok_or_else(|| self.wrong("they are cut off"))?;
        self.rest = after;
        Ok(u64::from_le_bytes(*number))
    }

    /// Takes a part off the front.
    pub fn take(&mut self) -> Result<&'a [u8], NetworkError> {
        let length = usize::try_from(self.number()?).map_err(|_| self.wrong("a part is too long"))?;
        let (part, after) =
            self.rest.split_at_checked(length).ok_or_else(|| self.wrong("they are cut off"))?;
        self.rest = after;
        Ok(part)
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<(), NetworkError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.wrong(format!("{} bytes too many", self.rest.len())))
        }
    }
}
