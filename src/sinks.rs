//! What `--out DIR` keeps of a run: decisions, fills and equity as CSV, one row each, in order.

use std::fs::File;
use std::path::{Path, PathBuf};

use market::order::{Report, ReportKind};
use market::{Instruments, Price, Timestamp};
use synapse::{DecisionRecord, Digest, Outcome, SampleKind};

use crate::brain::Observer;
use crate::failure::Failure;

/// The writers of one folder.
pub struct Sinks {
    folder: PathBuf,
    instruments: Instruments,
    decisions: csv::Writer<File>,
    fills: csv::Writer<File>,
    equity: csv::Writer<File>,
    failed: Option<csv::Error>,
}

const DECISIONS: [&str; 17] = [
    "sequence",
    "time",
    "instrument",
    "kind",
    "mid",
    "position",
    "action",
    "margin",
    "target",
    "edge_bp",
    "cost_bp",
    "threat",
    "distance",
    "outcome",
    "reason",
    "satisfaction",
    "latch",
];
const FILLS: [&str; 9] =
    ["time", "venue_time", "order", "instrument", "side", "price", "quantity", "fee", "liquidity"];
const EQUITY: [&str; 4] = ["time", "instrument", "equity", "position"];

impl Sinks {
    /// Opens the files of a folder, which is made where it does not exist.
    ///
    /// # Errors
    /// [`Failure::Environment`] where that cannot be.
    pub fn open(folder: &Path, instruments: &Instruments) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder).map_err(|e| Failure::unwritable(folder, &e))?;
        let open = |name: &str, header: &[&str]| -> Result<csv::Writer<File>, Failure> {
            let path = folder.join(name);
            let failed = |e: csv::Error| Failure::unwritable(&path, &e);
            let mut writer = csv::Writer::from_path(&path).map_err(failed)?;
            writer.write_record(header).map_err(failed)?;
            Ok(writer)
        };
        Ok(Self {
            folder: folder.to_owned(),
            instruments: instruments.clone(),
            decisions: open("decisions.csv", &DECISIONS)?,
            fills: open("fills.csv", &FILLS)?,
            equity: open("equity.csv", &EQUITY)?,
            failed: None,
        })
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// [`Failure::Environment`] for the first row that could not be written.
    pub fn close(mut self) -> Result<(), Failure> {
        if let Some(error) = self.failed.take() {
            return Err(Failure::unwritable(&self.folder, &error));
        }
        for writer in [&mut self.decisions, &mut self.fills, &mut self.equity] {
            writer.flush().map_err(|e| Failure::unwritable(&self.folder, &e))?;
        }
        Ok(())
    }

    fn note(&mut self, written: Result<(), csv::Error>) {
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    fn name(&self, instrument: market::InstrumentId) -> String {
        self.instruments.get(instrument).name.clone()
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), |v| v.to_string())
}

/// Twice a price, exactly.
fn half(mark2: Option<i64>) -> String {
    // an odd number of units has a half more than nine decimals hold
    let text = |twice: i64| {
        let whole = Price::from_units(twice / 2);
        if twice % 2 == 0 { whole.to_string() } else { format!("{:.10}", twice as f64 / 2e9) }
    };
    mark2.map_or(String::new(), text)
}

impl Observer for Sinks {
    fn decided(&mut self, record: &DecisionRecord, _bytes: &[u8], _digest: Digest) {
        let instrument = self.name(record.instrument);
        let (outcome, reason) = match &record.verdict.outcome {
            Outcome::Act(requests) => {
                let texts: Vec<String> = requests.iter().map(|r| format!("{r:?}")).collect();
                ("act", texts.join("; "))
            }
            Outcome::Rest(reason) => (reason.name(), reason.to_string()),
        };
        let kind = match record.kind {
            SampleKind::Regular => "regular".to_owned(),
            SampleKind::Startle(startle) => format!("{startle:?}").to_lowercase(),
        };
        let cost = record.execution.chosen().map(synapse::StyleForecast::cost_bp);
        let row = [
            record.sequence.to_string(),
            record.time.to_string(),
            instrument.clone(),
            kind,
            half(record.mark2),
            record.account.position.to_string(),
            record.proposal.action.to_string(),
            record.proposal.margin.to_string(),
            record.proposal.target.to_string(),
            number(record.execution.edge_bp),
            number(cost),
            format!("{:?}", record.threat.level).to_lowercase(),
            number(record.threat.reading(synapse::Signal::Anomaly).value),
            outcome.to_owned(),
            reason,
            record.verdict.satisfaction.to_string(),
            record.verdict.latch.map_or(String::new(), |cause| cause.to_string()),
        ];
        let written = self.decisions.write_record(&row);
        self.note(written);
        let account = &record.account;
        let row =
            [record.time.to_string(), instrument, account.equity.to_string(), account.position.to_string()];
        let written = self.equity.write_record(&row);
        self.note(written);
    }

    fn reported(&mut self, time: Timestamp, report: &Report) {
        let ReportKind::Filled(fill) = &report.kind else { return };
        let row = [
            time.to_string(),
            report.time.to_string(),
            report.id.to_string(),
            self.name(report.id.instrument),
            fill.side.to_string(),
            fill.price.to_string(),
            fill.quantity.to_string(),
            fill.fee.to_string(),
            format!("{:?}", fill.liquidity).to_lowercase(),
        ];
        let written = self.fills.write_record(&row);
        self.note(written);
    }
}
