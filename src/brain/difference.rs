//! What differs between a decision on the tape and the same decision thought again, region by region.

use serde::Serialize;
use serde_json::Value;
use synapse::DecisionRecord;

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

/// Where two decisions of one input part first, and the largest difference between their numbers.
pub fn compare(recorded: &DecisionRecord, recomputed: &DecisionRecord) -> Option<(Difference, f64)> {
    let json = |record| serde_json::to_value(record).unwrap_or(Value::Null);
    let (then, now) = (json(recorded), json(recomputed));
    let mut first = None;
    let mut largest = 0.0;
    for (region, part) in PARTS {
        walk(part.to_owned(), &then[part], &now[part], &mut |field, a, b| {
            // of a hash the distance says nothing
            if let (Some(a), Some(b)) = (a.as_f64(), b.as_f64())
                && part != "percept"
            {
                largest = f64::max(largest, (a - b).abs());
            }
            first.get_or_insert_with(|| Difference {
                sequence: recorded.sequence,
                instrument: Some(recorded.instrument.0),
                region,
                field,
                recorded: a.to_string(),
                recomputed: b.to_string(),
            });
        });
    }
    // numbers that JSON has no word for, such as the sign of zero, differ in their bytes alone
    let bytes_differ = || Difference {
        sequence: recorded.sequence,
        instrument: Some(recorded.instrument.0),
        region: "tape",
        field: "bytes".to_owned(),
        recorded: format!("{} bytes", recorded.to_bytes().len()),
        recomputed: "others".to_owned(),
    };
    let first = first.or_else(|| (recorded.to_bytes() != recomputed.to_bytes()).then(bytes_differ));
    first.map(|difference| (difference, largest))
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
