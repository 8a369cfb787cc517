//! What differs between a decision on the tape and the same decision thought again, region by region.

use serde::Serialize;
use serde_json::Value;
use synapse::DecisionRecord;

use crate::inference::tolerance;

/// The first place where two thoughts part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The sequence number of the input.
    pub sequence: u64,
    /// The instrument's number, where a decision differs.
    pub instrument: Option<u16>,
    /// The region, or `exchange`, or `tape` where something is missing on one side.
    pub region: &'static str,
    /// Which part of what it said.
    pub field: String,
    /// What stands on the tape.
    pub recorded: String,
    /// What was computed now.
    pub recomputed: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sequence, instrument, region, field, recorded, recomputed } = self;
        let at = instrument.map_or(String::new(), |at| format!(":{at}"));
        write!(
            f,
            "decision {sequence}{at}, {region}, {field}: the tape has {recorded}, now it is {recomputed}"
        )
    }
}

/// How two decisions of one input differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Parting {
    /// Where they part first.
    pub first: Difference,
    /// The largest difference between their numbers.
    pub largest: f64,
    /// Whether two back ends may differ so (D5): in nothing but numbers, and the hash of what was seen.
    pub is_near: bool,
}

/// The parts of a decision in the order of the line, each with the region it comes from.
const PARTS: [(&str, &str); 16] = [
    ("brainstem", "kind"),
    ("brainstem", "time"),
    ("brainstem", "book"),
    ("brainstem", "top"),
    ("brainstem", "mark2"),
    ("brainstem", "account"),
    ("brainstem", "features"),
    ("brainstem", "context"),
    ("amygdala", "threat"),
    ("neocortex", "recall"),
    ("visual_cortex", "percept"),
    ("thalamus", "state"),
    ("basal_ganglia", "proposal"),
    ("cerebellum", "execution"),
    ("prefrontal", "verdict"),
    ("tape", "instrument"),
];

/// How two decisions of one input differ, if they do.
pub fn compare(recorded: &DecisionRecord, recomputed: &DecisionRecord) -> Option<Parting> {
    let json = |record| serde_json::to_value(record).unwrap_or(Value::Null);
    let (then, now) = (json(recorded), json(recomputed));
    let at = |region, field: String, recorded_as: String, recomputed_as: String| Difference {
        sequence: recorded.sequence,
        instrument: Some(recorded.instrument.0),
        region,
        field,
        recorded: recorded_as,
        recomputed: recomputed_as,
    };
    let mut first = None;
    let (mut largest, mut is_near) = (0.0, true);
    for (region, part) in PARTS {
        walk(part.to_owned(), &then[part], &now[part], &mut |field, a, b| {
            // of a hash the distance says nothing
            if part != "percept" {
                let apart = a.as_f64().zip(b.as_f64()).map(|(a, b)| (a - b).abs());
                largest = f64::max(largest, apart.unwrap_or_default());
                // what is counted, or exact, is the same or is not
                let may = a.as_f64().filter(|_| a.is_f64() && b.is_f64()).map(tolerance);
                is_near &= may.zip(apart).is_some_and(|(may, apart)| apart <= may);
            }
            first.get_or_insert_with(|| at(region, field, a.to_string(), b.to_string()));
        });
    }
    // numbers that JSON has no word for, such as the sign of zero, differ in their bytes alone
    let (a, b) = (recorded.to_bytes(), recomputed.to_bytes());
    if first.is_none() && a != b {
        is_near = false;
        first = Some(at("tape", "bytes".to_owned(), format!("{} bytes", a.len()), "others".to_owned()));
    }
    first.map(|first| Parting { first, largest, is_near })
}

/// Calls `differs` for each leaf that is not the same.
fn walk(path: String, then: &Value, now: &Value, differs: &mut impl FnMut(String, &Value, &Value)) {
    match (then, now) {
        (Value::Object(a), Value::Object(b))
            if a.len() == b.len() && a.keys().all(|key| b.contains_key(key)) =>
        {
            for (key, value) in a {
                walk(format!("{path}.{key}"), value, &b[key], differs);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                walk(format!("{path}[{at}]"), a, b, differs);
            }
        }
        (a, b) if a != b => differs(path, a, b),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_leaf_that_differs_is_told(at in 0usize..8, by in 1.0f64..2.0) {
            let numbers: Vec<f64> = (0..8).map(f64::from).collect();
            let mut others = numbers.clone();
            others[at] += by;
            let mut told = Vec::new();
            walk("x".into(), &serde_json::json!(numbers), &serde_json::json!(others), &mut |path, _, _| told.push(path));
            prop_assert_eq!(told, vec![format!("x[{at}]")]);
        }
    }
}
