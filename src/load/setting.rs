//! The configuration of a load: all instruments trade, and no limit stands in the way.

use std::fmt::Write;

use super::market::name;

/// Samples until an instrument may trade: those in which the amygdala warms up, and those of which its
/// threshold is counted.
pub(super) const WARM_UP: u64 = 50 + 49;

/// A sample an event; a calm amygdala that looks at persistence; a policy that takes what is there, a whole
/// position either way, so that each turn of the market is an order.
const BRAIN: &str = r#"
[run]
cash = "1000000000"
[sampler]
kind = "events"
events = 1
[amygdala]
warm_up = 50
p = 0.02
calibration = 49
m = 24
n = 32
spread_floor_ticks = 2.0
return_floor_bp = 2.0
imbalance_floor = 0.5
flow_floor = 20.0
volatility_floor_bp = 2.0
[basal_ganglia]
gain = 8.0
hold_bias = 0.0
margin = 0.05
min_share = 1.0
[cerebellum]
edge_filter = false
market_urgency = 0.02
inside_urgency = 0.02
"#;

/// The text of it, with a snapshot each so many inputs.
pub(super) fn config(instruments: usize, snapshot_inputs: u64) -> String {
    let mut text = format!("{BRAIN}[daemon]\nsnapshot_every_s = 0\nsnapshot_inputs = {snapshot_inputs}\n");
    for name in (0..instruments).map(name) {
        // writing to a string cannot fail
        let _ = write!(
            text,
            r#"[instrument.{name}]
tick = "0.01"
lot = "1"
reference_notional = "1000"
daily_volume = "1000000"
[limits.{name}]
order_size = "1000"
position = "1000"
notional = "1000000"
capital = "1000000000"
collar = 100.0
rate = 100000
duplicate = 1
"#
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Loader;

    #[test]
    fn it_stands_for_any_number_of_instruments() {
        for instruments in [1, 64, 1000] {
            let read = Loader::new().text(&config(instruments, 1000), "a load").and_then(Loader::finish);
            let config = read.expect("sound");
            assert_eq!(config.instrument_names().len(), instruments);
            let amygdala = &config.amygdala;
            assert_eq!(u64::from(amygdala.warm_up + amygdala.calibration), WARM_UP);
        }
    }
}
