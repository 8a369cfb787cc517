//! A picture of what the visual cortex saw: its frames with their axes, and below them what the frame
//! network attended to.

mod canvas;
mod colour;
mod frames;
mod patches;
#[cfg(test)]
mod tests;

use embedded_graphics::geometry::{Point, Size};

pub use self::canvas::Canvas;
use self::canvas::{LARGE, PLAIN};

/// Free space at every edge, in pixels of the drawing.
const MARGIN: i32 = 16;
/// From the upper edge to the frames.
const TITLE_HEIGHT: i32 = 88;

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What it is, in a line.
    pub title: String,
    /// When it was, and what was made of it, a line each; at most two.
    pub notes: Vec<String>,
    /// The names of the features.
    pub features: Vec<String>,
    /// Samples W of a window: the side of a picture.
    pub window: usize,
    /// The frames, the oldest first.
    pub frames: Vec<Frame>,
    /// What was attended to in the newest.
    pub attention: Attention,
}

/// A frame of the video.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Samples that came after the last one of its window.
    pub age_samples: usize,
    /// How long before the decision that one was made, where it is known.
    pub age_s: Option<f64>,
    /// GASF and GADF of each feature, `[W][W]`, each pixel in [-1, 1].
    pub pictures: Vec<[Vec<f32>; 2]>,
}

/// What the frame network attended to.
#[derive(Debug, Clone, PartialEq)]
pub enum Attention {
    /// Nothing, and why.
    Nothing(String),
    /// A share for each patch, row by row, of each head; those of a head sum to one.
    Heads(Vec<Vec<f32>>),
}

impl Attention {
    /// From how much each patch attends to each, `[P][P]` a head: what each gets, as the mean over all
    /// that ask.
    #[must_use]
    pub fn of_matrices(matrices: &[Vec<f32>], patches: usize) -> Self {
        let column = |matrix: &Vec<f32>, at: usize| {
            matrix.iter().skip(at).step_by(patches).sum::<f32>() / patches as f32
        };
        Self::Heads(
            matrices.iter().map(|matrix| (0..patches).map(|at| column(matrix, at)).collect()).collect(),
        )
    }

    /// The mean over the heads; none where nothing is attended to.
    #[must_use]
    pub fn mean(&self) -> Option<Vec<f32>> {
        let Self::Heads(heads) = self else { return None };
        let sum = |at: usize| heads.iter().map(|head| head[at]).sum::<f32>();
        Some((0..heads.first()?.len()).map(|at| sum(at) / heads.len() as f32).collect())
    }
}

/// Draws it.
#[must_use]
pub fn draw(view: &View) -> Canvas {
    let grid = frames::Grid::of(view);
    let panel = patches::Panel::of(view, grid.size());
    let [upper, lower] = [grid.size(), panel.size()];
    let size = Size::new(
        upper.width.max(lower.width) + 2 * MARGIN as u32,
        (TITLE_HEIGHT + 2 * MARGIN) as u32 + upper.height + lower.height,
    );
    let mut canvas = Canvas::new(size);
    let width = size.width as i32 - 2 * MARGIN;
    canvas.text(&LARGE, Point::new(MARGIN, MARGIN), width, &view.title);
    for (line, note) in view.notes.iter().enumerate() {
        canvas.text(&PLAIN, Point::new(MARGIN, MARGIN + 28 + 18 * line as i32), width, note);
    }
    let top = MARGIN + TITLE_HEIGHT;
    grid.draw(&mut canvas, Point::new(MARGIN, top));
    panel.draw(&mut canvas, Point::new(MARGIN, top + upper.height as i32));
    canvas
}
