//! The book of a line that trades: it agrees with the report, and tells beforehand what then happens.

use market::order::{Fill, Liquidity};
use market::tax::{AccountTerms, Ban, TaxParams, Trade, TradeDate, WashBook, fold};
use market::{Instrument, InstrumentId, Instruments, Money, Price, Quantity, Session, Side, Timestamp};

use crate::histories::Draw;
use crate::story::{date, money, quantity};

const A: InstrumentId = InstrumentId(0);
const B: InstrumentId = InstrumentId(1);
const COIN: InstrumentId = InstrumentId(2);

fn instruments() -> Instruments {
    let one = |name: &str| Instrument {
        name: name.into(),
        tick: Price::from_units(1),
        lot: Quantity::from_units(1),
        multiplier: quantity("1"),
        currency: "USD".into(),
        maker_fee_bp: Quantity::ZERO,
        taker_fee_bp: Quantity::ZERO,
        session: Session::Always,
        reference_notional: Money::ZERO,
    };
    Instruments::new(vec![one("A"), one("B"), one("BTCUSD")])
}

fn book() -> WashBook {
    let params = TaxParams { identical: "A=B".to_owned(), ..TaxParams::default() };
    WashBook::new(&instruments(), &params.terms().expect("terms"))
}

fn fill(side: Side, amount: &str, price: &str) -> Fill {
    Fill {
        execution: 0,
        side,
        price: price.parse().expect("a price"),
        quantity: quantity(amount),
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
        remaining: Quantity::ZERO,
    }
}

#[test]
fn a_sale_is_told_what_it_would_be_washed_by() {
    let mut book = book();
    book.on_fill(date("2026-01-05"), A, &fill(Side::Buy, "100", "50"), 1);
    book.on_fill(date("2026-03-10"), B, &fill(Side::Buy, "60", "40"), 2);
    let washed = book.sale_washed_by(A, date("2026-03-16"), quantity("100"), "40".parse().expect("a price"));
    assert_eq!((washed.loss, washed.disallowed), (money("1000"), money("600")));
    let [by] = washed.by.as_slice() else { panic!("{washed:?}") };
    assert_eq!(
        (by.symbol, by.acquired, by.quantity, by.amount),
        (1, date("2026-03-10"), quantity("60"), money("600"))
    );
    let words = washed.told(|id| instruments().get(id).name.clone());
    assert_eq!(
        words,
        "this sale would be washed by purchases already made, 600 of its loss: 60 B of 2026-03-10"
    );
    // at a gain, or a day after the window, nothing
    let gain = book.sale_washed_by(A, date("2026-03-16"), quantity("100"), "60".parse().expect("a price"));
    assert_eq!((gain.loss, gain.disallowed, gain.by.len()), (Money::ZERO, Money::ZERO, 0));
    let late = book.sale_washed_by(A, date("2026-04-10"), quantity("100"), "40".parse().expect("a price"));
    assert_eq!((late.loss, late.disallowed), (money("1000"), Money::ZERO));
    let last = book.sale_washed_by(A, date("2026-04-09"), quantity("100"), "40".parse().expect("a price"));
    assert_eq!(last.disallowed, money("600"), "the thirtieth day");
}

#[test]
fn a_purchase_is_told_what_it_would_wash_and_until_when() {
    let mut book = book();
    book.on_fill(date("2026-01-05"), A, &fill(Side::Buy, "100", "50"), 1);
    assert!(book.do_not_buy_until(date("2026-01-05")).is_empty());
    book.on_fill(date("2026-03-10"), A, &fill(Side::Sell, "50", "45"), 2);
    book.on_fill(date("2026-03-16"), A, &fill(Side::Sell, "50", "40"), 3);
    let wash = book.purchase_washes(B, date("2026-03-20"), quantity("60"));
    assert_eq!(wash.disallowed, money("350"), "50 × 5 and 10 × 10");
    assert_eq!(
        wash.losses.iter().map(|it| it.sold.to_string()).collect::<Vec<_>>(),
        ["2026-03-10", "2026-03-16"]
    );
    let until = date("2026-04-16");
    let ban = |instrument, loss: &str| Ban { instrument, until, loss: money(loss) };
    assert_eq!(book.do_not_buy_until(date("2026-03-20")), [ban(A, "750"), ban(B, "750")]);
    // the first loss is out of its window on 10 April, the second on 16 April
    assert_eq!(book.do_not_buy_until(date("2026-04-10")), [ban(A, "500"), ban(B, "500")]);
    assert_eq!(book.purchase_washes(A, date("2026-04-15"), quantity("60")).disallowed, money("500"));
    assert_eq!(book.purchase_washes(A, until, quantity("60")).disallowed, Money::ZERO);
    assert!(book.do_not_buy_until(until).is_empty());
}

#[test]
fn what_is_no_security_leaves_no_trace() {
    let mut book = book();
    let empty = book.clone();
    book.on_fill(date("2026-03-10"), COIN, &fill(Side::Buy, "1", "50000"), 1);
    book.on_fill(date("2026-03-11"), COIN, &fill(Side::Sell, "1", "40000"), 2);
    assert_eq!(book, empty);
    assert_eq!(book.purchase_washes(COIN, date("2026-03-12"), quantity("1")).disallowed, Money::ZERO);
}

/// Fills of one account, as trades too.
fn drawn(draw: &mut Draw) -> Vec<(TradeDate, InstrumentId, Fill)> {
    let mut day = 20_000;
    (0..4 + draw.below(30))
        .map(|_| {
            day += [0, 0, 0, 1, 2, 7, 28, 29, 30, 31][draw.below(10) as usize];
            let id = [A, A, B, COIN][draw.below(4) as usize];
            let side = Side::BOTH[draw.below(2) as usize];
            let mut fill = fill(side, "1", "1");
            fill.quantity = Quantity::from_units(1 + draw.below(5_000_000_000) as i64);
            fill.price = Price::from_units(1 + draw.below(60_000_000_000) as i64);
            fill.fee = Money::from_units(i128::from(draw.below(1_000_000)));
            (TradeDate::from_day(day), id, fill)
        })
        .collect()
}

#[test]
fn it_agrees_with_the_report_and_keeps_its_word() {
    let terms = TaxParams { identical: "A=B".to_owned(), ..TaxParams::default() }.terms().expect("terms");
    let mut draw = Draw::new(3);
    let (mut sales, mut purchases) = (0, 0);
    for _ in 0..3_000 {
        let fills = drawn(&mut draw);
        let mut book = WashBook::new(&instruments(), &terms);
        let (mut trades, mut disallowed) = (Vec::new(), Money::ZERO);
        for (at, (date, id, fill)) in fills.iter().enumerate() {
            let free = Fill { fee: Money::ZERO, ..*fill };
            let foretold = match fill.side {
                Side::Buy => book.purchase_washes(*id, *date, fill.quantity).disallowed,
                Side::Sell => book.sale_washed_by(*id, *date, fill.quantity, fill.price).disallowed,
            };
            let came: Money =
                book.clone().on_fill(*date, *id, &free, at as u64).washes.iter().map(|it| it.amount).sum();
            assert_eq!(foretold, came);
            let count = usize::from(came.units() > 0);
            if fill.side == Side::Buy {
                purchases += count
            } else {
                sales += count
            };
            let effects = book.on_fill(*date, *id, fill, at as u64);
            disallowed += effects.washes.iter().map(|it| it.amount).sum();
            let midnight = Timestamp::parse_civil(&date.to_string()).expect("a day");
            let name = instruments().get(*id).name.clone();
            let mut trade = Trade::new(midnight.plus(at as i64), &name, fill.side, fill.quantity, fill.price);
            trade.fee = fill.fee;
            trades.push(trade);
        }
        let accounts = AccountTerms { shorts: true, ..AccountTerms::default() };
        let returns = fold(trades, &terms, &accounts).expect("trades");
        assert_eq!(disallowed, returns.disposals.iter().map(|it| it.disallowed()).sum());
        let lots: Vec<_> = returns
            .lots
            .iter()
            .filter(|it| it.symbol != "BTCUSD")
            .map(|it| (it.piece.quantity, it.piece.basis))
            .collect();
        let mut held: Vec<_> = book.books().holdings().values().flat_map(|it| &it.pieces).collect();
        held.sort_by_key(|piece| piece.number);
        assert_eq!(held.iter().map(|it| (it.quantity, it.basis)).collect::<Vec<_>>(), lots);
        assert!(book.is_exact());
    }
    assert!(sales > 1_000 && purchases > 1_000, "{sales} sales and {purchases} purchases");
}

#[test]
fn it_stays_bounded_however_long_it_trades() {
    let mut book = book();
    let (mut day, mut draw) = (20_000, Draw::new(4));
    let (mut bought, mut sold) = (0_i64, 0_i64);
    for k in 0..20_000_u64 {
        day += i32::from(k % 500 == 0);
        let side = if draw.below(5) < 3 { Side::Buy } else { Side::Sell };
        let mut fill = fill(side, "1", "1");
        fill.price = Price::from_units(1_000_000_000 + draw.below(1_000_000_000) as i64);
        match side {
            Side::Buy => bought += 1,
            Side::Sell => sold += 1,
        }
        book.on_fill(TradeDate::from_day(day), A, &fill, k);
    }
    let pieces: Vec<_> = book.books().holdings().values().flat_map(|it| &it.pieces).collect();
    assert!(pieces.len() <= 1_024 && book.books().losses().len() <= 1_024);
    let held: i64 = pieces.iter().map(|it| it.quantity.units()).sum();
    assert_eq!(held, (bought - sold) * 1_000_000_000);
    assert!(!book.is_exact());
}

#[test]
fn it_goes_on_as_if_it_had_not_been_stored() {
    let mut draw = Draw::new(5);
    for _ in 0..200 {
        let mut kept = book();
        let mut stored = book();
        for (at, (date, id, fill)) in drawn(&mut draw).iter().enumerate() {
            let text = serde_json::to_string(&stored).expect("text");
            stored = serde_json::from_str(&text).expect("a book");
            let came = stored.on_fill(*date, *id, fill, at as u64);
            assert_eq!(came, kept.on_fill(*date, *id, fill, at as u64));
        }
        assert_eq!(stored, kept);
    }
}
