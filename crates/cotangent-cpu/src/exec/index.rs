//! Steps that move elements to or from computed places.

use super::run::Frame;

/// Placeholder of the steps to come.
pub enum Index {}

/// # Safety
/// The frame belongs to the program that the step was built from.
pub unsafe fn run(step: &Index, _frame: &Frame) {
    match *step {}
}
