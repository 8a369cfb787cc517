//! The report of a year for people.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use market::Money;
use market::tax::{Disposal, DoNotBuy, OpenLot, Report, Totals};

/// Head, disposals, open lots and sums.
pub fn text(report: &Report) -> String {
    let mut text = head(report);
    let disposals: Vec<&Disposal> = report.disposals().collect();
    let mut part = |title: &str, table: Table| _ = writeln!(text, "\n{title}\n{}", table.trim_fmt());
    if !disposals.is_empty() {
        part("Disposals", disposals_table(&disposals));
    }
    if !report.returns.lots.is_empty() {
        let day = report.returns.last.map_or(String::new(), |day| format!(" on {day}"));
        part(&format!("Lots held{day}"), lots_table(&report.returns.lots));
    }
    if !report.returns.shorts.is_empty() {
        part("Sold short and not bought back", shorts_table(report));
    }
    let bans = report.do_not_buy();
    if !bans.is_empty() {
        part("Do not buy, or a loss is disallowed", bans_table(&bans));
    }
    part("Sums", sums_table(report));
    text
}

/// Policy and assumptions.
pub fn head(report: &Report) -> String {
    let year = report.year;
    let mut text = format!(
        "Tax year {}, {} to {}, of {} trades\n",
        year.year, year.first, year.last, report.returns.trades
    );
    for line in report.assumptions() {
        _ = writeln!(text, "  - {line}");
    }
    text
}

/// An amount for people: four decimals at most.
fn money(amount: Money) -> String {
    amount.rounded(4).to_string()
}

fn plain<const N: usize>(titles: [&str; N], first_number: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut titles = titles.map(str::to_owned);
    titles[0].insert_str(0, "  ");
    table.add_row(titles);
    for column in first_number..N {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn disposals_table(disposals: &[&Disposal]) -> Table {
    let titles = [
        "instrument",
        "account",
        "acquired",
        "sold",
        "term",
        "quantity",
        "proceeds",
        "basis",
        "allowed loss",
        "disallowed",
        "gain or loss",
        "code",
    ];
    let mut table = plain(titles, 5);
    for it in disposals {
        let term = match (it.short_since, it.is_long_term()) {
            (Some(since), _) => format!("short since {since}"),
            (None, true) => "long".to_owned(),
            (None, false) => "short".to_owned(),
        };
        table.add_row([
            format!("  {}", it.symbol),
            it.account.clone(),
            it.acquired.to_string(),
            it.sold.to_string(),
            term,
            it.quantity.to_string(),
            money(it.proceeds),
            money(it.basis),
            money(it.allowed()),
            money(it.disallowed()),
            money(it.reported()),
            it.code().to_owned(),
        ]);
        for by in &it.replacements {
            let into = if by.is_lost { "lost for ever" } else { "into its basis" };
            let mut row = vec![String::new(); titles.len()];
            row[0] = format!("    by {} {}", by.quantity, by.symbol);
            row[1].clone_from(&by.account);
            row[2] = by.acquired.to_string();
            row[4] = into.to_owned();
            row[9] = money(by.amount);
            table.add_row(row);
        }
    }
    table
}

fn lots_table(lots: &[OpenLot]) -> Table {
    let mut table = plain(["instrument", "account", "acquired", "held from", "quantity", "basis"], 4);
    for it in lots {
        table.add_row([
            format!("  {}", it.symbol),
            it.account.clone(),
            it.piece.acquired.to_string(),
            it.piece.held_from.to_string(),
            it.piece.quantity.to_string(),
            money(it.piece.basis),
        ]);
    }
    table
}

fn shorts_table(report: &Report) -> Table {
    let mut table = plain(["instrument", "account", "sold", "quantity", "proceeds"], 3);
    for it in &report.returns.shorts {
        table.add_row([
            format!("  {}", it.symbol),
            it.account.clone(),
            it.short.opened.to_string(),
            it.short.quantity.to_string(),
            money(it.short.proceeds),
        ]);
    }
    table
}

fn bans_table(bans: &[DoNotBuy]) -> Table {
    let mut table = plain(["instrument", "before", "loss"], 2);
    for DoNotBuy { symbol, until, loss } in bans {
        table.add_row([format!("  {symbol}"), until.to_string(), money(*loss)]);
    }
    table
}

fn sums_table(report: &Report) -> Table {
    let mut table =
        plain(["term", "disposals", "proceeds", "basis", "allowed loss", "disallowed", "gain or loss"], 1);
    for (term, sum) in [
        ("short", report.totals(Some(false))),
        ("long", report.totals(Some(true))),
        ("both", report.totals(None)),
    ] {
        table.add_row(sums(term, &sum));
    }
    table
}

fn sums(term: &str, sum: &Totals) -> [String; 7] {
    [
        format!("  {term}"),
        sum.disposals.to_string(),
        money(sum.proceeds),
        money(sum.basis),
        money(sum.allowed),
        money(sum.disallowed),
        money(sum.reported),
    ]
}

#[cfg(test)]
mod tests {
    use market::tax::{AccountTerms, TaxParams, TaxYear, fold, read_trades};

    use super::*;

    #[test]
    fn the_tables_tell_what_was_disallowed_and_why() {
        let trades = "time,instrument,side,quantity,price,fee\n\
                      2025-03-03,X,buy,100,10,0\n\
                      2025-06-02,X,sell,100,7.5,0\n\
                      2025-06-20,X,buy,100,8,0\n";
        let file = read_trades("t.csv", trades.as_bytes(), 0).expect("trades");
        let terms = TaxParams::default().terms().expect("terms");
        let returns = fold(file.trades, &terms, &AccountTerms::default()).expect("returns");
        let year = TaxYear::ending(2025, "12-31").expect("a year");
        let text = text(&Report { year, terms, returns, notes: file.notes });
        let has = |words: &[&str]| text.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(text.starts_with("Tax year 2025, 2025-01-01 to 2025-12-31, of 3 trades\n"), "{text}");
        assert!(has(&["- contested: shares bought before"]), "{text}");
        assert!(has(&["X", "2025-03-03", "2025-06-02", "short", "750", "1000", "250", "W"]), "{text}");
        assert!(has(&["by 100 X", "2025-06-20", "into its basis", "250"]), "{text}");
        assert!(has(&["X", "2025-06-20", "2025-03-21", "1050"]), "{text}");
    }
}
