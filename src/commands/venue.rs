//! `janus venue`: a market and its paper exchange as a process of their own.

use std::path::PathBuf;

use clap::Args;
use market::exchange::Exchange;
use market::feed::{Format, Merge};

use super::ConfigArgs;
use super::terminal::{say, say_json, tell};
use super::verdict;
use crate::assemble;
use crate::failure::Failure;
use crate::venue::{Faults, Floor, ServeOptions, Speed, serve};

/// Arguments of `janus venue`.
#[derive(Debug, Args)]
pub struct Venue {
    #[command(flatten)]
    config: ConfigArgs,
    /// Files, or folders of orders and trades.
    #[arg(long = "feed", required = true, num_args = 1.., value_name = "FILE")]
    feeds: Vec<String>,
    /// The format of every feed, where it is not to be recognised.
    #[arg(long)]
    format: Option<Format>,
    /// How fast the market flows: a factor, or `max`, as fast as it is read.
    #[arg(long, default_value = "1", value_name = "N|max")]
    speed: Speed,
    /// Garble what clients hear: rejects, lost, late, doubled and reordered reports, cut connections.
    #[arg(long, value_name = "SEED", value_parser = seed)]
    faults: Option<u64>,
    /// The folder of the sockets, market.sock and orders.sock.
    #[arg(long, default_value = "venue", value_name = "DIR")]
    dir: PathBuf,
    /// Let the market wait for an order connection, not for a subscriber alone.
    #[arg(long)]
    wait_orders: bool,
    /// Stop at the end of the feeds.
    #[arg(long)]
    exit_at_end: bool,
    /// One JSON object on the last line of standard output.
    #[arg(long)]
    json: bool,
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("give a whole number from 0 to {}", u64::MAX))
}

impl Venue {
    /// Runs it.
    ///
    /// # Errors
    /// A [`Failure`] for bad configuration or data, or sockets that cannot be.
    pub fn run(self) -> Result<(), Failure> {
        let config = self.config.load(None)?;
        let instruments = config.known(&config.instrument_names())?;
        if instruments.is_empty() {
            let message =
                "the configuration names no instrument; give --config FILE with an [instrument.NAME]";
            return Err(Failure::Input(message.to_owned()));
        }
        let opening = assemble::open_options(&config, &instruments, self.format);
        let mut merge = Merge::open(self.feeds.iter().map(|path| (path.as_str(), opening.clone())));
        let hold_ns = i64::from(config.book.hold_ms) * 1_000_000;
        let exchange = Exchange::new(&instruments, config.exchange.clone(), hold_ns);
        let Some(start) = merge.peek_time() else {
            verdict::judge(&config, &merge, 0, 0)?;
            return Err(Failure::Input("the feeds hold no event; give one that does".into()));
        };
        let floor = Floor::new(instruments, exchange, hold_ns, start);
        let Self { dir, speed, wait_orders, exit_at_end, .. } = self;
        let text = format!("JANUS venue: market and orders in {}, from {start}\n", dir.display());
        let options = ServeOptions { dir, speed, wait_orders, exit_at_end };
        let served = serve(&mut merge, floor, Faults::new(self.faults), &options, || tell(&text))?;
        if self.json {
            say_json(&served)?;
        } else {
            let (cash, faults) = (served.cash, serde_json::to_string(&served.faults)?);
            say(&format!(
                "published {} events to {} subscribers ({} too slow)\n\
                 took {} orders, filled {} times, change of cash {cash}\n\
                 faults: {faults}\n",
                served.events, served.subscribers, served.too_slow, served.orders, served.fills
            ))?;
        }
        let stats = merge.stats();
        verdict::judge(&config, &merge, stats.rows, stats.refused)
    }
}
