//! A picture in memory, with what the drawing needs: areas, text, and PNG.

use std::convert::Infallible;
use std::io::Write;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_7X13, FONT_7X13_BOLD, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

/// Tick labels.
pub(super) const SMALL: MonoFont<'_> = FONT_6X10;
/// Labels.
pub(super) const PLAIN: MonoFont<'_> = FONT_7X13;
/// Headings.
pub(super) const BOLD: MonoFont<'_> = FONT_7X13_BOLD;
/// The title.
pub(super) const LARGE: MonoFont<'_> = FONT_10X20;

/// A picture, white at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    size: Size,
    // [height][width][3]
    bytes: Vec<u8>,
}

impl Canvas {
    /// A white one.
    pub(crate) fn new(size: Size) -> Self {
        Self { size, bytes: vec![u8::MAX; 3 * size.width as usize * size.height as usize] }
    }

    /// Its width in pixels.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.size.width
    }

    /// Its height in pixels.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.size.height
    }

    /// Writes it as PNG.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_png(&self, out: impl Write) -> Result<(), png::EncodingError> {
        let mut encoder = png::Encoder::new(out, self.size.width, self.size.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.bytes)?;
        writer.finish()
    }

    /// Fills an area.
    pub(super) fn fill(&mut self, corner: Point, size: Size, colour: Rgb888) {
        let Ok(()) = self.fill_solid(&Rectangle::new(corner, size), colour);
    }

    /// Draws a line of a pixel around an area, outside of it.
    pub(super) fn frame(&mut self, corner: Point, size: Size, colour: Rgb888) {
        let (width, height) = (size.width as i32, size.height as i32);
        for y in [-1, height] {
            self.fill(corner + Point::new(-1, y), Size::new(size.width + 2, 1), colour);
        }
        for x in [-1, width] {
            self.fill(corner + Point::new(x, -1), Size::new(1, size.height + 2), colour);
        }
    }

    /// Writes black text to the right of a point and below it; what is wider than `width` is cut off.
    pub(super) fn text(&mut self, font: &MonoFont<'_>, corner: Point, width: i32, text: &str) {
        self.write(font, corner, Alignment::Left, (width, Rgb888::BLACK), text);
    }

    /// As [`Canvas::text`], but with another colour, and around the point or to its left.
    pub(super) fn write(
        &mut self,
        font: &MonoFont<'_>,
        at: Point,
        alignment: Alignment,
        (width, colour): (i32, Rgb888),
        text: &str,
    ) {
        let style = TextStyleBuilder::new().alignment(alignment).baseline(Baseline::Top).build();
        let text = fitted(text, width, font);
        let text = Text::with_text_style(&text, at, MonoTextStyle::new(font, colour), style);
        let Ok(_) = embedded_graphics::Drawable::draw(&text, self);
    }

    /// The colour of a pixel.
    #[cfg(test)]
    pub(super) fn pixel(&self, at: Point) -> Rgb888 {
        let from = 3 * (at.y as usize * self.size.width as usize + at.x as usize);
        Rgb888::new(self.bytes[from], self.bytes[from + 1], self.bytes[from + 2])
    }
}

/// The text, cut off with dots where it is wider than `width`.
pub(super) fn fitted(text: &str, width: i32, font: &MonoFont<'_>) -> String {
    let room = usize::try_from(width).unwrap_or(0) / font.character_size.width as usize;
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(2)).chain("..".chars()).take(room).collect()
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        for Pixel(Point { x, y }, colour) in pixels {
            if (0..width).contains(&x) && (0..height).contains(&y) {
                let from = 3 * (y as usize * width as usize + x as usize);
                self.bytes[from..from + 3].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}
