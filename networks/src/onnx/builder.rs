//! A graph as it grows, node by node, each the product of the ones before.

use prost::Message;

use super::proto::{Attribute, Graph, Model, Node, OperatorSet, Tensor, ValueInfo, dims};
use crate::weights::Weights;

/// The version of the operators: the first with layer normalisation.
const OPSET: i64 = 17;
/// The version of the file format that goes with it.
const IR: i64 = 8;
/// Epsilon of every layer normalisation.
const EPSILON: f32 = 1e-5;

/// A graph under construction. Values are called by name.
pub(super) struct Builder<'a> {
    weights: &'a Weights,
    graph: Graph,
}

/// The name of the graph's only input.
pub(super) const INPUT: &str = "input";
/// The name of the graph's only output.
const OUTPUT: &str = "output";

impl<'a> Builder<'a> {
    /// A graph that takes a vector of so many numbers.
    pub fn new(name: &str, weights: &'a Weights, inputs: usize) -> Self {
        let input = vec![ValueInfo::vector(INPUT, inputs)];
        Self { weights, graph: Graph { name: name.to_owned(), input, ..Graph::default() } }
    }

    /// The tensor of that name of the network.
    pub fn weight(&self, name: &str) -> &'a [f32] {
        self.weights.get(name)
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: &str, sizes: &[usize], values: &[f32]) -> String {
        self.graph.initializer.push(Tensor::floats(name, sizes, values));
        name.to_owned()
    }

    /// Adds whole numbers that an operator takes as an input.
    fn indices(&mut self, values: &[usize]) -> String {
        let name = format!("indices_{}", self.graph.initializer.len());
        self.graph.initializer.push(Tensor::ints(&name, &dims(values)));
        name
    }

    /// Adds a node with one output, whose name is returned.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        self.nodes(op, inputs, attributes, 1).remove(0)
    }

    /// Adds a node with so many outputs.
    fn nodes(&mut self, op: &str, inputs: &[&str], attribute: Vec<Attribute>, outputs: usize) -> Vec<String> {
        let name = format!("{op}_{}", self.graph.node.len());
        let output: Vec<String> = match outputs {
            1 => vec![name.clone()],
            _ => (0..outputs).map(|i| format!("{name}.{i}")).collect(),
        };
        let input = inputs.iter().map(|&input| input.to_owned()).collect();
        self.graph.node.push(Node { input, output: output.clone(), name, op_type: op.to_owned(), attribute });
        output
    }

    /// x Wᵀ + b for rows x; b may be one row or one a row of x.
    pub fn linear(&mut self, x: &str, weight: &str, bias: &str) -> String {
        self.node("Gemm", &[x, weight, bias], vec![Attribute::int("transB", 1)])
    }

    /// Layer normalisation of each row with the gain and shift of the network called `name`.
    pub fn norm(&mut self, x: &str, name: &str) -> String {
        let (gain, shift) = (format!("{name}.weight"), format!("{name}.bias"));
        for tensor in [&gain, &shift] {
            let values = self.weight(tensor);
            self.constant(tensor, &[values.len()], values);
        }
        let attributes = vec![Attribute::int("axis", -1), Attribute::float("epsilon", EPSILON)];
        self.node("LayerNormalization", &[x, &gain, &shift], attributes)
    }

    /// The same numbers with other sizes.
    pub fn reshape(&mut self, x: &str, sizes: &[usize]) -> String {
        let sizes = self.indices(sizes);
        self.node("Reshape", &[x, &sizes], Vec::new())
    }

    /// The axes in another order.
    pub fn transpose(&mut self, x: &str, order: &[i64]) -> String {
        self.node("Transpose", &[x], vec![Attribute::ints("perm", order)])
    }

    /// Parts of given lengths along an axis.
    pub fn split(&mut self, x: &str, axis: i64, lengths: &[usize]) -> Vec<String> {
        let sizes = self.indices(lengths);
        self.nodes("Split", &[x, &sizes], vec![Attribute::int("axis", axis)], lengths.len())
    }

    /// One row of a matrix, as a matrix.
    pub fn row(&mut self, x: &str, row: usize) -> String {
        let bounds = [row, row + 1, 0].map(|at| self.indices(&[at]));
        self.node("Slice", &[x, &bounds[0], &bounds[1], &bounds[2]], Vec::new())
    }

    /// The mean of all rows, as a row.
    pub fn mean_row(&mut self, x: &str) -> String {
        self.node("ReduceMean", &[x], vec![Attribute::ints("axes", &[0]), Attribute::int("keepdims", 1)])
    }

    /// The sum over the first axis, which goes.
    pub fn sum_first(&mut self, x: &str) -> String {
        let axis = self.indices(&[0]);
        self.node("ReduceSum", &[x, &axis], vec![Attribute::int("keepdims", 0)])
    }

    /// The bytes of the file: what the last node makes is the output, a vector of so many numbers.
    pub fn finish(mut self, outputs: usize) -> Vec<u8> {
        if let Some(last) = self.graph.node.last_mut() {
            last.output = vec![OUTPUT.to_owned()];
        }
        self.graph.output = vec![ValueInfo::vector(OUTPUT, outputs)];
        let opset_import = vec![OperatorSet { domain: String::new(), version: OPSET }];
        let producer_name = "janus".to_owned();
        Model { ir_version: IR, producer_name, graph: Some(self.graph), opset_import }.encode_to_vec()
    }
}
