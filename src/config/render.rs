//! The configuration as text: a commented file, and a schema.

use std::fmt::Write;

use market::params::{Key, Value};
use prefrontal::Limits;
use serde_json::json;

use super::sections::{InstrumentParams, keys_of};
use super::{Config, SectionKeys};

/// The name that stands for any instrument in help and schema.
const ANY: &str = "NAME";

/// A commented TOML file of every key with the value it has.
pub fn to_toml(config: &Config) -> String {
    let mut text = String::from(
        "# Every key of the configuration, with its value, unit, bounds and meaning.\n\
         # `janus config check FILE` tells what is wrong with a file; what it leaves out keeps its default.\n\
         # JANUS_SECTION_KEY variables and `--set section.key=value` flags override it.\n",
    );
    for section in config.sections() {
        write_section(&mut text, section.section, &section, |_| true);
    }
    for (name, params) in &config.instruments {
        write_section(&mut text, &format!("instrument.{name}"), &keys_of(params), |_| true);
    }
    for (name, (limits, given)) in &config.limits {
        write_section(&mut text, &format!("limits.{name}"), &keys_of(limits), |key| given.contains(key.name));
    }
    if config.instruments.is_empty() && config.limits.is_empty() {
        text.push_str(&template());
    }
    text
}

/// The sections of an instrument, to uncomment and fill in.
fn template() -> String {
    let mut sections = String::new();
    for section in [keys_of(&InstrumentParams::default()), keys_of(&Limits::default())] {
        write_section(&mut sections, &format!("{}.{ANY}", section.section), &section, |_| true);
    }
    let commented = |line: &str| match line {
        "" => "\n".to_owned(),
        line => format!("# {line}\n"),
    };
    let lines: String = sections.lines().map(commented).collect();
    format!(
        "\n# One of each an instrument that trades, {ANY} as its feed writes it. No limit has a default: set them all.\n{lines}"
    )
}

fn write_section(text: &mut String, name: &str, section: &SectionKeys, given: impl Fn(&Key) -> bool) {
    let mut line = |content: String| {
        text.push_str(&content);
        text.push('\n');
    };
    line(format!("\n[{name}]"));
    for (key, value) in &section.keys {
        line(format!("# {}{}", key.meaning, bounds(key)));
        let comment = if given(key) { "" } else { "# " };
        line(format!("{comment}{} = {value}", key.name));
    }
}

/// Unit and bounds in brackets, where there are any.
fn bounds(key: &Key) -> String {
    let mut text = String::new();
    let ordered = key.max > key.min;
    let unit = if key.unit.is_empty() || key.unit == "1" { "" } else { key.unit };
    match (ordered, unit) {
        (true, "") => _ = write!(text, " [{} to {}]", key.min, key.max),
        (true, unit) => _ = write!(text, " [{unit}, {} to {}]", key.min, key.max),
        (false, "") => {}
        (false, unit) => _ = write!(text, " [{unit}]"),
    }
    text
}

/// A JSON schema of the configuration.
pub fn schema() -> serde_json::Value {
    let config = Config::default();
    let mut sections: serde_json::Map<String, serde_json::Value> =
        config.sections().iter().map(|s| (s.section.to_owned(), object(s))).collect();
    for section in [keys_of(&InstrumentParams::default()), keys_of(&Limits::default())] {
        let named = json!({ "type": "object", "description": format!("one table a {ANY}"), "additionalProperties": object(&section) });
        sections.insert(section.section.to_owned(), named);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "JANUS configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
}

fn object(section: &SectionKeys) -> serde_json::Value {
    let properties: serde_json::Map<String, serde_json::Value> =
        section.keys.iter().map(|(key, value)| (key.name.to_owned(), property(key, value))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn property(key: &Key, value: &Value) -> serde_json::Value {
    let (kinds, default) = match value {
        Value::Bool(v) => (json!("boolean"), json!(v)),
        Value::Int(v) => (json!("integer"), json!(v)),
        Value::Float(v) => (json!("number"), json!(v)),
        Value::Text(v) if key.kind == "decimal" => (json!(["string", "number"]), json!(v)),
        Value::Text(v) => (json!("string"), json!(v)),
    };
    let mut property = json!({ "type": kinds, "default": default, "description": key.meaning });
    if !key.unit.is_empty() {
        property["x-unit"] = json!(key.unit);
    }
    if key.max > key.min {
        property["minimum"] = json!(key.min);
        property["maximum"] = json!(key.max);
    }
    property
}
