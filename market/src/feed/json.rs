//! JSON objects as rows: values are kept as they are written, so that numbers lose no digit.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::feed::fields::shown;

/// More fields than any row has.
const MOST_FIELDS: usize = 32;

/// A value as it is written, without its quotes.
pub(crate) fn bare(raw: &RawValue) -> &str {
    let text = raw.get();
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text)
}

/// The bytes of [`bare`].
pub(crate) fn token(raw: &RawValue) -> &[u8] {
    bare(raw).as_bytes()
}

/// A list of pairs of numbers.
pub(crate) fn pairs<'a>(name: &str, raw: &'a RawValue) -> Result<Vec<[&'a [u8]; 2]>, String> {
    let list: Vec<[&RawValue; 2]> = serde_json::from_str(raw.get())
        .map_err(|_| format!("{name} is no list of [price, quantity]; correct or leave out the row"))?;
    Ok(list.into_iter().map(|pair| pair.map(token)).collect())
}

/// A pair of numbers.
pub(crate) fn pair<'a>(name: &str, raw: &'a RawValue) -> Result<[&'a [u8]; 2], String> {
    let pair: [&RawValue; 2] = serde_json::from_str(raw.get())
        .map_err(|_| format!("{name} is no [price, quantity]; correct or leave out the row"))?;
    Ok(pair.map(token))
}

/// The fields of a JSON object, none of them twice.
pub(crate) struct Object<'a>(SmallVec<[(Cow<'a, str>, &'a RawValue); 8]>);

impl<'a> Object<'a> {
    /// Reads a row.
    pub(crate) fn read(row: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(row)
            .map_err(|e| format!("is no JSON object ({e}); correct or leave out the row"))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// A field as it is written; `null` is none.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, raw) = self.0.iter().find(|(n, _)| n == name)?;
        (raw.get() != "null").then_some(*raw)
    }

    /// A field that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<&'a RawValue, String> {
        self.get(name).ok_or_else(|| format!("`{name}` is missing; complete or leave out the row"))
    }

    /// A number or a plain word, with or without quotes.
    pub(crate) fn token(&self, name: &str) -> Result<&'a [u8], String> {
        self.need(name).map(token)
    }

    /// A text, its escapes undone.
    pub(crate) fn text(&self, name: &str) -> Result<Cow<'a, str>, String> {
        let raw = self.need(name)?;
        if !raw.get().starts_with('"') {
            return Err(format!("{name} `{}` is no text; write it in quotes", shown(raw.get().as_bytes())));
        }
        if raw.get().contains('\\') {
            return serde_json::from_str(raw.get())
                .map(Cow::Owned)
                .map_err(|e| format!("`{name}` is no text ({e}); correct or leave out the row"));
        }
        Ok(Cow::Borrowed(bare(raw)))
    }
}

/// A name that is copied only where it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
                let mut fields = SmallVec::<[(Cow<'de, str>, &RawValue); 8]>::new();
                while let Some(Name(name)) = map.next_key()? {
                    if fields.len() == MOST_FIELDS {
                        return Err(M::Error::custom("too many fields"));
                    }
                    if fields.iter().any(|(known, _)| *known == name) {
                        let name = shown(name.as_bytes());
                        return Err(M::Error::custom(format!("`{name}` stands twice")));
                    }
                    fields.push((name, map.next_value()?));
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}
