//! A text's embedding: a BERT-class encoder in ONNX, and the tokenizer that was trained with it.

use std::fs;
use std::path::Path;

use ort::session::{Session, SessionInputValue};
use ort::value::TensorRef;
use tokenizers::{Tokenizer, TruncationParams};

use crate::failure::Failure;
use crate::inference::{InferenceParams, Kind, Runtime};

/// The graph, in a model's folder.
const MODEL: &str = "model.onnx";
/// The tokenizer, in a model's folder.
const TOKENIZER: &str = "tokenizer.json";
/// The most tokens of a text, where the tokenizer does not say.
const MOST_TOKENS: usize = 256;
/// What is embedded once at the start, so that a model that does not run is told then.
const SPECIMEN: &str = "a headline";

/// The inputs of an encoder; the last may be missing.
const INPUTS: [&str; 3] = ["input_ids", "attention_mask", "token_type_ids"];

/// An encoder of texts.
pub struct Embedder {
    tokenizer: Tokenizer,
    session: Session,
    has_types: bool,
    hash: [u8; 32],
    is_tract: bool,
}

impl Embedder {
    /// Opens the model in a folder, on what runs graphs in this process; it must give so many `numbers`.
    ///
    /// # Errors
    /// [`Failure::Input`] where the folder holds no such model, or the model does not run or gives another count.
    pub fn open(folder: &Path, params: &InferenceParams, numbers: usize) -> Result<Self, Failure> {
        let file = |name: &str| {
            fs::read(folder.join(name)).map_err(|e| {
                let place = folder.join(name);
                Failure::Input(format!(
                    "{}: {e}; news.model must be a folder with {MODEL} and {TOKENIZER}",
                    place.display()
                ))
            })
        };
        let (graph, words) = (file(MODEL)?, file(TOKENIZER)?);
        let bad = |name: &str, what: String| {
            Failure::Input(format!("{}: {what}; use another news.model", folder.join(name).display()))
        };
        let tokenizer = tokenizer(&words).map_err(|e| bad(TOKENIZER, e.to_string()))?;
        let kind = params.graphs()?;
        let runtime = match &kind {
            Kind::OnnxRuntime(library) => Runtime::open(Some(library))?,
            Kind::Native | Kind::OrtTract => Runtime::open(None)?,
        };
        let is_tract = kind == Kind::OrtTract;
        let loaded = runtime.session(MODEL, &graph);
        let session = loaded.map_err(|e| bad(MODEL, format!("{e}{}", remedy(is_tract))))?;
        let names: Vec<&str> = session.inputs().iter().map(|input| input.name()).collect();
        let (needed, has_types) = (&INPUTS[..2], names.contains(&INPUTS[2]));
        if names.len() != 2 + usize::from(has_types) || !needed.iter().all(|name| names.contains(name)) {
            let what = format!("its inputs are {}, and must be {}", names.join(", "), INPUTS.join(", "));
            return Err(bad(MODEL, what));
        }
        let hash = *blake3::Hasher::new().update(&graph).update(&words).finalize().as_bytes();
        let mut embedder = Self { tokenizer, session, has_types, hash, is_tract };
        let has = embedder.embed(SPECIMEN).map_err(|what| bad(MODEL, what))?.len();
        if has != numbers {
            return Err(bad(
                MODEL,
                format!("it gives {has} numbers a text, and the network reads {numbers}"),
            ));
        }
        Ok(embedder)
    }

    /// BLAKE3 of the graph and the tokenizer, one behind the other.
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The embedding of a text: what the graph gives of the whole text, as it is; or, of its tokens \[1, L, H\], their
    /// mean over the mask, of length one.
    ///
    /// # Errors
    /// A text that the tokenizer or the graph refuses, or an embedding with a number that is none.
    pub fn embed(&mut self, text: &str) -> Result<Box<[f32]>, String> {
        let encoding = self.tokenizer.encode(text, true).map_err(|e| format!("the tokenizer: {e}"))?;
        let wide = |numbers: &[u32]| numbers.iter().map(|&number| i64::from(number)).collect::<Vec<_>>();
        let given = [encoding.get_ids(), encoding.get_attention_mask(), encoding.get_type_ids()].map(wide);
        let is_tract = self.is_tract;
        let failed = |e: ort::Error| format!("it does not run: {e}{}", remedy(is_tract));
        let mut inputs: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(INPUTS.len());
        for (name, numbers) in INPUTS.into_iter().zip(&given).take(2 + usize::from(self.has_types)) {
            let tensor = TensorRef::from_array_view(([1, numbers.len()], &numbers[..])).map_err(failed)?;
            inputs.push((name, tensor.into()));
        }
        let made = self.session.run(inputs).map_err(failed)?;
        let (shape, values) = made[0].try_extract_tensor::<f32>().map_err(failed)?;
        let embedding: Box<[f32]> = match shape[..] {
            [1, numbers] if numbers > 0 => values.into(),
            [1, tokens, numbers] if tokens as usize == given[1].len() && numbers > 0 => {
                pooled(values, &given[1], numbers as usize)
            }
            _ => return Err(format!("it gives {shape:?}, and must give [1, H] or [1, L, H]")),
        };
        if let Some(at) = embedding.iter().position(|number| !number.is_finite()) {
            return Err(format!("number {at} of an embedding is {}, and must be finite", embedding[at]));
        }
        Ok(embedding)
    }
}

/// A tokenizer that fills nothing up and cuts what is too long.
fn tokenizer(words: &[u8]) -> tokenizers::Result<Tokenizer> {
    let mut tokenizer = Tokenizer::from_bytes(words)?;
    tokenizer.with_padding(None);
    if tokenizer.get_truncation().is_none() {
        let cut = TruncationParams { max_length: MOST_TOKENS, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(cut))?;
    }
    Ok(tokenizer)
}

/// What to do where the graph does not run on tract.
const fn remedy(is_tract: bool) -> &'static str {
    if is_tract {
        "; tract does not run every graph: set inference.runtime to ONNX Runtime's library"
    } else {
        ""
    }
}

/// The mean of the tokens' rows that the mask lets pass, of length one.
fn pooled(rows: &[f32], mask: &[i64], numbers: usize) -> Box<[f32]> {
    let mut mean = vec![0.0_f32; numbers];
    let mut count = 0.0_f32;
    for (row, _) in rows.chunks_exact(numbers).zip(mask).filter(|(_, mask)| **mask != 0) {
        count += 1.0;
        mean.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
    }
    mean.iter_mut().for_each(|sum| *sum /= count.max(1.0));
    let length = mean.iter().map(|number| number * number).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    mean.iter().map(|number| number / length).collect()
}
