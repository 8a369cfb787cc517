//! Names that are short enough to travel with every decision.

use std::fmt;

use arrayvec::ArrayString;
use serde::{Deserialize, Serialize};

/// The name of a rule, which is the code of its refusals: at most [`Code::MAX_BYTES`] bytes, held in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(ArrayString<{ Code::MAX_BYTES }>);

impl Code {
    /// The longest a name can be.
    pub const MAX_BYTES: usize = 31;

    /// A name; none where it is too long.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        ArrayString::from(name).ok().map(Self)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::{decode, encode};

    #[test]
    fn a_name_comes_back_and_one_too_long_is_none() {
        let code = Code::new("order_size").expect("short enough");
        assert_eq!(decode::<Code>(&encode(&code)).expect("it was just written"), code);
        assert_eq!(format!("{code:<12}|"), "order_size  |");
        assert_eq!(Code::new(&"x".repeat(Code::MAX_BYTES + 1)), None);
        assert!(Code::new(&"x".repeat(Code::MAX_BYTES)).is_some());
    }
}
