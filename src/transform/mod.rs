//! The transformations.
