//! What the frame network attended to: a heat map over the patches for the mean of the heads and for each.

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::text::Alignment;

use super::canvas::{BOLD, Canvas, PLAIN, SMALL};
use super::colour::{GREY, LINE, on, sequential};
use super::frames::bar;
use super::{Attention, View};

const HEAD_HEIGHT: i32 = 66;
const MAP_SIDE: usize = 208;
/// Left of a map, where its vertical axis is told; above and below it.
const AXIS_WIDTH: i32 = 50;
const NAME_HEIGHT: i32 = 20;
const AXIS_HEIGHT: i32 = 40;
const GAP: i32 = 24;
const BAR_WIDTH: i32 = 170;
/// A patch of this side has room for its number.
const CELL_WITH_NUMBER: i32 = 32;

/// A heat map.
struct Map {
    name: String,
    shares: Vec<f32>,
}

/// Where everything stands.
pub(super) struct Panel<'a> {
    view: &'a View,
    maps: Vec<Map>,
    /// Maps in a row.
    across: usize,
    /// Patches in a row of a frame, and the side of one in pixels of the drawing.
    patches: usize,
    cell: i32,
}

impl<'a> Panel<'a> {
    /// Under frames of this size.
    pub fn of(view: &'a View, above: Size) -> Self {
        let mut maps = Vec::new();
        if let (Some(shares), Attention::Heads(heads)) = (view.attention.mean(), &view.attention) {
            maps.push(Map { name: format!("mean of {} heads", heads.len()), shares });
            let heads = heads.iter().enumerate();
            maps.extend(
                heads.map(|(at, shares)| Map { name: format!("head {}", at + 1), shares: shares.clone() }),
            );
        }
        let patches = maps.first().map_or(0, |map| map.shares.len()).isqrt().max(1);
        let cell = (MAP_SIDE / patches).max(4) as i32;
        let panel = Self { view, maps, across: 1, patches, cell };
        let across = (above.width as i32 - BAR_WIDTH) / panel.slot().width as i32;
        Self { across: across.max(1) as usize, ..panel }
    }

    fn side(&self) -> i32 {
        self.cell * self.patches as i32
    }

    /// What a map takes with its axes.
    fn slot(&self) -> Size {
        let side = self.side();
        Size::new((AXIS_WIDTH + side + GAP) as u32, (NAME_HEIGHT + side + AXIS_HEIGHT + GAP) as u32)
    }

    /// What it takes.
    pub fn size(&self) -> Size {
        let (rows, slot) = (self.maps.len().div_ceil(self.across), self.slot());
        let columns = self.maps.len().min(self.across);
        let width = columns as u32 * slot.width + if columns > 0 { BAR_WIDTH as u32 } else { 0 };
        Size::new(width, HEAD_HEIGHT as u32 + rows as u32 * slot.height)
    }

    pub fn draw(&self, canvas: &mut Canvas, corner: Point) {
        let width = canvas.width() as i32 - 2 * corner.x;
        let heading = corner + Point::new(0, 20);
        if let Attention::Nothing(why) = &self.view.attention {
            return canvas.text(&BOLD, heading, width, &format!("Attention: none. {why}"));
        }
        let title = "Attention over the patches of the newest frame, in %";
        canvas.text(&BOLD, heading, width, title);
        let even = 100.0 / (self.patches * self.patches) as f32;
        let note = format!(
            "A patch holds all fields of all features. Its number is the share that it gets, as the mean over all patches that ask; {even:.1} each would be even."
        );
        canvas.text(&PLAIN, heading + Point::new(0, 18), width, &note);
        let slot = self.slot();
        for (at, map) in self.maps.iter().enumerate() {
            let x = (at % self.across) as i32 * slot.width as i32;
            let y = HEAD_HEIGHT + (at / self.across) as i32 * slot.height as i32;
            self.map(canvas, corner + Point::new(x, y), map);
        }
        let x = self.maps.len().min(self.across) as i32 * slot.width as i32;
        self.bar(canvas, corner + Point::new(x, HEAD_HEIGHT + NAME_HEIGHT), even);
    }

    /// The largest share, the end of the colours.
    fn largest(&self) -> f32 {
        self.maps.iter().flat_map(|map| &map.shares).copied().fold(0.0, f32::max)
    }

    fn map(&self, canvas: &mut Canvas, corner: Point, map: &Map) {
        let (side, cell) = (self.side(), self.cell);
        let inner = corner + Point::new(AXIS_WIDTH, NAME_HEIGHT);
        canvas.text(&BOLD, corner + Point::new(AXIS_WIDTH, 2), side, &map.name);
        for (at, share) in map.shares.iter().enumerate() {
            let [row, column] = [at / self.patches, at % self.patches].map(|at| at as i32);
            let colour = sequential(share / self.largest().max(f32::MIN_POSITIVE));
            let at = inner + Point::new(column * cell, row * cell);
            canvas.fill(at, Size::new_equal(cell as u32), colour);
            if cell >= CELL_WITH_NUMBER {
                let middle = at + Point::new(cell / 2, cell / 2 - 6);
                let number = format!("{:.1}", 100.0 * share);
                canvas.write(&PLAIN, middle, Alignment::Center, (cell, on(colour)), &number);
            }
        }
        canvas.frame(inner, Size::new_equal(side as u32), LINE);
        self.axes(canvas, inner);
    }

    /// Which samples a row and a column of patches hold, where there is room to tell.
    fn axes(&self, canvas: &mut Canvas, inner: Point) {
        let (side, cell) = (self.side(), self.cell);
        let newest = self.view.frames.last().map_or(0, |frame| frame.age_samples);
        let length = self.view.window / self.patches;
        let step = (CELL_WITH_NUMBER + cell - 1) / cell;
        for at in (0..self.patches).step_by(step as usize) {
            let last = newest + (self.patches - 1 - at) * length;
            let ages = format!("{}-{last}", last + length - 1);
            let middle = at as i32 * cell + cell / 2;
            let room = (step * cell, GREY);
            canvas.write(&SMALL, inner + Point::new(middle, side + 5), Alignment::Center, room, &ages);
            let room = (AXIS_WIDTH - 6, GREY);
            canvas.write(&SMALL, inner + Point::new(-5, middle - 5), Alignment::Right, room, &ages);
        }
        let foot = inner + Point::new(side / 2, side + 19);
        canvas.write(&SMALL, foot, Alignment::Center, (side, GREY), "samples ago");
    }

    /// Which colour is which share.
    fn bar(&self, canvas: &mut Canvas, corner: Point, even: f32) {
        let (height, largest) = (self.side(), 100.0 * self.largest());
        bar(canvas, corner, height, sequential);
        for (tick, what) in [(0.0, ""), (even, " even"), (largest, " largest")] {
            let y = ((1.0 - tick / largest.max(f32::MIN_POSITIVE)) * (height - 1) as f32).round() as i32;
            canvas.fill(corner + Point::new(18, y), Size::new(5, 1), LINE);
            canvas.text(
                &SMALL,
                corner + Point::new(27, y - 5),
                BAR_WIDTH - 30,
                &format!("{tick:.1} %{what}"),
            );
        }
    }
}
