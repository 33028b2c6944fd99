//! The programs of the documents that the project was created from, each cell as the Rust program that its reader would write.
//!
//!     cargo run --release --example seeds
//!
//! A line `## document, cell` precedes the output of each cell; `tests/seeds.rs` compares it with what the documents print.

mod autograd_tutorial;
mod python;
mod taking_gradients;
mod value_and_grad;
mod value_and_grad_reference;

/// Announces a cell.
pub fn cell(document: &str, name: &str) {
    println!("## {document}, {name}");
}

/// Runs them all.
pub fn main() {
    value_and_grad::run();
    value_and_grad_reference::run();
    value_and_grad::run_zh();
    taking_gradients::run();
    autograd_tutorial::run();
}
