//! The one runtime of graphs that a process has.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::InferenceError;

/// What runs graphs in this process. `ort` can be given a back end once, and would exchange one that was
/// named but not yet used for another without a word, so the choice is made and used here, under a lock.
static CHOSEN: Mutex<Option<Runtime>> = Mutex::new(None);

/// A runtime of ONNX graphs; clones are the same one.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    version: String,
    threads: bool,
}

impl Runtime {
    /// The runtime of this process: the ONNX Runtime library at a path, or tract.
    ///
    /// # Errors
    /// A library that cannot be used; another choice made before.
    pub fn open(library: Option<&Path>) -> Result<Self, InferenceError> {
        let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*chosen {
            let wanted = library.map_or_else(|| "ort-tract".to_owned(), |path| path.display().to_string());
            return match runtime.threads == library.is_some() {
                true => Ok(runtime.clone()),
                false => Err(InferenceError::Chosen { chosen: runtime.version.clone(), wanted }),
            };
        }
        let runtime = match library {
            Some(path) => Self::library(path)?,
            None => Self::tract()?,
        };
        Ok(chosen.insert(runtime).clone())
    }

    fn library(path: &Path) -> Result<Self, InferenceError> {
        let wrong = |why: String| InferenceError::Library { path: path.to_owned(), why };
        // a relative path would be looked for beside the program first
        let path = path.canonicalize().map_err(|e| wrong(e.to_string()))?;
        let builder = ort::init_from(&path).map_err(|e| wrong(e.to_string()))?;
        let info = ort::info();
        let environment = builder.with_telemetry(false).build().map_err(|e| wrong(e.to_string()))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // its build tells the commit; the release stands in the name of the file alone
        let release = name.split_once(".so.").map_or(name.as_str(), |(_, release)| release);
        let commit = info.split("git-commit-id=").nth(1).and_then(|rest| rest.split([',', ' ']).next());
        let version = format!("onnxruntime {release} (commit {})", commit.unwrap_or("unknown"));
        Ok(Self { environment, version, threads: true })
    }

    fn tract() -> Result<Self, InferenceError> {
        if !ort::set_api(ort_tract::api()) {
            return Err(InferenceError::Environment("another back end was set outside".to_owned()));
        }
        let environment = ort::init().build().map_err(|e| InferenceError::Environment(e.to_string()))?;
        let release = ort::info().split("version=").nth(1).unwrap_or("unknown");
        Ok(Self { environment, version: format!("ort-tract {release}"), threads: false })
    }

    /// Name and version, as manifests record them.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A session of a graph, on one thread; `graph` names it in errors.
    ///
    /// # Errors
    /// Bytes that are no graph, or one that the runtime cannot run.
    pub fn session(&self, graph: &'static str, bytes: &[u8]) -> Result<Session, InferenceError> {
        let made = || -> ort::Result<Session> {
            let mut builder =
                Session::builder(&self.environment)?.with_optimization_level(GraphOptimizationLevel::All)?;
            if self.threads {
                builder = builder.with_intra_threads(1)?.with_inter_threads(1)?;
            }
            builder.commit_from_memory(bytes)
        };
        made().map_err(|e| {
            let (backend, why) = (self.version.clone(), e.to_string());
            InferenceError::Graph { graph, backend, why }
        })
    }
}
