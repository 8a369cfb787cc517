//! Golden vectors: examples made by independent libraries, one JSON file a component.
//!
//! The format is told in `tests/golden/README.md`. `JANUS_GOLDEN=DIR` reads another folder of the
//! same format, so tests are written for the format and never for the numbers.

use std::path::PathBuf;

use serde_json::Value;

/// One case of a golden file.
pub struct Case {
    /// Its name in the file.
    pub name: String,
    /// What goes in.
    pub inputs: Value,
    /// What must come out.
    pub expected: Value,
    abs: f64,
    rel: f64,
}

/// The folder that holds the vectors: `JANUS_GOLDEN`, or the project's own.
pub fn folder() -> PathBuf {
    std::env::var_os("JANUS_GOLDEN").map_or_else(|| crate::root().join("tests/golden"), Into::into)
}

/// The cases of the file whose name starts with `prefix`, such as `"07_"`.
///
/// # Panics
/// If the folder holds no such file, or the file is not of the format.
pub fn cases(prefix: &str) -> Vec<Case> {
    let folder = folder();
    let path = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .find(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(prefix)))
        .unwrap_or_else(|| panic!("{}: no file {prefix}*", folder.display()));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let cases: Vec<Case> =
        file["cases"].as_array().expect("an array of cases").iter().map(Case::new).collect();
    assert!(!cases.is_empty(), "{}: no case", path.display());
    cases
}

impl Case {
    fn new(case: &Value) -> Self {
        Self {
            name: case["name"].as_str().expect("a name").to_owned(),
            inputs: case["inputs"].clone(),
            expected: case["expected"].clone(),
            abs: case["tol"]["abs"].as_f64().unwrap_or(0.0),
            rel: case["tol"]["rel"].as_f64().unwrap_or(0.0),
        }
    }

    /// The case with the tolerance the format grants single-precision code: abs 1e-5, rel 1e-4.
    #[must_use]
    pub fn single_precision(mut self) -> Self {
        self.abs = self.abs.max(1e-5);
        self.rel = self.rel.max(1e-4);
        self
    }

    /// Asserts that `got` is the (nested) array or number at `key` of what is expected.
    ///
    /// # Panics
    /// Where lengths differ or an element is outside the tolerance.
    pub fn check(&self, key: &str, got: &[f64]) {
        let want = &self.expected[key];
        assert!(!want.is_null(), "{}: nothing is expected under `{key}`", self.name);
        self.check_value(key, got, want);
    }

    /// [`Case::check`] against a value taken from anywhere in the case.
    pub fn check_value(&self, what: &str, got: &[f64], want: &Value) {
        let want = floats(want);
        assert_eq!(got.len(), want.len(), "{}: {what}: lengths differ", self.name);
        for (i, (&g, &w)) in got.iter().zip(&want).enumerate() {
            let near = g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= self.abs + self.rel * w.abs();
            assert!(near, "{}: {what}[{i}]: got {g}, expected {w}", self.name);
        }
    }

    /// The number at `key` of the inputs.
    pub fn number(&self, key: &str) -> f64 {
        number(&self.inputs[key])
    }

    /// All numbers at `key` of the inputs, nested arrays flattened in row-major order.
    pub fn input(&self, key: &str) -> Vec<f64> {
        floats(&self.inputs[key])
    }

    /// The rows at `key` of the inputs.
    pub fn rows(&self, key: &str) -> Vec<Vec<f64>> {
        rows(&self.inputs[key])
    }
}

/// The rows of a nested array.
pub fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("an array of rows").iter().map(floats).collect()
}

/// Every number of a (nested) array, in row-major order; `null` reads as NaN.
pub fn floats(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        other => vec![number(other)],
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::NAN,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::String(s) if s == "inf" => f64::INFINITY,
        Value::String(s) if s == "-inf" => f64::NEG_INFINITY,
        other => other.as_f64().unwrap_or_else(|| panic!("not a number: {other}")),
    }
}
