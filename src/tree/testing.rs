//! Leaves for the tests of the typed layer: an array whose length is the number that the test looks at.

use crate::{Array, Pytree, tree};

/// An array that stands for `n`.
pub(crate) fn leaf(n: usize) -> Array {
    Array::from_slice(&vec![0u8; n], &[n])
}

/// The number that an array stands for.
pub(crate) fn number(x: &Array) -> usize {
    x.shape()[0]
}

/// The numbers of all leaves.
pub(crate) fn numbers<T: Pytree>(tree: &T) -> Vec<usize> {
    tree::leaves(tree).iter().map(number).collect()
}

/// What the panic of `f` says.
pub(crate) fn panic_text<R>(f: impl FnOnce() -> R) -> String {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(_) => panic!("a panic was expected"),
        Err(e) => match e.downcast::<String>() {
            Ok(text) => *text,
            Err(e) => e.downcast_ref::<&str>().expect("a message").to_string(),
        },
    }
}
