//! How the columns of a user's own file are mapped.

use crate::num::{Quantity, SCALE};

crate::params! {
    /// Bars from a CSV file. Columns left empty are recognised by their usual names.
    pub struct CsvBars in "csv_bars" {
        /// Column of the time; empty: timestamp, timestamp_ms, datetime, date, time or index.
        time: String = String::new(), "", 0.0, 0.0;
        /// How times are written: auto, s, ms, us, ns, iso, or a pattern such as %m/%d/%Y %H:%M.
        time_format: String = "auto".to_owned(), "", 0.0, 0.0;
        /// Whether the time is that of the bar's open or of its close.
        time_is: String = "open".to_owned(), "", 0.0, 0.0;
        /// How far the file's clock is ahead of UTC, where a time does not say so itself.
        utc_offset_min: i64 = 0, "min", -1440.0, 1440.0;
        /// Length of a bar; 0: the smallest distance between the first eight.
        bar_length_s: i64 = 0, "s", 0.0, 31_622_400.0;
        /// Column of the first price; empty: open.
        open: String = String::new(), "", 0.0, 0.0;
        /// Column of the highest price; empty: high.
        high: String = String::new(), "", 0.0, 0.0;
        /// Column of the lowest price; empty: low.
        low: String = String::new(), "", 0.0, 0.0;
        /// Column of the last price; empty: close, or the only column beside the time.
        close: String = String::new(), "", 0.0, 0.0;
        /// Column of the volume; empty: volume, where there is one.
        volume: String = String::new(), "", 0.0, 0.0;
        /// Quantity of the instrument in one unit of the file's volume.
        volume_unit: Quantity = Quantity::from_units(SCALE), "", 0.0, 1e9;
        /// What stands between two columns, or auto.
        delimiter: String = "auto".to_owned(), "", 0.0, 0.0;
        /// Whether the first line names the columns; where not, their names are 1, 2, 3 and so on.
        header: bool = true, "", 0.0, 0.0;
    }
}

crate::params! {
    /// Trades from a CSV file. Columns left empty are recognised by their usual names.
    pub struct CsvTrades in "csv_trades" {
        /// Column of the time; empty: timestamp, timestamp_ms, datetime, date, time or index.
        time: String = String::new(), "", 0.0, 0.0;
        /// How times are written: auto, s, ms, us, ns, iso, or a pattern such as %m/%d/%Y %H:%M.
        time_format: String = "auto".to_owned(), "", 0.0, 0.0;
        /// How far the file's clock is ahead of UTC, where a time does not say so itself.
        utc_offset_min: i64 = 0, "min", -1440.0, 1440.0;
        /// Column of the price; empty: price.
        price: String = String::new(), "", 0.0, 0.0;
        /// Column of the quantity; empty: quantity, qty, volume, amount or size.
        quantity: String = String::new(), "", 0.0, 0.0;
        /// Column of the side that took; empty: side, aggressor or is_buyer_maker, where there is one.
        side: String = String::new(), "", 0.0, 0.0;
        /// What stands between two columns, or auto.
        delimiter: String = "auto".to_owned(), "", 0.0, 0.0;
        /// Whether the first line names the columns; where not, their names are 1, 2, 3 and so on.
        header: bool = true, "", 0.0, 0.0;
    }
}
