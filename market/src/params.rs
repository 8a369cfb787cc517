//! Parameters declared once: name, type, default, unit, bounds and meaning in one place.
//!
//! The [`params!`](crate::params!) macro makes a struct, its defaults and its [`Key`]s from one
//! declaration; configuration files, help and tests derive from the keys.

use std::fmt;

use crate::num::{Money, Price, Quantity};

/// A parameter as configuration text gives it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text; exact decimals such as prices are written as text.
    Text(String),
}

impl fmt::Display for Value {
    /// As TOML writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v:?}"),
            Self::Text(v) => write!(f, "\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    }
}

/// One key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name inside its section.
    pub name: &'static str,
    /// The kind of value: `number`, `whole number`, `true or false`, `text`, `decimal`.
    pub kind: &'static str,
    /// The unit it is in; empty where it has none.
    pub unit: &'static str,
    /// The smallest value allowed.
    pub min: f64,
    /// The largest value allowed.
    pub max: f64,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

/// Why a parameter was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParamError {
    /// There is no such key.
    #[error("there is no such key")]
    Unknown,
    /// The value is of another kind.
    #[error("is {got}, and must be a {kind}")]
    Kind {
        /// What was given.
        got: String,
        /// What is wanted.
        kind: &'static str,
    },
    /// The value is outside its bounds.
    #[error("is {got}, and must be from {min} to {max} {unit}")]
    Bounds {
        /// What was given.
        got: String,
        /// The smallest value allowed.
        min: f64,
        /// The largest value allowed.
        max: f64,
        /// Their unit.
        unit: &'static str,
    },
}

/// A type a parameter can have.
pub trait Param: Sized {
    /// What kind of value it takes.
    const KIND: &'static str;
    /// Reads it.
    fn read(value: &Value) -> Option<Self>;
    /// Writes it.
    fn write(&self) -> Value;
    /// Where it stands on the axis of the bounds; `None` for what has no order.
    fn measure(&self) -> Option<f64>;
}

impl Param for bool {
    const KIND: &'static str = "true or false";
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(v) => Some(*v),
            _ => None,
        }
    }
    fn write(&self) -> Value {
        Value::Bool(*self)
    }
    fn measure(&self) -> Option<f64> {
        None
    }
}

impl Param for String {
    const KIND: &'static str = "text";
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Text(v) => Some(v.clone()),
            _ => None,
        }
    }
    fn write(&self) -> Value {
        Value::Text(self.clone())
    }
    fn measure(&self) -> Option<f64> {
        None
    }
}

macro_rules! param_number {
    ($($type:ty),*) => {$(
        impl Param for $type {
            const KIND: &'static str = "number";
            fn read(value: &Value) -> Option<Self> {
                match value {
                    Value::Float(v) if v.is_finite() => Some(*v as $type),
                    Value::Int(v) => Some(*v as $type),
                    _ => None,
                }
            }
            fn write(&self) -> Value {
                // through text, so that 0.1_f32 is written 0.1
                Value::Float(self.to_string().parse().unwrap_or(f64::from(*self)))
            }
            fn measure(&self) -> Option<f64> {
                // through text, so that 0.1_f32 is at a bound of 0.1
                Some(self.to_string().parse().unwrap_or(f64::from(*self)))
            }
        }
    )*};
}
param_number!(f32, f64);

macro_rules! param_whole {
    ($($type:ty),*) => {$(
        impl Param for $type {
            const KIND: &'static str = "whole number";
            fn read(value: &Value) -> Option<Self> {
                match value {
                    Value::Int(v) => (*v).try_into().ok(),
                    _ => None,
                }
            }
            fn write(&self) -> Value {
                Value::Int(i64::try_from(*self).unwrap_or(i64::MAX))
            }
            fn measure(&self) -> Option<f64> {
                Some(*self as f64)
            }
        }
    )*};
}
param_whole!(u16, u32, u64, usize, i64);

macro_rules! param_decimal {
    ($($type:ty),*) => {$(
        impl Param for $type {
            const KIND: &'static str = "decimal";
            fn read(value: &Value) -> Option<Self> {
                match value {
                    Value::Text(v) => v.parse().ok(),
                    Value::Int(v) => v.to_string().parse().ok(),
                    Value::Float(v) => v.to_string().parse().ok(),
                    Value::Bool(_) => None,
                }
            }
            fn write(&self) -> Value {
                Value::Text(self.to_string())
            }
            fn measure(&self) -> Option<f64> {
                Some(self.to_f64())
            }
        }
    )*};
}
param_decimal!(Price, Quantity, Money);

/// Reads one parameter inside its bounds.
///
/// # Errors
/// [`ParamError`] for a value of the wrong kind or outside the bounds.
pub fn read<T: Param>(key: &Key, value: &Value) -> Result<T, ParamError> {
    let parsed = T::read(value).ok_or(ParamError::Kind { got: value.to_string(), kind: key.kind })?;
    match parsed.measure() {
        Some(at) if !(key.min..=key.max).contains(&at) => {
            Err(ParamError::Bounds { got: value.to_string(), min: key.min, max: key.max, unit: key.unit })
        }
        _ => Ok(parsed),
    }
}

/// A struct whose fields are configuration keys.
pub trait Section: Default {
    /// Its name in the configuration.
    const NAME: &'static str;
    /// Its keys, in order.
    const KEYS: &'static [Key];
    /// Sets one by name.
    ///
    /// # Errors
    /// [`ParamError`] for an unknown name or a value that is not allowed.
    fn set(&mut self, name: &str, value: &Value) -> Result<(), ParamError>;
    /// The value of one by name.
    fn get(&self, name: &str) -> Option<Value>;
}

/// Declares a section of parameters: a struct with defaults, and its [`Key`]s.
///
/// ```
/// market::params! {
///     /// How long things take.
///     pub struct Latency in "latency" {
///         /// From decision to venue.
///         entry_ns: i64 = 2_000_000, "ns", 1.0, 1e12;
///     }
/// }
/// use market::params::Section;
/// assert_eq!(Latency::default().entry_ns, 2_000_000);
/// assert_eq!(Latency::KEYS[0].meaning, "From decision to venue.");
/// ```
#[macro_export]
macro_rules! params {
    ($(#[doc = $about:literal])+ pub struct $struct:ident in $section:literal {
        $($(#[doc = $meaning:literal])+ $name:ident: $type:ty = $default:expr, $unit:literal, $min:expr, $max:expr;)*
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $struct {
            $($(#[doc = $meaning])+ pub $name: $type,)*
        }

        impl Default for $struct {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl $crate::params::Section for $struct {
            const NAME: &'static str = $section;
            const KEYS: &'static [$crate::params::Key] = &[$($crate::params::Key {
                name: stringify!($name),
                kind: <$type as $crate::params::Param>::KIND,
                unit: $unit,
                min: $min,
                max: $max,
                meaning: concat!($($meaning),+).trim_ascii(),
            },)*];

            fn set(&mut self, name: &str, value: &$crate::params::Value) -> Result<(), $crate::params::ParamError> {
                let key = Self::KEYS.iter().find(|k| k.name == name).ok_or($crate::params::ParamError::Unknown)?;
                match name {
                    $(stringify!($name) => self.$name = $crate::params::read(key, value)?,)*
                    _ => return Err($crate::params::ParamError::Unknown),
                }
                Ok(())
            }

            fn get(&self, name: &str) -> Option<$crate::params::Value> {
                match name {
                    $(stringify!($name) => Some($crate::params::Param::write(&self.$name)),)*
                    _ => None,
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    params! {
        /// For the tests below.
        pub struct Sample in "sample" {
            /// A share.
            share: f32 = 0.1, "1", 0.0, 1.0;
            /// A price step.
            tick: Price = Price::from_units(500_000_000), "currency", 0.0, 1e6;
            /// Two lines
            /// of meaning.
            on: bool = true, "", 0.0, 0.0;
        }
    }

    #[test]
    fn every_key_reads_what_it_writes() {
        let sample = Sample::default();
        let mut copy = Sample { share: 0.9, tick: Price::ZERO, on: false };
        for key in Sample::KEYS {
            copy.set(key.name, &sample.get(key.name).expect("declared")).expect("in bounds");
        }
        assert_eq!(copy, sample);
        assert_eq!(sample.get("share"), Some(Value::Float(0.1)));
        assert_eq!(Sample::KEYS[2].meaning, "Two lines of meaning.");
    }

    #[test]
    fn bad_values_are_named() {
        let mut sample = Sample::default();
        let error = sample.set("share", &Value::Float(1.5)).expect_err("out of bounds");
        assert_eq!(error.to_string(), "is 1.5, and must be from 0 to 1 1");
        assert!(matches!(sample.set("share", &Value::Text("x".into())), Err(ParamError::Kind { .. })));
        assert!(matches!(sample.set("share", &Value::Float(f64::NAN)), Err(ParamError::Kind { .. })));
        assert_eq!(sample.set("shares", &Value::Float(0.5)), Err(ParamError::Unknown));
        assert_eq!(sample, Sample::default());
    }
}
