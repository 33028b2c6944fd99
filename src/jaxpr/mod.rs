//! Programs as values.

mod base64;
pub mod json;
pub mod params;
