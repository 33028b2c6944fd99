//! Texts with arrays in them whose numbers are not known yet.
//!
//! Rust formats the text as always, with all that its format strings can do. A tracer that is met on the way writes a mark instead of a number and is
//! remembered together with how it was to be written; what lies between the marks is text. So there is no second language of format strings.

use crate::array::Array;
use std::cell::RefCell;
use std::fmt::{self, Alignment, Formatter, Write};
use std::sync::Arc;

/// Text and places for values.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Template(Arc<[Piece]>);
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Piece {
    Text(Box<str>),
    Value(usize, Style),
}
/// How a value is to be written: what a format string can say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Style {
    debug: bool,
    fill: char,
    /// Left, center, right; 0 if nothing was said.
    align: u8,
    plus: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Not a character, and not for exchange: it stands at both ends of a mark.
const MARK: char = '\u{10ffff}';
thread_local! {
    /// The values met so far, while a text is being recorded.
    static MET: RefCell<Option<Vec<(Array, Style)>>> = const { RefCell::new(None) };
}
struct Restore(Option<Vec<(Array, Style)>>);
impl Drop for Restore {
    fn drop(&mut self) {
        MET.replace(self.0.take());
    }
}

/// A tracer is to be written. While a text is being recorded it leaves a mark; otherwise this says that it is not our affair.
pub(crate) fn met(x: &Array, f: &mut Formatter<'_>, debug: bool) -> Option<fmt::Result> {
    let align = f.align().map_or(0, |a| match a {
        Alignment::Left => 1,
        Alignment::Center => 2,
        Alignment::Right => 3,
    });
    let style = Style {
        debug,
        fill: f.fill(),
        align,
        plus: f.sign_plus(),
        zero: f.sign_aware_zero_pad(),
        width: f.width(),
        precision: f.precision(),
    };
    let place = MET.with_borrow_mut(|met| {
        let met = met.as_mut()?;
        met.push((x.clone(), style));
        Some(met.len() - 1)
    })?;
    Some(f.write_str(&format!("{MARK}{place}{MARK}")))
}

impl Template {
    /// The text, and the traced values that are to be written in it.
    pub(crate) fn record(text: fmt::Arguments<'_>) -> (Template, Vec<Array>) {
        let (text, met) = {
            let _restore = Restore(MET.replace(Some(vec![])));
            (text.to_string(), MET.take().expect("still recording"))
        };
        let (mut pieces, mut values) = (vec![], vec![]);
        for (i, part) in text.split(MARK).enumerate() {
            // what was marked but dropped by the user's own formatting has no place, and so no value
            match part.parse::<usize>().ok().filter(|_| i % 2 == 1).and_then(|k| met.get(k)) {
                Some((x, style)) => {
                    pieces.push(Piece::Value(values.len(), *style));
                    values.push(x.clone())
                }
                None if part.is_empty() => {}
                None => pieces.push(Piece::Text(part.into())),
            }
        }
        (Template(pieces.into()), values)
    }
    /// Places for values that are written as they are, between pieces of text: `text[0] value text[1] value ..`.
    pub(crate) fn of(text: &[&str]) -> Template {
        let plain = Style { debug: false, fill: ' ', align: 0, plus: false, zero: false, width: None, precision: None };
        let mut pieces = vec![];
        for (i, t) in text.iter().enumerate() {
            if i > 0 {
                pieces.push(Piece::Value(i - 1, plain))
            }
            pieces.push(Piece::Text((*t).into()))
        }
        Template(pieces.into())
    }
    /// The text with these values, which are concrete.
    pub(crate) fn render(&self, values: &[Array]) -> String {
        let mut out = String::new();
        for piece in &*self.0 {
            match piece {
                Piece::Text(t) => out.push_str(t),
                Piece::Value(i, style) => style.write(&values[*i], &mut out),
            }
        }
        out
    }
}
/// As a format string.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for piece in &*self.0 {
            match piece {
                Piece::Text(t) => f.write_str(&t.replace('\n', "\\n"))?,
                Piece::Value(_, s) => {
                    let mut spec = String::new();
                    if s.align > 0 {
                        spec.push(s.fill);
                        spec.push(['<', '^', '>'][s.align as usize - 1])
                    }
                    spec.push_str(if s.plus { "+" } else { "" });
                    spec.push_str(if s.zero { "0" } else { "" });
                    if let Some(w) = s.width {
                        write!(spec, "{w}")?
                    }
                    if let Some(p) = s.precision {
                        write!(spec, ".{p}")?
                    }
                    spec.push_str(if s.debug { "?" } else { "" });
                    if spec.is_empty() { f.write_str("{}")? } else { write!(f, "{{:{spec}}}")? }
                }
            }
        }
        Ok(())
    }
}
impl Style {
    fn write(&self, x: &Array, out: &mut String) {
        let text = match (self.debug, self.plus, self.precision) {
            (true, _, None) => format!("{x:?}"),
            (true, _, Some(p)) => format!("{x:.p$?}"),
            (false, false, None) => format!("{x}"),
            (false, false, Some(p)) => format!("{x:.p$}"),
            (false, true, None) => format!("{x:+}"),
            (false, true, Some(p)) => format!("{x:+.p$}"),
        };
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        // a number with so many digits stands on the right, as Rust's numbers do, and anything else on the left
        let number = self.precision.is_some() && x.ndim() == 0 && !self.debug;
        if number && self.zero {
            let sign = text.chars().take_while(|c| matches!(c, '+' | '-')).count();
            out.push_str(&text[..sign]);
            out.extend(std::iter::repeat_n('0', missing));
            return out.push_str(&text[sign..]);
        }
        let before = match (self.align, number) {
            (1, _) | (0, false) => 0,
            (2, _) => missing / 2,
            _ => missing,
        };
        out.extend(std::iter::repeat_n(self.fill, before));
        out.push_str(&text);
        out.extend(std::iter::repeat_n(self.fill, missing - before))
    }
}
