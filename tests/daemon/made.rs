//! Made-up markets, and a brain that is armed soon, not easily frightened, and wants 10 lots of 1 at a
//! price of 100 as soon as much more is bid than offered.

use std::fmt::Write;

/// The brain of these markets, in the simulated regime.
pub const BRAIN: &str = concat!(
    include_str!("../data/soon.toml"),
    "[daemon]\nintent_ttl_ms = 60000\nreconcile_every_s = 1\nsnapshot_every_s = 0\n"
);

/// How far apart the rows of a feed are; the grid lies between them.
pub const STEP_MS: i64 = 100;
/// 2026-05-02T02:36:20.050Z.
const BEGIN_MS: i64 = 1_777_689_380_050;

/// Best bid and its quantity, best ask and its quantity.
pub type Best = [f64; 4];

/// As much is bid as offered.
pub const EVEN: Best = [100.0, 50.0, 101.0, 50.0];
/// Much more is bid than offered.
pub const BID: Best = [100.0, 95.0, 101.0, 5.0];

/// That brain for one instrument, X.
pub fn brain() -> String {
    format!("{BRAIN}{}", facts("X"))
}

/// What is known of an instrument, and limits that nothing hits.
pub fn facts(name: &str) -> String {
    format!(
        "[instrument.{name}]\ntick = 1\nlot = 1\nreference_notional = 1000\n[limits.{name}]\norder_size = 1000\n\
         position = 1000\nnotional = 1e6\ncapital = 1e9\ncollar = 10000.0\nrate = 1000\nduplicate = 1\n"
    )
}

/// The rows of a feed in our own schema.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    ms: i64,
    last_ns: i64,
    rows: Vec<String>,
}

impl Feed {
    /// Time passes.
    pub fn wait(mut self, ms: i64) -> Self {
        self.ms += ms;
        self
    }

    /// A row of that type and with these fields, and no time behind it.
    pub fn push(mut self, instrument: &str, kind: &str, fields: &str) -> Self {
        let time_ns = (BEGIN_MS + self.ms) * 1_000_000;
        self.last_ns = time_ns;
        self.rows
            .push(format!(r#"{{"type":"{kind}","instrument":"{instrument}","time":{time_ns}{fields}}}"#));
        self
    }

    /// A book, and no time behind it.
    pub fn quote(self, instrument: &str, [bid, bids, ask, asks]: Best) -> Self {
        let fields = format!(r#","bids":[["{bid}","{bids}"]],"asks":[["{ask}","{asks}"]]"#);
        self.push(instrument, "snapshot", &fields)
    }

    /// The book of X, so many times.
    pub fn book(self, times: usize, best: Best) -> Self {
        (0..times).fold(self, |feed, _| feed.quote("X", best).wait(STEP_MS))
    }

    /// The time of its last row.
    pub fn end_ns(&self) -> i64 {
        self.last_ns
    }

    /// The same at the same time, without its rows.
    pub fn emptied(self) -> Self {
        Self { rows: Vec::new(), ..self }
    }

    /// Its rows.
    pub fn text(&self) -> String {
        self.rows.iter().fold(String::new(), |mut text, row| {
            writeln!(text, "{row}").expect("memory");
            text
        })
    }
}
