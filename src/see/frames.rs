//! The frames: a row for each feature, a column for each frame, two fields in each.

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::RgbColor;
use embedded_graphics::text::Alignment;

use super::canvas::{BOLD, Canvas, PLAIN, SMALL};
use super::colour::{GREY, LINE, diverging};
use super::{Frame, View};

/// The fields of a feature, in order.
const FIELDS: [&str; 2] = ["GASF", "GADF"];
/// How to read them.
const NOTES: [&str; 4] = [
    "Each picture compares every sample of a window (vertical axis) with every other (horizontal axis); both axes run from the oldest, top left, to the newest.",
    "x is a feature, normalised and squeezed into [-1, 1]. The angle arccos x is a for the sample on the vertical axis, b for the one on the horizontal axis.",
    "GASF = cos(a + b): red where both samples are extreme on the same side, blue where both are calm or opposed; its diagonal tells each sample alone.",
    "GADF = sin(a - b): red where the sample on the horizontal axis is the higher one, so red above the diagonal means rising, blue falling.",
];
/// The numbers that the colour bar names.
const TICKS: [f32; 5] = [1.0, 0.5, 0.0, -0.5, -1.0];

const LABEL_WIDTH: i32 = 236;
const TICK_WIDTH: i32 = 34;
const HEAD_HEIGHT: i32 = 66;
const FOOT_HEIGHT: i32 = 46;
const NOTE_HEIGHT: i32 = 16;
const BAR_WIDTH: i32 = 110;
/// Between the fields of a feature, between features, between frames.
const GAPS: [i32; 3] = [14, 8, 20];
/// No picture is smaller.
const SIDE_MIN: usize = 60;
/// What the pictures of all columns may take together, where that does not make one too small.
const GRID_WIDTH: usize = 1400;

/// Where everything stands.
pub(super) struct Grid<'a> {
    view: &'a View,
    /// Side of a pixel of a picture, in those of the drawing.
    zoom: usize,
}

impl<'a> Grid<'a> {
    pub fn of(view: &'a View) -> Self {
        let wide = GRID_WIDTH / (FIELDS.len() * view.frames.len() * view.window).max(1);
        let least = SIDE_MIN.div_ceil(view.window.max(1));
        Self { view, zoom: wide.clamp(1, 6).max(least) }
    }

    fn side(&self) -> i32 {
        (self.zoom * self.view.window) as i32
    }

    /// The width of a frame, without the gap.
    fn column(&self) -> i32 {
        2 * self.side() + GAPS[0]
    }

    /// Where the pictures of a frame begin, and those of a feature.
    fn left(&self, frame: usize) -> i32 {
        LABEL_WIDTH + TICK_WIDTH + frame as i32 * (self.column() + GAPS[2])
    }

    fn top(&self, feature: usize) -> i32 {
        HEAD_HEIGHT + feature as i32 * (self.side() + GAPS[1])
    }

    /// What it takes.
    pub fn size(&self) -> Size {
        let notes = NOTES.iter().map(|note| note.len() as i32 * PLAIN.character_size.width as i32);
        let width = (self.left(self.view.frames.len()) + BAR_WIDTH).max(notes.max().unwrap_or(0));
        let height = self.top(self.view.features.len()) + FOOT_HEIGHT + NOTE_HEIGHT * NOTES.len() as i32;
        Size::new(width as u32, height as u32)
    }

    pub fn draw(&self, canvas: &mut Canvas, corner: Point) {
        for (at, frame) in self.view.frames.iter().enumerate() {
            self.head(canvas, corner + Point::new(self.left(at), 0), at, frame);
            for (feature, fields) in frame.pictures.iter().enumerate() {
                for (field, pixels) in fields.iter().enumerate() {
                    let x = self.left(at) + field as i32 * (self.side() + GAPS[0]);
                    self.picture(canvas, corner + Point::new(x, self.top(feature)), pixels);
                }
            }
            self.foot(canvas, corner + Point::new(self.left(at), self.top(frame.pictures.len())), frame);
        }
        self.rows(canvas, corner);
        self.bar(canvas, corner + Point::new(self.left(self.view.frames.len()), self.top(0)));
        let foot = self.top(self.view.features.len()) + FOOT_HEIGHT;
        for (line, note) in NOTES.iter().enumerate() {
            let at = corner + Point::new(0, foot + NOTE_HEIGHT * line as i32);
            canvas.text(&PLAIN, at, self.size().width as i32, note);
        }
    }

    fn picture(&self, canvas: &mut Canvas, corner: Point, pixels: &[f32]) {
        let zoom = self.zoom as i32;
        for (row, line) in pixels.chunks(self.view.window).enumerate() {
            for (column, value) in line.iter().enumerate() {
                let at = corner + Point::new(column as i32 * zoom, row as i32 * zoom);
                canvas.fill(at, Size::new_equal(self.zoom as u32), diverging(*value));
            }
        }
        canvas.frame(corner, Size::new_equal(self.side() as u32), LINE);
    }

    /// Which frame it is, how old, and which field stands where.
    fn head(&self, canvas: &mut Canvas, corner: Point, at: usize, frame: &Frame) {
        let (width, count) = (self.column(), self.view.frames.len());
        let place = match at {
            _ if at + 1 == count => ", newest",
            0 => ", oldest",
            _ => "",
        };
        canvas.text(&BOLD, corner, width, &format!("frame {}{place}", at + 1));
        let age = match frame.age_samples {
            0 => "ends with the newest".to_owned(),
            1 => "ends 1 sample ago".to_owned(),
            n => format!("ends {n} samples ago"),
        };
        canvas.text(&SMALL, corner + Point::new(0, 17), width, &age);
        if let Some(age_s) = frame.age_s {
            canvas.text(&SMALL, corner + Point::new(0, 29), width, &format!("{age_s:.1} s ago"));
        }
        for (field, name) in FIELDS.iter().enumerate() {
            let x = field as i32 * (self.side() + GAPS[0]) + self.side() / 2;
            let style = (self.side(), GREY);
            canvas.write(&PLAIN, corner + Point::new(x, 48), Alignment::Center, style, name);
        }
    }

    /// The ends of the horizontal axis.
    fn foot(&self, canvas: &mut Canvas, corner: Point, frame: &Frame) {
        let [oldest, newest] = [frame.age_samples + self.view.window - 1, frame.age_samples];
        for field in 0..FIELDS.len() as i32 {
            let left = corner + Point::new(field * (self.side() + GAPS[0]), -3);
            let right = left + Point::new(self.side(), 0);
            for (at, alignment, age) in [(left, Alignment::Left, oldest), (right, Alignment::Right, newest)] {
                canvas.write(&SMALL, at, alignment, (self.side() / 2, GREY), &age.to_string());
            }
        }
        let middle = corner + Point::new(self.column() / 2, 11);
        canvas.write(&SMALL, middle, Alignment::Center, (self.column(), GREY), "samples ago");
    }

    /// The names of the features, and the ends of the vertical axis beside the first frame.
    fn rows(&self, canvas: &mut Canvas, corner: Point) {
        let left = corner.x + self.left(0);
        for (feature, name) in self.view.features.iter().enumerate() {
            let top = corner.y + self.top(feature);
            let middle = Point::new(left - TICK_WIDTH - 8, top + self.side() / 2 - 7);
            let style = (LABEL_WIDTH - 8, RgbColor::BLACK);
            canvas.write(&BOLD, middle, Alignment::Right, style, name);
            let Some(first) = self.view.frames.first() else { continue };
            let [oldest, newest] = [first.age_samples + self.view.window - 1, first.age_samples];
            for (y, age) in [(top, oldest), (top + self.side() - 10, newest)] {
                let style = (TICK_WIDTH, GREY);
                canvas.write(&SMALL, Point::new(left - 4, y), Alignment::Right, style, &age.to_string());
            }
        }
        let head = Point::new(left - 6, corner.y + HEAD_HEIGHT - 14);
        canvas.write(&SMALL, head, Alignment::Right, (LABEL_WIDTH, GREY), "samples ago");
    }

    /// Which colour is which number.
    fn bar(&self, canvas: &mut Canvas, corner: Point) {
        let height = self.top(self.view.features.len()) - self.top(0) - GAPS[1];
        let (corner, height) = (corner + Point::new(14, 0), height.clamp(40, 360));
        canvas.text(&PLAIN, corner - Point::new(0, 18), BAR_WIDTH - 14, "pixel value");
        bar(canvas, corner, height, |part| diverging(2.0 * part - 1.0));
        for tick in TICKS {
            let y = ((1.0 - tick) / 2.0 * (height - 1) as f32).round() as i32;
            canvas.fill(corner + Point::new(18, y), Size::new(5, 1), LINE);
            let sign = if tick > 0.0 { "+" } else { "" };
            canvas.text(&SMALL, corner + Point::new(27, y - 5), 40, &format!("{sign}{tick}"));
        }
    }
}

/// A vertical bar of colours, 18 wide, the largest part of the way on top.
pub(super) fn bar(
    canvas: &mut Canvas,
    corner: Point,
    height: i32,
    colour: impl Fn(f32) -> embedded_graphics::pixelcolor::Rgb888,
) {
    for y in 0..height {
        let part = 1.0 - y as f32 / (height - 1) as f32;
        canvas.fill(corner + Point::new(0, y), Size::new(18, 1), colour(part));
    }
    canvas.frame(corner, Size::new(18, height as u32), LINE);
}
