//! The calibration curves as a picture: what was realised against what was foretold.

use cerebellum::calibration::Point as Calibrated;
use embedded_graphics::Drawable;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_7X13, FONT_7X13_BOLD};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::{Circle, Line, Primitive, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

use super::tables::Report;
use crate::see::Canvas;

/// The side of a panel.
const SIDE: i32 = 360;
/// Free space to the left of a panel, above it and below it.
const LEFT: i32 = 72;
const ABOVE: i32 = 56;
const BELOW: i32 = 64;
/// How far the axes go beyond what is drawn, in parts of it.
const ROOM: f64 = 0.08;
const GREY: Rgb888 = Rgb888::new(150, 150, 150);
const BLUE: Rgb888 = Rgb888::new(5, 70, 160);
const RED: Rgb888 = Rgb888::new(165, 10, 35);

/// One curve of a panel.
struct Curve<'a> {
    name: &'static str,
    colour: Rgb888,
    points: &'a [Calibrated],
}

/// Draws the curves of a report: slippage, and the next mid.
pub fn plot(report: &Report) -> Canvas {
    let curves = &report.curves;
    let slippage = [
        Curve { name: "law", colour: BLUE, points: &curves.law },
        Curve { name: "law and what was learned", colour: RED, points: &curves.corrected },
    ];
    let drift = [Curve { name: "next mid", colour: BLUE, points: &curves.drift }];
    let panels: [(&str, &[Curve<'_>]); 2] =
        [("slippage against the mark, bp", &slippage), ("move to the next mid, bp", &drift)];
    let width = panels.len() as i32 * (LEFT + SIDE) + LEFT / 2;
    let mut canvas = Canvas::new(Size::new(width as u32, (ABOVE + SIDE + BELOW) as u32));
    for (at, (title, curves)) in panels.into_iter().enumerate() {
        let corner = Point::new(LEFT + at as i32 * (LEFT + SIDE), ABOVE);
        panel(&mut canvas, corner, title, curves);
    }
    canvas
}

fn panel(canvas: &mut Canvas, corner: Point, title: &str, curves: &[Curve<'_>]) {
    write(canvas, &FONT_7X13_BOLD, corner - Point::new(0, 44), Alignment::Left, Rgb888::BLACK, title);
    draw(Rectangle::new(corner, Size::new_equal(SIDE as u32)).into_styled(outline(GREY)), canvas);
    let middle = corner + Point::new(SIDE / 2, SIDE);
    write(canvas, &FONT_7X13, middle + Point::new(0, 36), Alignment::Center, GREY, "foretold");
    write(canvas, &FONT_7X13, corner - Point::new(4, 22), Alignment::Right, GREY, "realised");
    let Some(axis) = Axis::of(curves) else {
        let centre = corner + Point::new(SIDE / 2, SIDE / 2);
        return write(canvas, &FONT_7X13, centre, Alignment::Center, GREY, "nothing to draw");
    };
    axis.ticks(canvas, corner);
    let [from, to] = [axis.low, axis.high].map(|value| axis.place(corner, value, value));
    draw(Line::new(from, to).into_styled(outline(GREY)), canvas);
    let mut legend = corner - Point::new(0, 24);
    for curve in curves {
        write(canvas, &FONT_7X13, legend, Alignment::Left, curve.colour, curve.name);
        legend += Point::new(7 * (curve.name.len() as i32 + 3), 0);
        curve.points.iter().for_each(|point| axis.point(canvas, corner, point, curve.colour));
    }
}

/// What both axes of a panel show.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// All points of the curves, and their intervals; none where there is no point.
    fn of(curves: &[Curve<'_>]) -> Option<Self> {
        let points = curves.iter().flat_map(|curve| curve.points);
        let values = points.flat_map(|point| {
            let realised = point.realised;
            [Some(point.forecast), Some(realised.value), realised.low, realised.high]
        });
        let values: Vec<f64> = values.flatten().collect();
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        let room = (ROOM * (high - low)).max(1e-3);
        Some(Self { low: low - room, high: high + room })
    }

    fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    fn place(&self, corner: Point, forecast: f64, realised: f64) -> Point {
        let [x, y] = [forecast, realised].map(|value| (self.share(value) * f64::from(SIDE)).round() as i32);
        corner + Point::new(x, SIDE - y)
    }

    fn ticks(&self, canvas: &mut Canvas, corner: Point) {
        for at in 0..=4 {
            let value = self.low + f64::from(at) / 4.0 * (self.high - self.low);
            let text = format!("{value:.2}");
            let below = self.place(corner, value, self.low);
            let beside = self.place(corner, self.low, value);
            draw(Line::new(below, below + Point::new(0, 4)).into_styled(outline(GREY)), canvas);
            draw(Line::new(beside, beside - Point::new(4, 0)).into_styled(outline(GREY)), canvas);
            write(canvas, &FONT_7X13, below + Point::new(0, 8), Alignment::Center, Rgb888::BLACK, &text);
            write(canvas, &FONT_7X13, beside - Point::new(8, 6), Alignment::Right, Rgb888::BLACK, &text);
        }
    }

    /// A point with its interval.
    fn point(&self, canvas: &mut Canvas, corner: Point, point: &Calibrated, colour: Rgb888) {
        if let (Some(low), Some(high)) = (point.realised.low, point.realised.high) {
            let [from, to] = [low, high].map(|realised| self.place(corner, point.forecast, realised));
            draw(Line::new(from, to).into_styled(outline(colour)), canvas);
        }
        let centre = self.place(corner, point.forecast, point.realised.value);
        let filled = PrimitiveStyle::with_fill(colour);
        draw(Circle::with_center(centre, 7).into_styled(filled), canvas);
    }
}

fn outline(colour: Rgb888) -> PrimitiveStyle<Rgb888> {
    PrimitiveStyle::with_stroke(colour, 1)
}

/// Draws on a canvas, which never fails.
fn draw(what: impl Drawable<Color = Rgb888>, canvas: &mut Canvas) {
    let Ok(_) = what.draw(canvas);
}

fn write(canvas: &mut Canvas, font: &MonoFont<'_>, at: Point, side: Alignment, colour: Rgb888, text: &str) {
    let style = TextStyleBuilder::new().alignment(side).baseline(Baseline::Top).build();
    draw(Text::with_text_style(text, at, MonoTextStyle::new(font, colour), style), canvas);
}
