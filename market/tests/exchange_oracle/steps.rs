//! What random streams are made of.

use market::Side;
use market::order::OrderKind;
use proptest::prelude::*;

use crate::oracle::other;

/// What a random stream is made of. `nth` picks among what there is.
#[derive(Debug, Clone)]
pub enum Step {
    Wait(i64),
    Add(Side, i64, i64),
    Change(usize, i64),
    Delete(usize),
    /// An order comes and trades with what stands, told as the bundled session tells it.
    Sweep(Side, i64),
    Trade(Option<Side>, i64, i64, Option<usize>),
    /// L2: new totals.
    Totals(Vec<(Side, i64, i64)>),
    Halt,
    Resume,
    Gap,
    Picture,
    Place(Side, OrderKind, i64, i64),
    Cancel(usize),
    Replace(usize, i64, i64),
    /// A new quantity at the old price.
    Requeue(usize, i64),
    /// The same name again.
    Again(usize),
}

pub fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn kind() -> impl Strategy<Value = OrderKind> {
    prop_oneof![
        4 => Just(OrderKind::Limit),
        1 => Just(OrderKind::Market),
        1 => Just(OrderKind::ImmediateOrCancel),
        2 => Just(OrderKind::PostOnly),
    ]
}

/// A price near the middle: bids are usually below 100, asks above.
fn near(side: Side) -> impl Strategy<Value = i64> {
    match side {
        Side::Buy => 95_i64..101,
        Side::Sell => 100_i64..106,
    }
}

/// Waits and requests, and rarely something that stops trading for a while.
fn common() -> BoxedStrategy<Step> {
    let limit = (side(), 1_i64..5)
        .prop_flat_map(|(s, q)| near(s).prop_map(move |p| Step::Place(s, OrderKind::Limit, p, q)));
    let any_order = (side(), kind(), 97_i64..104, 1_i64..5);
    prop_oneof![
        40 => (1_i64..5).prop_map(Step::Wait),
        25 => limit,
        25 => any_order.prop_map(|(s, k, p, q)| Step::Place(s, k, p, q)),
        6 => (0_usize..9).prop_map(Step::Cancel),
        6 => (0_usize..9, 97_i64..104, 1_i64..5).prop_map(|(n, p, q)| Step::Replace(n, p, q)),
        6 => (0_usize..9, 1_i64..5).prop_map(|(n, q)| Step::Requeue(n, q)),
        2 => (0_usize..9).prop_map(Step::Again),
        1 => Just(Step::Wait(14)),
        1 => Just(Step::Halt),
        3 => Just(Step::Resume),
        1 => Just(Step::Gap),
        3 => Just(Step::Picture),
    ]
    .boxed()
}

fn trade() -> impl Strategy<Value = Step> {
    let aggressor = prop_oneof![3 => side().prop_map(Some), 1 => Just(None)];
    let maker = prop::option::of(0_usize..12);
    (aggressor, 97_i64..104, 0_i64..5, maker).prop_map(|(s, p, q, m)| Step::Trade(s, p, q, m))
}

pub fn l3_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => common(),
        3 => (side(), 1_i64..5).prop_flat_map(|(s, q)| near(s).prop_map(move |p| Step::Add(s, p, q))),
        1 => (0_usize..12, 0_i64..6).prop_map(|(n, q)| Step::Change(n, q)),
        1 => (0_usize..12).prop_map(Step::Delete),
        2 => (side(), 1_i64..7).prop_map(|(s, q)| Step::Sweep(s, q)),
        1 => trade(),
    ];
    prop::collection::vec(step, 1..120)
}

/// Steps in which nothing crosses: orders stand, leave, and trades come.
pub fn queue_steps() -> impl Strategy<Value = Vec<Step>> {
    let apart = |s: Side| match s {
        Side::Buy => 98_i64..100,
        Side::Sell => 101_i64..103,
    };
    let order = move || (side(), 1_i64..5).prop_flat_map(move |(s, q)| apart(s).prop_map(move |p| (s, p, q)));
    let step = prop_oneof![
        3 => (1_i64..5).prop_map(Step::Wait),
        3 => order().prop_map(|(s, p, q)| Step::Add(s, p, q)),
        2 => order().prop_map(|(s, p, q)| Step::Place(s, OrderKind::Limit, p, q)),
        1 => (0_usize..12, 1_i64..6).prop_map(|(n, q)| Step::Change(n, q)),
        3 => (0_usize..12).prop_map(Step::Delete),
        4 => (order(), prop::option::of(0_usize..12))
            .prop_map(|((s, p, q), m)| Step::Trade(Some(other(s)), p, q, m)),
    ];
    prop::collection::vec(step, 1..150)
}

pub fn l2_steps() -> impl Strategy<Value = Vec<Step>> {
    let total = (side(), 0_i64..7).prop_flat_map(|(s, q)| near(s).prop_map(move |p| (s, p, q)));
    let step = prop_oneof![
        3 => common(),
        4 => prop::collection::vec(total, 1..4).prop_map(Step::Totals),
        3 => trade(),
    ];
    prop::collection::vec(step, 1..120)
}
