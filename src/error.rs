//! The one error type, and how it travels: operations panic with it, [`catch`] turns such a panic into an `Err`.
//!
//! A panic carries the formatted message as a `String`, so that the usual hook prints it with the user's line. The typed error is
//! kept beside it for the thread; `catch` hands it out if, and only if, the panic that it caught is the one that left it there.

use std::cell::{Cell, RefCell};
use std::panic::Location;

/// A place in the user's source.
///
/// ```
/// use cotangent::{error::Loc, prelude::*};
/// let at: Option<Loc> = catch(|| array![1., 2.].reshape(&[3])).unwrap_err().location();
/// assert_eq!(at.unwrap().file(), file!());
/// ```
pub type Loc = &'static Location<'static>;

/// What kind of mistake an [`Error`] reports.
///
/// ```
/// use cotangent::prelude::*;
/// let kind = |f: fn() -> Array| catch(f).unwrap_err().kind();
/// assert_eq!(kind(|| array![1, 2] + array![1, 2, 3]), ErrorKind::Shape);
/// assert_eq!(kind(|| array![1, 2].i(5)), ErrorKind::Value);
/// assert_eq!(kind(|| jit(|x: &Array| array(x.to_f64()))(&array(1.))), ErrorKind::Concrete);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes or axes do not fit.
    Shape,
    /// Element types do not fit.
    Type,
    /// Containers have different structures.
    Structure,
    /// The number of a traced value was asked for.
    Concrete,
    /// A tracer outlived its transformation, or reached another thread.
    Leak,
    /// `argnums` do not fit the function.
    Argnums,
    /// A named axis is not bound here, or is bound twice.
    Axis,
    /// The operation has no derivative.
    NotDifferentiable,
    /// A derivative rule, or a function to be transposed, is not linear.
    NotLinear,
    /// A value is out of range.
    Value,
    /// A derivative differs from the numerical one.
    Check,
    /// A [`check!`](crate::check) does not hold.
    Failed,
    /// An operation made a NaN or an infinity where [`debug::nans`](crate::debug::nans) or [`debug::infs`](crate::debug::infs) looks for them.
    NotFinite,
    /// A program to load is malformed.
    Program,
    /// A file cannot be read or written, or is not what it should be.
    File,
    /// Something that this library does not have.
    Unsupported,
}

/// Why an operation could not be done: the operation, the shapes and types, and the user's line.
///
/// ```
/// use cotangent::prelude::*;
/// let e: Error = catch(|| array![1., 2.].reshape(&[3])).unwrap_err();
/// assert_eq!(e.kind(), ErrorKind::Shape);
/// assert!(e.to_string().starts_with(e.message()));
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    at: Option<Loc>,
}

impl Error {
    /// An error without a place.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let e = Error::new(ErrorKind::Value, "a rate below 0");
    /// assert_eq!((e.to_string().as_str(), e.location()), ("a rate below 0", None));
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), at: None }
    }
    pub(crate) fn at(mut self, at: Loc) -> Error {
        self.at = Some(at);
        self
    }
    pub(crate) fn adding(mut self, text: &str) -> Error {
        self.message.push_str(text);
        self
    }
    /// The kind of mistake.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let e = catch(|| array![1, 2].item::<i32>()).unwrap_err();
    /// assert_eq!(e.kind(), ErrorKind::Shape);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
    /// The message, without the place.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let e = catch(|| array![1, 2].to_vec::<f32>()).unwrap_err();
    /// assert!(e.message().starts_with("to_vec: the array has elements of type int32, not float32"));
    /// ```
    pub fn message(&self) -> &str {
        &self.message
    }
    /// The user's line, where it is known.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let line = line!() + 1;
    /// let e = catch(|| array![1, 2] + array![1, 2, 3]).unwrap_err();
    /// assert_eq!(e.location().map(|at| at.line()), Some(line));
    /// ```
    pub fn location(&self) -> Option<Loc> {
        self.at
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match self.at {
            Some(at) => write!(f, "\n  at {at}"),
            None => Ok(()),
        }
    }
}
impl std::error::Error for Error {}

thread_local! {
    static LAST: RefCell<Option<(String, Error)>> = const { RefCell::new(None) };
    /// How many [`catch`]es run.
    static CATCHING: Cell<usize> = const { Cell::new(0) };
}

/// Panics with this error. Under [`catch`] the panic is no news to anybody: it unwinds without a message on stderr.
#[cold]
#[track_caller]
pub(crate) fn raise(e: Error) -> ! {
    let text = e.to_string();
    LAST.with(|l| *l.borrow_mut() = Some((text.clone(), e)));
    if CATCHING.get() > 0 {
        std::panic::resume_unwind(Box::new(text))
    }
    std::panic::panic_any(text)
}

/// Panics with an error of this kind at the caller's line, or at the user's line while one of our rules runs.
#[cold]
#[track_caller]
pub(crate) fn fail(kind: ErrorKind, message: impl Into<String>) -> ! {
    let caller = Location::caller();
    let at = crate::trace::ambient().unwrap_or(caller);
    raise(Error::new(kind, message).at(at))
}

/// The same at a given line.
#[cold]
#[track_caller]
pub(crate) fn fail_at(loc: Loc, kind: ErrorKind, message: impl Into<String>) -> ! {
    raise(Error::new(kind, message).at(loc))
}

/// Runs `f`, and turns a panic of this library, and only of this library, into an error.
///
/// The library's own state is restored while the panic unwinds: after a caught error everything works as before. Nothing is
/// printed: the panic hook hears of the library's panics only where nobody catches them.
///
/// ```
/// use cotangent::prelude::*;
/// let e = catch(|| array![1., 2.] + array![1., 2., 3.]).unwrap_err();
/// assert_eq!(e.kind(), ErrorKind::Shape);
/// assert!(e.to_string().contains("add: shapes (2,) and (3,) do not broadcast"));
/// ```
pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Error> {
    CATCHING.set(CATCHING.get() + 1);
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
    CATCHING.set(CATCHING.get() - 1);
    match done {
        Ok(r) => Ok(r),
        Err(payload) => {
            let ours = payload
                .downcast_ref::<String>()
                .and_then(|text| LAST.with(|l| l.borrow_mut().take_if(|(t, _)| t == text)).map(|(_, e)| e));
            match ours {
                Some(e) => Err(e),
                None => std::panic::resume_unwind(payload),
            }
        }
    }
}
