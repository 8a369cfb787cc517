//! Colours for numbers.

use embedded_graphics::pixelcolor::{Rgb888, RgbColor};

/// Lines around pictures.
pub(super) const LINE: Rgb888 = Rgb888::new(96, 96, 96);
/// Labels that stand back.
pub(super) const GREY: Rgb888 = Rgb888::new(88, 88, 88);

/// Blue at -1, white at 0, red at 1, in equal steps.
const DIVERGING: [[u8; 3]; 5] =
    [[5, 70, 160], [125, 175, 225], [255, 255, 255], [240, 150, 120], [165, 10, 35]];
/// White at 0, violet at 1.
const SEQUENTIAL: [[u8; 3]; 3] = [[255, 255, 255], [165, 150, 205], [70, 10, 130]];

/// The colour of a pixel in [-1, 1].
pub(super) fn diverging(value: f32) -> Rgb888 {
    between(&DIVERGING, (value + 1.0) / 2.0)
}

/// The colour of a share, in parts of the largest.
pub(super) fn sequential(part: f32) -> Rgb888 {
    between(&SEQUENTIAL, part)
}

/// White on dark, black on light.
pub(super) fn on(colour: Rgb888) -> Rgb888 {
    let light = 3 * u32::from(colour.r()) + 6 * u32::from(colour.g()) + u32::from(colour.b());
    if light < 1280 { Rgb888::WHITE } else { Rgb888::BLACK }
}

/// Where a part of the way from the first colour to the last leads.
fn between(stops: &[[u8; 3]], part: f32) -> Rgb888 {
    let last = stops.len() - 1;
    let way = if part.is_finite() { part.clamp(0.0, 1.0) * last as f32 } else { 0.0 };
    let at = (way as usize).min(last - 1);
    let mix = |channel: usize| {
        let [from, to] = [at, at + 1].map(|stop| f32::from(stops[stop][channel]));
        (from + (to - from) * (way - at as f32)).round() as u8
    };
    Rgb888::new(mix(0), mix(1), mix(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minus_one_is_blue_zero_white_and_one_red() {
        let [low, middle, high] = [-1.0, 0.0, 1.0].map(diverging);
        assert!(low.b() > 2 * low.r() && high.r() > 2 * high.b());
        assert_eq!((middle, sequential(0.0)), (Rgb888::WHITE, Rgb888::WHITE));
        assert_eq!((diverging(-9.0), diverging(9.0)), (low, high));
    }

    #[test]
    fn colours_change_steadily() {
        let all: Vec<Rgb888> = (0..=200).map(|at| diverging(at as f32 / 100.0 - 1.0)).collect();
        for pair in all.windows(2) {
            let step = |of: fn(&Rgb888) -> u8| i32::from(of(&pair[1])) - i32::from(of(&pair[0]));
            assert!([step(Rgb888::r), step(Rgb888::g), step(Rgb888::b)].iter().all(|step| step.abs() <= 5));
        }
        assert_eq!((on(sequential(1.0)), on(sequential(0.0))), (Rgb888::WHITE, Rgb888::BLACK));
    }
}
