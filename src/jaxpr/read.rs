//! Programs recorded from JAX, made into programs of ours: each recorded equation is staged through our own operations.

use super::json::{ArrayData, JaxprData, JsonError, ProgramData};
use super::*;
use crate::error::{Error, ErrorKind};

/// A loaded program.
pub struct Loaded {
    /// The program.
    pub jaxpr: Arc<Jaxpr>,
}

impl From<JsonError> for Error {
    fn from(e: JsonError) -> Error {
        Error::new(ErrorKind::Program, e.to_string())
    }
}

/// The element type named by a parameter.
pub(crate) fn dtype_param(p: &super::params::Params, name: &str) -> Result<DType, Error> {
    let text = p.dtype(name)?;
    DType::from_name(text).ok_or_else(|| p.error(name, format!("element type `{text}` is not supported")).into())
}
