//! Setting text in lines of limited width, as the printers of functional languages do it: a group of words stands on one line if
//! it fits there, and otherwise breaks at each break that is its own and not that of a group inside.
//!
//! A document is a flat list of steps rather than a tree, so that neither building nor setting it recurses. Setting looks ahead at
//! most one line from where a group opens, and never looks into a group of which it knows already that it fits.

use std::fmt;

/// A text together with the places where it may break.
#[derive(Default)]
pub(crate) struct Document {
    /// All words in order, those of the breaks included.
    words: String,
    steps: Vec<Step>,
}

/// Lengths are in bytes of `words`.
#[derive(Clone, Copy)]
enum Step {
    Text(u32),
    /// A new line in a group that is broken, these words in one that is not.
    Break(u32),
    /// Lines that begin from here on are indented by so much more.
    Indent(i32),
    Open,
    Close,
}

impl Document {
    /// Words that stay together.
    pub(crate) fn text(&mut self, text: &str) {
        self.words.push_str(text);
        let more = text.len() as u32;
        match self.steps.last_mut() {
            Some(Step::Text(n)) => *n += more,
            // a step without words would be looked at, and is none
            _ if more == 0 => {}
            _ => self.steps.push(Step::Text(more)),
        }
    }
    /// A place to break. If its group does not, `flat` stands there.
    pub(crate) fn brk(&mut self, flat: &str) {
        self.words.push_str(flat);
        self.steps.push(Step::Break(flat.len() as u32));
    }
    /// A space where the line is broken if, and only if, it is full.
    pub(crate) fn space(&mut self) {
        self.open();
        self.brk(" ");
        self.close();
    }
    /// Lines that begin from here on are indented by so much more; a negative number takes it back.
    pub(crate) fn indent(&mut self, by: i32) {
        self.steps.push(Step::Indent(by))
    }
    /// A group begins.
    pub(crate) fn open(&mut self) {
        self.steps.push(Step::Open)
    }
    /// The group ends that began last.
    pub(crate) fn close(&mut self) {
        self.steps.push(Step::Close)
    }

    /// Writes the text. What cannot be broken may be longer than a line.
    pub(crate) fn set(&self, width: usize, out: &mut dyn fmt::Write) -> fmt::Result {
        let (mut at, mut column, mut indent) = (0, 0, 0i32);
        // how many groups are open that stand on one line; what is outside of them is broken
        let mut flat = 0u32;
        for (i, step) in self.steps.iter().enumerate() {
            match *step {
                Step::Break(n) if flat == 0 => {
                    at += n as usize;
                    column = indent.max(0) as usize;
                    write!(out, "\n{:column$}", "")?;
                }
                Step::Text(n) | Step::Break(n) => {
                    let end = at + n as usize;
                    out.write_str(&self.words[at..end])?;
                    at = end;
                    column += n as usize;
                }
                Step::Indent(by) => indent += by,
                Step::Open if flat > 0 => flat += 1,
                Step::Open => flat = u32::from(width.checked_sub(column).is_some_and(|room| self.fits(i, room))),
                Step::Close => flat = flat.saturating_sub(1),
            }
        }
        Ok(())
    }

    /// Is the group that opens at this step no longer than that?
    fn fits(&self, open: usize, mut room: usize) -> bool {
        let mut depth = 0u32;
        for step in &self.steps[open..] {
            match *step {
                Step::Text(n) | Step::Break(n) => match room.checked_sub(n as usize) {
                    Some(rest) => room = rest,
                    None => return false,
                },
                Step::Open => depth += 1,
                Step::Close => {
                    depth -= 1;
                    if depth == 0 {
                        return true;
                    }
                }
                Step::Indent(_) => {}
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets a document that is written in a little language: `(` and `)` for a group, `>` and `<` for indenting by two,
    /// `|`, `_` and `;` for breaks that stand for nothing, a space and `; `.
    fn set(width: usize, text: &str) -> String {
        let mut d = Document::default();
        for c in text.chars() {
            match c {
                '(' => d.open(),
                ')' => d.close(),
                '>' => d.indent(2),
                '<' => d.indent(-2),
                '|' => d.brk(""),
                '_' => d.brk(" "),
                ';' => d.brk("; "),
                c => d.text(c.encode_utf8(&mut [0; 4])),
            }
        }
        let mut out = String::new();
        d.set(width, &mut out).unwrap();
        out
    }

    /// The texts are those that JAX's printer gives for the same documents.
    #[test]
    fn groups_break_as_in_jax() {
        for (width, document, want) in [
            (10, "(>abc;def<)", "abc; def"),
            (7, "(>abc;def<)", "abc\n  def"),
            (10, "a_b", "a\nb"),
            (10, "(>[>|abc_defg_h<|]<)", "[\n    abc\n    defg\n    h\n  ]"),
            (10, "(abc(_)def(_)ghi(_)jkl)", "abc def ghi\njkl"),
            (10, "(abc(_)def(_)gh(_)jkl)", "abc def gh\njkl"),
            (10, "(>(abc_d)_(efghi_jk)_(abcdefghi_jk)<)", "abc d\n  efghi jk\n  abcdefghi\n  jk"),
            (4, "(abcdefgh)|(i)(|)(_)", "abcdefgh\ni "),
            (4, "abcdefgh(|)(_)i", "abcdefgh\n i"),
            (10, "(éééé_abcd)", "éééé\nabcd"),
            (4, "(>ab|cd_e<);f", "ab\n  cd\n  e\nf"),
        ] {
            assert_eq!(set(width, document), want, "{document} at width {width}");
        }
    }

    #[test]
    fn long_documents_are_set_in_one_pass() {
        // one group with as many breaks as a long program has equations, and as many groups inside each other
        let n = 100_000;
        let wide = set(20, &format!("({}end)", "ab(_)c;".repeat(n)));
        assert_eq!(wide.lines().count(), n + 1);
        let deep = set(20, &format!("{}end{}", "(a_".repeat(n), ")".repeat(n)));
        assert_eq!((deep.lines().count(), deep.lines().last()), (n - 7, Some("a a a a a a a a end")));
    }
}
