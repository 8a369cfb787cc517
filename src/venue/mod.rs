//! A paper venue as a process of its own, and the daemon's side of its wire (docs/venue.md).
//!
//! The venue owns a market and the matching of orders against it: [`Floor`] is the state machine,
//! [`serve`] puts clock, sockets and threads around it, [`Faults`] garble what a client hears of it
//! and never what is. [`Client`] is what a daemon holds of a venue.

mod client;
mod desk;
mod faults;
mod floor;
mod outlet;
mod picture;
mod server;
mod sockets;
mod subscribers;
mod traders;
mod wire;

pub use client::{Client, FromVenue};
pub use faults::{FaultCounts, Faults};
pub use floor::Floor;
pub use server::{MARKET_SOCKET, ORDERS_SOCKET, ServeOptions, Served, Speed, serve};
pub use wire::{
    ANSWER_LIMIT, Answer, Finished, How, LINE_LIMIT, OrderName, OrderState, StateAnswer, ToVenue, Told,
    VenueFill,
};
