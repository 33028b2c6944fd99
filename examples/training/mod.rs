//! What the examples that train for a while have in common: how long, and what they say meanwhile.
#![allow(dead_code)]

use indicatif::{ProgressBar, ProgressStyle};

/// The number behind this word on the command line, or else `default`.
pub fn argument(word: &str, default: usize) -> usize {
    let mut rest = std::env::args().skip_while(|a| a != word);
    match (rest.next(), rest.next()) {
        (None, _) => default,
        (_, Some(n)) if n.parse::<usize>().is_ok_and(|n| n > 0) => n.parse().expect("a number"),
        _ => panic!("{word} is followed by a positive number"),
    }
}

/// How far a loop is: a bar where a terminal shows it, and elsewhere ten lines in all.
pub struct Progress {
    bar: ProgressBar,
    name: &'static str,
}
impl Progress {
    /// Of a loop of so many turns.
    pub fn new(name: &'static str, turns: usize) -> Progress {
        let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len}, {eta} left: {msg}");
        let bar = ProgressBar::new(turns as u64).with_style(style.expect("a template")).with_prefix(name);
        Progress { bar, name }
    }
    /// Another turn is over, and this is the news.
    pub fn turn(&self, news: impl std::fmt::Display) {
        self.bar.set_message(news.to_string());
        self.bar.inc(1);
        let (now, all) = (self.bar.position(), self.bar.length().unwrap_or(1));
        if self.bar.is_hidden() && (now * 10 / all > (now - 1) * 10 / all) {
            println!("{} {now}/{all}: {news}", self.name)
        }
    }
}
impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.abandon()
    }
}
