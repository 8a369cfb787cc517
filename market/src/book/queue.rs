//! Orders, and the queues they wait in.

use serde::{Deserialize, Serialize};

use crate::event::OrderId;
use crate::instrument::Side;
use crate::num::Price;

/// An order that was added and not yet ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub id: OrderId,
    pub side: Side,
    pub price: Price,
    /// What remains, in units of 1e-9.
    pub quantity: i64,
    /// When it joined its queue.
    pub arrival: u64,
}

/// The place of an order in [`Orders`].
pub(super) type Slot = u32;
const NOWHERE: Slot = Slot::MAX;

/// All orders, at slots that do not move while they live.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders {
    nodes: Vec<Node>,
    free: Vec<Slot>,
}

/// An order and its neighbours in the queue.
#[derive(Debug, Clone, Copy)]
struct Node {
    order: Order,
    ahead: Slot,
    behind: Slot,
}

impl Orders {
    pub(super) fn insert(&mut self, order: Order) -> Slot {
        let node = Node { order, ahead: NOWHERE, behind: NOWHERE };
        if let Some(slot) = self.free.pop() {
            self.nodes[slot as usize] = node;
            return slot;
        }
        let slot = self.nodes.len() as Slot;
        self.nodes.push(node);
        slot
    }

    /// Frees the slot of an order that waits in no queue.
    pub(super) fn remove(&mut self, slot: Slot) -> Order {
        self.free.push(slot);
        self.nodes[slot as usize].order
    }

    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.free.clear();
    }

    pub(super) fn get(&self, slot: Slot) -> &Order {
        &self.nodes[slot as usize].order
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Order {
        &mut self.nodes[slot as usize].order
    }
}

/// The orders at one price, first come first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queue {
    /// The sum of its orders, in units of 1e-9.
    pub total: i128,
    first: Slot,
    last: Slot,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self { total: 0, first: NOWHERE, last: NOWHERE }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.first == NOWHERE
    }

    /// The order at the front.
    pub(super) const fn first(&self) -> Slot {
        self.first
    }

    /// Lets an order join at the back.
    pub(super) fn join(&mut self, orders: &mut Orders, slot: Slot) {
        let last = self.last;
        let node = &mut orders.nodes[slot as usize];
        node.ahead = last;
        node.behind = NOWHERE;
        self.total += i128::from(node.order.quantity);
        self.last = slot;
        if last == NOWHERE {
            self.first = slot;
        } else {
            orders.nodes[last as usize].behind = slot;
        }
    }

    /// Takes an order out, wherever it stands.
    pub(super) fn leave(&mut self, orders: &mut Orders, slot: Slot) {
        let Node { order, ahead, behind } = orders.nodes[slot as usize];
        self.total -= i128::from(order.quantity);
        if ahead == NOWHERE {
            self.first = behind;
        } else {
            orders.nodes[ahead as usize].behind = behind;
        }
        if behind == NOWHERE {
            self.last = ahead;
        } else {
            orders.nodes[behind as usize].ahead = ahead;
        }
    }

    /// Its orders, first come first.
    pub(super) fn iter<'a>(&self, orders: &'a Orders) -> impl Iterator<Item = &'a Order> + use<'a> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            let node = orders.nodes.get(at as usize)?;
            at = node.behind;
            Some(&node.order)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(queue: &Queue, orders: &Orders) -> Vec<OrderId> {
        queue.iter(orders).map(|order| order.id).collect()
    }

    #[test]
    fn orders_leave_from_anywhere_and_the_rest_keeps_its_order() {
        let (mut orders, mut queue) = (Orders::default(), Queue::new());
        let slots: Vec<Slot> = (1..=4)
            .map(|id| {
                let slot = orders.insert(Order {
                    id,
                    side: Side::Buy,
                    price: Price::ZERO,
                    quantity: i64::MAX,
                    arrival: id,
                });
                queue.join(&mut orders, slot);
                slot
            })
            .collect();
        assert_eq!(queue.total, 4 * i128::from(i64::MAX));
        for (slot, left) in
            [(slots[1], vec![1, 3, 4]), (slots[0], vec![3, 4]), (slots[3], vec![3]), (slots[2], vec![])]
        {
            queue.leave(&mut orders, slot);
            orders.remove(slot);
            assert_eq!(ids(&queue, &orders), left);
        }
        assert!(queue.is_empty() && queue.total == 0);
    }
}
