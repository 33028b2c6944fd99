//! The one error type. (A placeholder: the way to panic only.)

/// What kind of mistake an error reports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ErrorKind {
    /// Containers have different structures.
    Structure,
    /// `argnums` do not fit the function.
    Argnums,
}

/// Panics with an error of this kind at the caller's line.
#[cold]
#[track_caller]
pub(crate) fn fail(_: ErrorKind, message: impl Into<String>) -> ! {
    std::panic::panic_any(message.into())
}
