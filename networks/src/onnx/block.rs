//! Attention and blocks as few nodes: constants are multiplied together beforehand, in double precision.
//!
//! The logits of a head are `(x Wqᵀ + bq)(y Wkᵀ + bk)ᵀ/√(d/h)`. What `bk` adds is the same for every key,
//! so softmax drops it; what is left is `(x M + c) yᵀ` with `M = Wqᵀ Wk/√(d/h)` and `c = bq Wk/√(d/h)`. The
//! values and the output projection are linear too, and attention rows sum to one: the result is the sum
//! over heads of `(A y) N + n` with `N = Wvᵀ Woᵀ` and `n = bv Woᵀ + bo/h`. So no head is cut out, turned or
//! put together again.

use std::f64::consts::FRAC_1_SQRT_2;

use super::builder::Builder;
use super::proto::Attribute;

/// The constants of an attention over all heads: matrices `[h][d][d]`, rows `[h][1][d]`.
struct Folded {
    scores: Vec<f32>,
    scores_bias: Vec<f32>,
    values: Vec<f32>,
    values_bias: Vec<f32>,
}

impl Builder<'_> {
    /// Attention of the rows `x` to the rows `y`, both normalised; `bias` is added to the logits.
    pub fn attention(&mut self, name: &str, heads: usize, x: &str, y: &str, bias: Option<&str>) -> String {
        let d = self.weight(&format!("{name}.out.bias")).len();
        let folded = self.folded(name, heads, d);
        let scores = self.constant(&format!("{name}.scores"), &[heads, d, d], &folded.scores);
        let scores_bias = self.constant(&format!("{name}.scores_bias"), &[heads, 1, d], &folded.scores_bias);
        let values = self.constant(&format!("{name}.values"), &[heads, d, d], &folded.values);
        let values_bias = self.constant(&format!("{name}.values_bias"), &[heads, 1, d], &folded.values_bias);
        let query = self.affine(x, &scores, &scores_bias);
        let keys = self.transpose(y, &[1, 0]);
        let mut logits = self.node("MatMul", &[&query, &keys], Vec::new());
        if let Some(bias) = bias {
            logits = self.node("Add", &[&logits, bias], Vec::new());
        }
        let shares = self.node("Softmax", &[&logits], vec![Attribute::int("axis", -1)]);
        let mixed = self.node("MatMul", &[&shares, y], Vec::new());
        let mixed = self.affine(&mixed, &values, &values_bias);
        self.sum_first(&mixed)
    }

    fn affine(&mut self, x: &str, matrix: &str, bias: &str) -> String {
        let product = self.node("MatMul", &[x, matrix], Vec::new());
        self.node("Add", &[&product, bias], Vec::new())
    }

    fn folded(&self, name: &str, heads: usize, d: usize) -> Folded {
        let (w, b) = (self.weight(&format!("{name}.in.weight")), self.weight(&format!("{name}.in.bias")));
        let (out, out_bias) =
            (self.weight(&format!("{name}.out.weight")), self.weight(&format!("{name}.out.bias")));
        let size = d / heads;
        let scale = 1.0 / (size as f64).sqrt();
        // row of query, key (1) or value (2) number `r` of a head; column `a` of it
        let at =
            |part: usize, head: usize, r: usize, a: usize| f64::from(w[(part * d + head * size + r) * d + a]);
        let bias = |part: usize, head: usize, r: usize| f64::from(b[part * d + head * size + r]);
        let project = |head: usize, r: usize, column: usize| f64::from(out[column * d + head * size + r]);
        let total = |term: &dyn Fn(usize) -> f64| (0..size).map(term).sum::<f64>();
        let mut folded = Folded { scores: vec![], scores_bias: vec![], values: vec![], values_bias: vec![] };
        for head in 0..heads {
            for a in 0..d {
                for column in 0..d {
                    let score = total(&|r| at(0, head, r, a) * at(1, head, r, column));
                    folded.scores.push((score * scale) as f32);
                    let value = total(&|r| at(2, head, r, a) * project(head, r, column));
                    folded.values.push(value as f32);
                }
            }
            for (column, &rest) in out_bias.iter().enumerate() {
                let score = total(&|r| bias(0, head, r) * at(1, head, r, column));
                folded.scores_bias.push((score * scale) as f32);
                let value = total(&|r| bias(2, head, r) * project(head, r, column));
                folded.values_bias.push((value + f64::from(rest) / heads as f64) as f32);
            }
        }
        folded
    }

    /// A pre-norm block `x += MSA(LN(x)); x += MLP(LN(x))`; `last` alone of the rows where it is given.
    pub fn block(&mut self, name: &str, heads: usize, x: &str, last: Option<usize>) -> String {
        let y = self.norm(x, &format!("{name}.ln1"));
        let (x, query) = match last {
            Some(row) => (self.row(x, row), self.row(&y, row)),
            None => (x.to_owned(), y.clone()),
        };
        let seen = self.attention(&format!("{name}.attn"), heads, &query, &y, None);
        let x = self.node("Add", &[&x, &seen], Vec::new());
        if self.weight(&format!("{name}.mlp.in.bias")).is_empty() {
            return x;
        }
        let y = self.norm(&x, &format!("{name}.ln2"));
        let thought = self.mlp(&format!("{name}.mlp"), &y);
        self.node("Add", &[&x, &thought], Vec::new())
    }

    /// Two layers with the exact GELU between them: with u = x/√2 it is `u(1 + erf u)/√2`, so both factors
    /// 1/√2 go into the layers.
    fn mlp(&mut self, name: &str, x: &str) -> String {
        let d = self.weight(&format!("{name}.out.bias")).len();
        let hidden = self.weight(&format!("{name}.in.bias")).len();
        let mut scaled = |what: &str, sizes: &[usize], factor: f64| {
            let tensor = format!("{name}.{what}");
            let values: Vec<f32> =
                self.weight(&tensor).iter().map(|&w| (f64::from(w) * factor) as f32).collect();
            self.constant(&tensor, sizes, &values)
        };
        let (w_in, b_in) =
            (scaled("in.weight", &[hidden, d], FRAC_1_SQRT_2), scaled("in.bias", &[hidden], FRAC_1_SQRT_2));
        let (w_out, b_out) =
            (scaled("out.weight", &[d, hidden], FRAC_1_SQRT_2), scaled("out.bias", &[d], 1.0));
        let one = self.constant(&format!("{name}.one"), &[1], &[1.0]);
        let u = self.linear(x, &w_in, &b_in);
        let erf = self.node("Erf", &[&u], Vec::new());
        let share = self.node("Add", &[&erf, &one], Vec::new());
        let active = self.node("Mul", &[&u, &share], Vec::new());
        self.linear(&active, &w_out, &b_out)
    }
}
