//! Bad input as a user meets it: `janus backtest` and `janus data info` name file and line, say what to
//! do, end with the exit code of DESIGN section 10, and lose nothing that came before.

mod gaps;
mod huge;
mod rows;
mod streams;

use std::path::PathBuf;

use serde_json::Value;

use crate::{Run, run, write};

/// The limits of one instrument, X.
pub const CONFIG: &str = "[instrument.X]\ntick = 1\n[limits.X]\norder_size = 1\nposition = 2\n\
                          notional = 1000\ncapital = 1000\ncollar = 50.0\nrate = 10\nduplicate = 500\n";

/// The header of Bitstamp's orders.
pub const HEADER: &str = "id,timestamp,exchange_timestamp,price,volume,action,direction";

/// The time of made-up rows, ms.
pub const T: i64 = 1_777_689_380_000;

/// A row of Bitstamp's orders, so many ms after the first.
pub fn order(ms: i64, id: u64, price: &str, volume: &str, action: &str, direction: &str) -> String {
    let time = T + ms;
    format!("{id},{},{time},{price},{volume},{action},{direction}", time + 7)
}

/// A book and some changes of it, over 1.4 seconds.
pub fn good_orders() -> Vec<String> {
    vec![
        order(10, 1, "100", "5", "created", "bid"),
        order(20, 2, "102", "5", "created", "ask"),
        order(300, 3, "101", "1.5", "created", "bid"),
        order(700, 2, "102", "4", "changed", "ask"),
        order(1000, 4, "103", "2", "created", "ask"),
        order(1400, 3, "101", "1.5", "deleted", "bid"),
    ]
}

/// The text of a file of orders.
pub fn orders(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

/// A folder with a configuration.
pub struct Desk {
    folder: tempfile::TempDir,
    config: String,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(CONFIG)
    }

    pub fn with(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = write(folder.path(), "janus.toml", config);
        Self { folder, config }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn config(&self) -> &str {
        &self.config
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        write(self.folder.path(), name, content)
    }

    /// Trades feeds.
    pub fn backtest(&self, args: &[&str]) -> Told {
        Told::of(run(&[&["backtest", "--json", "--config", &self.config], args].concat()))
    }

    /// Looks at a feed.
    pub fn info(&self, args: &[&str]) -> Told {
        Told::of(run(&[&["data", "info", "--json"], args].concat()))
    }

    /// Both, which agree on the feed.
    pub fn both(&self, args: &[&str]) -> [Told; 2] {
        let both = [self.backtest(args), self.info(args)];
        let [traded, looked] = &both;
        for key in
            ["rows", "accepted", "refused", "ignored", "bookkeeping", "faults", "notes", "stream_faults"]
        {
            assert_eq!(traded.json[key], looked.json[key], "{key}");
        }
        assert_eq!(traded.run.code, looked.run.code);
        both
    }
}

/// What a run said.
pub struct Told {
    pub run: Run,
    pub json: Value,
}

impl Told {
    pub fn of(run: Run) -> Self {
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        let told = Self { json: run.json(), run };
        let parts = ["accepted", "refused", "ignored", "bookkeeping"].map(|key| told.count(key));
        assert_eq!(told.count("rows"), parts.iter().sum::<u64>(), "{:?}", told.json);
        told
    }

    pub fn count(&self, key: &str) -> u64 {
        self.json[key].as_u64().unwrap_or_else(|| panic!("no {key}: {}", self.json))
    }

    /// The texts of a list.
    pub fn texts(&self, key: &str) -> Vec<&str> {
        let list = self.json[key].as_array().unwrap_or_else(|| panic!("no {key}: {}", self.json));
        list.iter().map(|text| text.as_str().expect("text")).collect()
    }

    /// Asserts that one row was refused, for this reason, and how many were accepted beside it.
    pub fn refuses(&self, fault: &str, accepted: u64) {
        assert_eq!(self.texts("faults"), [fault]);
        assert_eq!((self.count("refused"), self.count("accepted")), (1, accepted), "{fault}");
        assert!(self.run.stderr.contains(fault), "people are told too: {}", self.run.stderr);
    }

    /// Asserts that the feed ended by a fault that says all of this, after so many good rows.
    pub fn ends(&self, said: &[&str], accepted: u64) {
        self.run.fails(2, said);
        let faults = self.texts("stream_faults");
        assert_eq!(faults.len(), 1, "{faults:?}");
        for words in said {
            assert!(faults[0].contains(words), "`{words}` is not in {}", faults[0]);
        }
        assert_eq!((self.count("accepted"), self.count("refused")), (accepted, 0), "{said:?}");
        assert_eq!(self.texts("notes"), [""; 0], "the fault says it all");
    }
}
