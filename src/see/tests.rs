//! What stands where in the drawing.

use embedded_graphics::geometry::Point;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};

use super::canvas::{Canvas, PLAIN, fitted};
use super::colour::diverging;
use super::{Attention, Frame, View, draw};

/// A view in which every picture of a feature rises from -1 to 1 in its rows.
fn view(window: usize, frames: usize, features: usize, attention: Attention) -> View {
    let pixels: Vec<f32> =
        (0..window * window).map(|at| (at / window) as f32 / (window - 1) as f32 * 2.0 - 1.0).collect();
    let frame = |age: usize| Frame {
        age_samples: age * 4,
        age_s: Some(age as f64 * 40_000.0),
        pictures: vec![[pixels.clone(), pixels.clone()]; features],
    };
    View {
        title: "What was seen of a market with a name that is far too long for any picture. ".repeat(4),
        notes: vec!["A note that is far too long for any picture, and does not end before it. ".repeat(9); 2],
        features: vec!["signed_log(order_flow_imbalance_of_a_name_too_long)".to_owned(); features],
        window,
        frames: (0..frames).rev().map(frame).collect(),
        attention,
    }
}

fn heads(count: usize, patches: usize) -> Attention {
    Attention::Heads(vec![vec![1.0 / patches as f32; patches]; count])
}

fn count(canvas: &Canvas, colour: Rgb888) -> usize {
    let [width, height] = [canvas.width(), canvas.height()].map(|size| size as i32);
    let points = (0..height).flat_map(|y| (0..width).map(move |x| Point::new(x, y)));
    points.filter(|at| canvas.pixel(*at) == colour).count()
}

#[test]
fn nothing_reaches_the_edge_however_long_a_text_is() {
    let nothing = || Attention::Nothing("No network is active, and a rule has no eyes. ".repeat(9));
    for (window, frames, features, attention) in [
        (16, 8, 6, heads(2, 16)),
        (16, 1, 6, nothing()),
        (2, 1, 1, heads(1, 1)),
        (8, 32, 1, heads(20, 64)),
        (128, 1, 1, heads(3, 1024)),
    ] {
        let canvas = draw(&view(window, frames, features, attention));
        let (width, height) = (canvas.width() as i32, canvas.height() as i32);
        let rows = (0..height).flat_map(|y| (0..8).flat_map(move |x| [(x, y), (width - 1 - x, y)]));
        let columns = (0..width).flat_map(|x| (0..8).flat_map(move |y| [(x, y), (x, height - 1 - y)]));
        for (x, y) in rows.chain(columns) {
            assert_eq!(canvas.pixel(Point::new(x, y)), Rgb888::WHITE, "{x}, {y} of {window}, {frames}");
        }
    }
}

#[test]
fn every_pixel_of_every_picture_is_there() {
    let (window, frames, features) = (16, 3, 2);
    let with = draw(&view(window, frames, features, heads(2, 16)));
    let zoom = 6;
    let one_row = window * zoom * zoom * frames * features * 2;
    // the bar has the ends too, in a line each
    for value in [-1.0, 1.0] {
        assert_eq!(count(&with, diverging(value)), one_row + 18, "{value}");
    }
}

#[test]
fn more_frames_and_heads_take_more_room() {
    let of = |frames, attention| draw(&view(16, frames, 6, attention));
    let [few, many] = [of(2, heads(2, 16)), of(20, heads(2, 16))];
    assert!(many.width() > few.width());
    let [none, some, more] =
        [Attention::Nothing("none".into()), heads(2, 16), heads(30, 16)].map(|a| of(8, a));
    assert!(none.height() < some.height() && some.height() < more.height());
    assert!((1000..2000).contains(&some.width()) && (600..1300).contains(&some.height()));
}

#[test]
fn what_a_patch_gets_is_the_mean_over_those_that_ask() {
    let matrices = [vec![0.5, 0.5, 0.25, 0.75], vec![1.0, 0.0, 1.0, 0.0]];
    let attention = Attention::of_matrices(&matrices, 2);
    assert_eq!(attention, Attention::Heads(vec![vec![0.375, 0.625], vec![1.0, 0.0]]));
    assert_eq!(attention.mean(), Some(vec![0.6875, 0.3125]));
    assert_eq!(Attention::Nothing(String::new()).mean(), None);
}

#[test]
fn a_text_is_cut_off_where_there_is_no_room() {
    assert_eq!(fitted("twelve chars", 84, &PLAIN), "twelve chars");
    assert_eq!(fitted("twelve chars", 83, &PLAIN), "twelve ch..");
    assert_eq!((fitted("twelve", 7, &PLAIN), fitted("twelve", -7, &PLAIN)), (".".to_owned(), String::new()));
}

#[test]
fn it_is_written_as_png() {
    let canvas = draw(&view(4, 2, 1, heads(1, 4)));
    let mut bytes = Vec::new();
    canvas.write_png(&mut bytes).expect("bytes");
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a header");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("an image");
    assert_eq!((info.width, info.height), (canvas.width(), canvas.height()));
    let at = Point::new(20, 20);
    let from = 3 * (20 * canvas.width() as usize + 20);
    let colour = canvas.pixel(at);
    assert_eq!(pixels[from..from + 3], [colour.r(), colour.g(), colour.b()]);
}
