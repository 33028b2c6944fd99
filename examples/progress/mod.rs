//! What the examples' progress bars have in common. They are drawn on standard error, and only where that is a terminal: a log has the results without them.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that says what is done, how far it is, and how long the rest will take.
pub fn bar(what: &'static str, steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:<14} {bar:40} {pos}/{len}  {msg}  {eta} left");
    ProgressBar::new(steps as u64).with_style(style.expect("a template that indicatif knows")).with_prefix(what)
}
