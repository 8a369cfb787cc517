//! The invariants of absence: what must not be found in the house, and where.
//!
//! Each rule is a list of texts that a place must be free of. Comments do not count, nor does test code
//! where a rule is about what runs.

use std::path::{Path, PathBuf};

/// What is on the deterministic path and pure: no clock, no file, no chance.
const PURE: [&str; 5] = ["market/src/", "networks/src/", "regions/", "rules/src/", "src/brain/"];
/// The shells around the regions in it.
const HOSTS: &str = "src/brain/hosts/";
/// All that runs.
const RUNNING: [&str; 7] =
    ["market/src/", "journal/src/", "networks/src/", "regions/", "rules/src/", "src/", "training/src/"];
const EVERYTHING: [&str; 9] =
    ["market/", "journal/", "networks/", "regions/", "rules/", "src/", "tests/", "training/", "benches/"];

struct Rule {
    /// What is not to be found.
    what: &'static str,
    /// The beginnings of paths where it is not.
    within: &'static [&'static str],
    /// The files where it may be.
    except: &'static [&'static str],
    /// Whether test code is free to.
    tests_may: bool,
    /// The texts that show it.
    shown_by: &'static [&'static str],
}

const RULES: [Rule; 14] = [
    Rule {
        what: "a clock",
        within: &PURE,
        // how long the regions take is measured, and goes into no decision
        except: &["src/brain/line.rs", HOSTS],
        tests_may: true,
        shown_by: &["Instant", "SystemTime", "std::time"],
    },
    Rule {
        what: "a file",
        within: &PURE,
        except: &["market/src/feed/open.rs", "networks/src/files.rs"],
        tests_may: true,
        shown_by: &["std::fs", "fs::", "File::", "stdin()", "std::net", "TcpStream", "UdpSocket"],
    },
    Rule {
        what: "the environment, another process or thread",
        within: &PURE,
        except: &[],
        tests_may: true,
        shown_by: &[
            "std::env",
            "env::",
            "std::process",
            "process::",
            "std::thread",
            "thread::",
            "available_parallelism",
        ],
    },
    Rule {
        what: "chance without a seed",
        within: &PURE,
        except: &[],
        tests_may: true,
        shown_by: &["rand::", "thread_rng", "getrandom", "RandomState", "DefaultHasher"],
    },
    Rule {
        what: "a global",
        within: &RUNNING,
        except: &[],
        tests_may: true,
        shown_by: &["static mut", "thread_local", "OnceLock", "LazyLock", "OnceCell"],
    },
    Rule {
        what: "something shared between threads",
        within: &PURE,
        // a model's scratch memory; rules that are only read, by each who judges
        except: &[HOSTS, "networks/src/native/mod.rs", "regions/prefrontal/src/court.rs"],
        tests_may: true,
        shown_by: &["Mutex", "RwLock", "sync::atomic", "Arc<", "Rc<", "RefCell", "mpsc"],
    },
    Rule {
        what: "a hash map, whose order is chance",
        within: &PURE,
        except: &["market/src/book/evicted.rs", "market/src/book/visible.rs"],
        tests_may: true,
        shown_by: &["HashMap", "HashSet", "hashbrown"],
    },
    Rule {
        what: "an iteration over a hash map",
        within: &["market/src/book/evicted.rs", "market/src/book/visible.rs"],
        except: &[],
        tests_may: true,
        shown_by: &[
            "index.iter",
            "index.keys",
            "index.values",
            "index.drain",
            "index.retain",
            "index.into_iter",
            "in &self.index",
            "in self.index",
        ],
    },
    Rule {
        what: "a transcendental of the system's library, or a fused multiplication",
        within: &PURE,
        except: &[],
        tests_may: true,
        shown_by: &[
            ".ln(",
            ".ln_1p(",
            ".log(",
            ".log2(",
            ".log10(",
            ".exp(",
            ".exp2(",
            ".exp_m1(",
            ".powf(",
            ".powi(",
            ".sin(",
            ".cos(",
            ".tan(",
            ".sin_cos(",
            ".asin(",
            ".acos(",
            ".atan(",
            ".atan2(",
            ".sinh(",
            ".cosh(",
            ".tanh(",
            ".asinh(",
            ".acosh(",
            ".atanh(",
            ".hypot(",
            ".cbrt(",
            ".mul_add(",
            "f32::exp",
            "f64::exp",
            "f32::ln",
            "f64::ln",
            "f32::tanh",
            "f64::tanh",
        ],
    },
    Rule {
        what: "an order sent past the gate",
        within: &["regions/", "src/"],
        // the broker is where it is sent to; a tape's orders are sent again on paper; a venue is the other side
        except: &[
            "src/brain/engine.rs",
            "src/brain/broker.rs",
            "src/brain/rethink.rs",
            "src/report/compare.rs",
            "src/venue/floor.rs",
        ],
        tests_may: true,
        shown_by: &[".submit("],
    },
    Rule {
        what: "an input let in past the door",
        within: &["regions/", "src/"],
        // what is only looked at is no input; a tape's inputs came in once; a venue has a door of its own
        except: &[
            "src/brain/engine.rs",
            "src/brain/broker.rs",
            "src/brain/line.rs",
            "src/brain/rethink.rs",
            "src/brain/senses.rs",
            "src/report/compare.rs",
            "src/venue/floor.rs",
            "src/venue/server.rs",
        ],
        tests_may: true,
        shown_by: &["Input { sequence", ".on_event(&event)", ".pop_report("],
    },
    Rule {
        what: "a print that panics when nobody reads",
        within: &RUNNING,
        except: &[],
        tests_may: true,
        shown_by: &["println!", "print!(", "dbg!"],
    },
    Rule {
        what: "a way to panic on what comes from outside, or an unfinished end",
        within: &RUNNING,
        // the instruction sets, and the loops that they vectorise
        // a program that the checker made leaves on its stack what it says
        except: &["networks/src/native/isa.rs", "networks/src/native/linear.rs", "rules/src/machine.rs"],
        tests_may: true,
        shown_by: &[".unwrap()", ".expect(", "todo!", "unimplemented!", "#[allow(", "#![allow("],
    },
    Rule {
        what: "a test that does not run, dead code, or a path of somebody's machine",
        within: &EVERYTHING,
        // the process that a kill test kills, and what writes the fixture of a format
        except: &[
            "tests/house.rs",
            "tests/daemon/trip.rs",
            "journal/tests/tape/kill.rs",
            "journal/tests/tape/format.rs",
        ],
        tests_may: false,
        shown_by: &["#[ignore", "allow(dead_code)", "todo!(", "/home/", "/Users/", "/root/"],
    },
];

const MOST_LINES: usize = 500;

/// Whether a file is nothing but test code.
fn is_test(path: &str) -> bool {
    path.contains("/tests/")
        || path.starts_with("tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/benches/")
}

/// The lines that run, each with its number: without comments, and without test code unless it counts.
fn running(text: &str, with_tests: bool) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut numbered = text.lines().enumerate();
    while let Some((at, line)) = numbered.next() {
        if line.starts_with("#[cfg(test)]") && !with_tests {
            // of a module in the file, which is the last thing in it; another is declared in one line
            match numbered.next() {
                Some((_, next)) if next.ends_with(';') => continue,
                _ => break,
            }
        }
        lines.push((at + 1, line.split("//").next().unwrap_or_default()));
    }
    lines
}

/// Every breach of a rule by a file: where, and what was found.
fn breaches(rule: &Rule, path: &str, text: &str) -> Vec<String> {
    let applies = rule.within.iter().any(|place| path.starts_with(place))
        && !rule
            .except
            .iter()
            .any(|except| path == *except || except.ends_with('/') && path.starts_with(except));
    if !applies || (rule.tests_may && is_test(path)) {
        return Vec::new();
    }
    let found = |(line, content): (usize, &str)| {
        let shown = rule.shown_by.iter().find(|shown| content.contains(**shown))?;
        Some(format!("{path}:{line}: {}: `{shown}`", rule.what))
    };
    running(text, !rule.tests_may).into_iter().filter_map(found).collect()
}

/// The sources of the house by their paths from its root.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let root = support::root();
    let mut found = Vec::new();
    EVERYTHING.iter().map(|place| root.join(place)).filter(|p| p.exists()).for_each(|p| walk(&p, &mut found));
    let named = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("text");
        let name = path.strip_prefix(&root).expect("below the root").display().to_string();
        (name.replace('\\', "/"), text)
    };
    found.into_iter().map(named).collect()
}

#[test]
fn no_rule_is_broken() {
    let sources = sources();
    assert!(sources.len() > 150, "the sources are found: {}", sources.len());
    let broken: Vec<String> = sources
        .iter()
        .flat_map(|(path, text)| RULES.iter().flat_map(move |rule| breaches(rule, path, text)))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| text.lines().count() > MOST_LINES)
        .map(|(path, text)| format!("{path}: {} lines", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "a file is one idea, of at most {MOST_LINES} lines: {}", long.join(", "));
}

/// The manifest of a crate: its dependencies, and those of its tests.
fn dependencies(manifest: &str) -> [Vec<String>; 2] {
    let manifest: toml::Table = toml::from_str(manifest).expect("TOML");
    ["dependencies", "dev-dependencies"].map(|section| {
        let table = manifest.get(section).and_then(toml::Value::as_table);
        table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
    })
}

/// What a region may not know.
const UNKNOWN: [&str; 10] =
    ["tokio", "ractor", "sled", "journal", "axum", "reqwest", "hyper", "rand", "chrono", "janus"];

/// The dependencies of a region that are none of its business.
fn strangers(manifest: &str, regions: &[String]) -> Vec<String> {
    let [own, tests] = dependencies(manifest);
    let is_strange = |name: &String| UNKNOWN.contains(&name.as_str()) || regions.contains(name);
    own.into_iter().chain(tests).filter(is_strange).collect()
}

#[test]
fn regions_know_only_synapse_and_the_market_knows_no_brain() {
    let root = support::root();
    let folders = std::fs::read_dir(root.join("regions")).expect("regions");
    let mut regions: Vec<String> =
        folders.map(|entry| entry.expect("an entry").file_name().display().to_string()).collect();
    regions.retain(|name| name != "synapse");
    assert_eq!(regions.len(), janus::brain::REGIONS.len());
    let manifest = |path: &str| std::fs::read_to_string(root.join(path).join("Cargo.toml")).expect(path);
    for region in regions.iter().map(String::as_str).chain(["synapse"]) {
        let others: Vec<String> = regions.iter().filter(|other| *other != region).cloned().collect();
        assert_eq!(strangers(&manifest(&format!("regions/{region}")), &others), [""; 0], "{region}");
        let plan = root.join("regions").join(region).join("src/region.rs");
        assert!(plan.exists(), "each region has its plan: {}", plan.display());
    }
    let brains: Vec<String> = regions.iter().cloned().chain(["synapse".to_owned()]).collect();
    assert_eq!(strangers(&manifest("market"), &brains), [""; 0]);
}

#[test]
fn a_planted_breach_is_found() {
    for rule in &RULES {
        let place = rule.within[0];
        let within = &if place.ends_with(".rs") { place.to_owned() } else { format!("{place}planted.rs") };
        for shown in rule.shown_by {
            let code = format!("//! A file.\n\nfn planted() {{\n    {shown} }}\n");
            assert_eq!(breaches(rule, within, &code), [format!("{within}:4: {}: `{shown}`", rule.what)]);
            let comment = format!("//! {shown}\n");
            assert_eq!(breaches(rule, within, &comment), [""; 0], "comments are free");
            let test = format!("fn good() {{}}\n\n#[cfg(test)]\nmod tests {{\n    {shown}\n}}\n");
            assert_eq!(breaches(rule, within, &test).is_empty(), rule.tests_may, "{}: {shown}", rule.what);
            let declared = format!("#[cfg(test)]\nmod tests;\nfn planted() {{ {shown} }}\n");
            assert_eq!(breaches(rule, within, &declared).len(), 1, "code behind a declared module counts");
            assert_eq!(breaches(rule, "docs/planted.rs", &code), [""; 0], "elsewhere it is free");
        }
        for file in rule.except {
            assert_eq!(breaches(rule, file, &format!("{}\n", rule.shown_by[0])), [""; 0]);
        }
    }
    let manifest = "[dependencies]\nsynapse.workspace = true\namygdala.workspace = true\n[dev-dependencies]\ntokio = \"1\"\n";
    assert_eq!(strangers(manifest, &["amygdala".to_owned()]), ["amygdala", "tokio"]);
}

/// The files that sources carry with them, by their paths from the root.
fn carried(path: &str, text: &str) -> Vec<String> {
    let names = text.split("include_").skip(1).filter_map(|rest| rest.split('"').nth(1));
    let resolved = |name: &str| {
        let mut parts: Vec<&str> = path.split('/').collect();
        parts.pop();
        for part in name.split('/') {
            if part == ".." { _ = parts.pop() } else { parts.push(part) }
        }
        parts.join("/")
    };
    names.map(resolved).collect()
}

#[test]
fn the_image_is_built_by_our_toolchain_from_all_that_the_build_reads() {
    let root = support::root();
    let read = |name: &str| std::fs::read_to_string(root.join(name)).expect(name);
    let table = |name: &str| toml::from_str::<toml::Table>(&read(name)).expect("TOML");
    let (image, kept, manifest) = (read("Dockerfile"), read(".dockerignore"), table("Cargo.toml"));
    let channel = table("rust-toolchain.toml")["toolchain"]["channel"].as_str().expect("text").to_owned();
    assert!(image.contains(&format!("FROM rust:{channel}-slim")), "the image is built by {channel}");
    let version = manifest["workspace"]["package"]["version"].as_str().expect("text");
    assert!(image.contains(&format!("image.version=\"{version}\"")), "it is labelled {version}");
    let members = manifest["workspace"]["members"].as_array().expect("a list").iter();
    let members = members.map(|member| member.as_str().expect("text").trim_end_matches("/*").to_owned());
    let sources = sources();
    let files: Vec<String> = sources
        .iter()
        .filter(|(path, _)| !is_test(path))
        .flat_map(|(path, text)| carried(path, text))
        .collect();
    assert!(files.contains(&"config/demo.toml".to_owned()), "{files:?}");
    for needed in members.chain(files).chain(["src".to_owned(), "benches".to_owned()]) {
        let top = needed.split('/').next().unwrap_or_default();
        assert!(image.contains(&format!("\nCOPY {top} {top}\n")), "Dockerfile copies no {top}: {needed}");
        let is_kept = kept.lines().filter_map(|line| line.strip_prefix('!')).any(|place| {
            needed.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        assert!(is_kept, ".dockerignore leaves out {needed}");
    }
}

#[test]
fn each_failure_that_is_told_is_shown_by_a_test_that_is_there() {
    let root = support::root();
    let told = std::fs::read_to_string(root.join("docs/failures.md")).expect("text");
    let rows = told.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| **")).skip(1);
    let mut tests = 0;
    for row in rows {
        let links: Vec<_> = row.split("[`").skip(1).filter_map(|link| link.split_once("`](../")).collect();
        assert!(!links.is_empty(), "no test: {row}");
        for (name, rest) in links {
            let path = rest.split(')').next().unwrap_or_default();
            let text = std::fs::read_to_string(root.join(path)).unwrap_or_default();
            assert!(text.contains(&format!("fn {name}(")), "{path} has no test {name}");
            tests += 1;
        }
    }
    assert!(tests > 40, "{tests} tests");
}
