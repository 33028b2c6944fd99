//! Reads a struct or an enum: as much of Rust's grammar as the derive needs.

use proc_macro::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};

/// A mistake in the item, and where.
pub(crate) struct Fault {
    pub span: Span,
    pub message: String,
}

fn fault<T>(span: Span, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { span, message: format!("#[derive(Pytree)]: {}", message.into()) })
}

pub(crate) struct Item {
    pub name: Ident,
    pub params: Vec<Param>,
    /// The where clause without `where`, ending in a comma if it is not empty.
    pub predicates: TokenStream,
    /// One without a name for a struct.
    pub variants: Vec<Variant>,
}

/// A type parameter or a constant one.
pub(crate) struct Param {
    pub name: Ident,
    pub is_type: bool,
    /// As declared, without the default.
    pub declaration: TokenStream,
}

pub(crate) struct Variant {
    pub name: Option<Ident>,
    pub fields: Vec<Field>,
}

pub(crate) struct Field {
    /// The name, or the position.
    pub member: TokenTree,
    pub mode: Mode,
    pub ty: TokenStream,
    /// Where the type is written.
    pub span: Span,
}

/// How a field takes part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A child: a pytree.
    Child,
    /// Part of the structure.
    Static,
    /// Carried along.
    Skip,
}

/// A name without `r#`, or a position.
pub(crate) fn text(token: &TokenTree) -> String {
    token.to_string().trim_start_matches("r#").to_string()
}

/// Whether the name occurs in the tokens.
pub(crate) fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match &token {
        TokenTree::Group(g) => mentions(&g.stream(), name),
        TokenTree::Ident(i) => i.to_string() == name.to_string(),
        _ => false,
    })
}

/// A position in a list of tokens.
struct Cursor {
    tokens: Vec<TokenTree>,
    at: usize,
}

impl Cursor {
    fn new(stream: TokenStream) -> Cursor {
        Cursor { tokens: stream.into_iter().collect(), at: 0 }
    }
    fn of(tokens: Vec<TokenTree>) -> Cursor {
        Cursor { tokens, at: 0 }
    }
    fn peek(&self) -> Option<&TokenTree> {
        self.tokens.get(self.at)
    }
    fn next(&mut self) -> Option<TokenTree> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }
    fn rest(&mut self) -> Vec<TokenTree> {
        self.tokens.split_off(self.at.min(self.tokens.len()))
    }
    fn is_punct(&self, c: char) -> bool {
        matches!(self.peek(), Some(TokenTree::Punct(p)) if p.as_char() == c)
    }
    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(TokenTree::Ident(i)) if i.to_string() == word)
    }
    fn group(&self, delimiter: Delimiter) -> Option<TokenStream> {
        match self.peek() {
            Some(TokenTree::Group(g)) if g.delimiter() == delimiter => Some(g.stream()),
            _ => None,
        }
    }
    fn ident(&mut self, what: &str) -> Result<Ident, Fault> {
        match self.next() {
            Some(TokenTree::Ident(i)) => Ok(i),
            Some(other) => fault(other.span(), format!("expected {what}, found `{other}`")),
            None => fault(Span::call_site(), format!("expected {what}")),
        }
    }
    /// Passes the attributes and hands out those that are ours.
    fn attributes(&mut self) -> Vec<(Span, Cursor)> {
        let mut ours = Vec::new();
        while self.is_punct('#') {
            self.at += 1;
            if let Some(attribute) = self.group(Delimiter::Bracket) {
                let mut attribute = Cursor::new(attribute);
                if attribute.is_word("pytree") {
                    let span = attribute.tokens[0].span();
                    attribute.at += 1;
                    ours.push((span, attribute));
                }
                self.at += 1;
            }
        }
        ours
    }
    /// Passes `pub`, `pub(crate)`, `pub(in path)`, and the invisible group that a `$vis` leaves.
    fn visibility(&mut self) {
        if let Some(inner) = self.group(Delimiter::None) {
            let inner = Cursor::new(inner);
            if inner.peek().is_none() || inner.is_word("pub") {
                self.at += 1;
            }
        } else if self.is_word("pub") {
            self.at += 1;
            if let Some(inner) = self.group(Delimiter::Parenthesis) {
                let inner = Cursor::new(inner);
                // `pub (A, B)` in a tuple struct is a public tuple.
                let restricted = ["crate", "super", "self", "in"].iter().any(|w| inner.is_word(w));
                self.at += usize::from(restricted && !matches!(inner.tokens.get(1), Some(TokenTree::Punct(_))));
            }
        }
    }
    /// The tokens up to the first that is this one outside of angle brackets; passes it.
    fn until(&mut self, end: char) -> Vec<TokenTree> {
        let (mut depth, mut arrow, mut out) = (0, false, Vec::new());
        while let Some(token) = self.next() {
            let punct = match &token {
                TokenTree::Punct(p) => Some(p.as_char()),
                _ => None,
            };
            match punct {
                Some(c) if c == end && depth == 0 && !arrow => break,
                Some('<') => depth += 1,
                Some('>') if !arrow => depth -= 1,
                _ => {}
            }
            // the second half of `->` closes nothing
            arrow = punct == Some('-');
            out.push(token);
        }
        out
    }
}

pub(crate) fn item(stream: TokenStream) -> Result<Item, Fault> {
    let mut c = Cursor::new(stream);
    nothing_ours(c.attributes(), "a type")?;
    c.visibility();
    let keyword = c.ident("`struct` or `enum`")?;
    let is_enum = match keyword.to_string().as_str() {
        "struct" => false,
        "enum" => true,
        "union" => {
            return fault(
                keyword.span(),
                "a union is not a pytree: which of its fields holds is not known; use an enum",
            );
        }
        other => return fault(keyword.span(), format!("expected `struct` or `enum`, found `{other}`")),
    };
    let name = c.ident("a name")?;
    let params = if c.is_punct('<') { params(&mut c)? } else { Vec::new() };
    let mut predicates = predicates(&mut c);
    let variants = if is_enum {
        let body = c.group(Delimiter::Brace).unwrap_or_default();
        enum_variants(body)?
    } else if let Some(body) = c.group(Delimiter::Brace) {
        vec![Variant { name: None, fields: named(body)? }]
    } else if let Some(body) = c.group(Delimiter::Parenthesis) {
        c.at += 1;
        // Only a tuple struct has its where clause at the end.
        predicates = self::predicates(&mut c);
        vec![Variant { name: None, fields: positional(body)? }]
    } else {
        vec![Variant { name: None, fields: Vec::new() }]
    };
    Ok(Item { name, params, predicates, variants })
}

fn params(c: &mut Cursor) -> Result<Vec<Param>, Fault> {
    c.at += 1;
    let mut list = Cursor::of(c.until('>'));
    let mut out = Vec::new();
    while list.peek().is_some() {
        let mut p = Cursor::of(list.until(','));
        nothing_ours(p.attributes(), "a parameter")?;
        if p.is_punct('\'') {
            let span = p.tokens[p.at].span();
            return fault(span, "a pytree owns its arrays: it has no lifetime parameters");
        }
        // without ` = default`, which is the only `=` outside of angle brackets
        let declaration = Cursor::of(p.tokens[p.at..].to_vec()).until('=').into_iter().collect();
        let is_type = !p.is_word("const");
        p.at += usize::from(!is_type);
        out.push(Param { name: p.ident("a parameter")?, is_type, declaration });
    }
    Ok(out)
}

/// A where clause if one begins here, ending in a comma.
fn predicates(c: &mut Cursor) -> TokenStream {
    let mut out = Vec::new();
    if c.is_word("where") {
        c.at += 1;
        while let Some(token) = c.peek() {
            let end = match token {
                TokenTree::Group(g) => g.delimiter() == Delimiter::Brace,
                TokenTree::Punct(p) => p.as_char() == ';',
                _ => false,
            };
            if end {
                break;
            }
            out.push(token.clone());
            c.at += 1;
        }
        let closed = match out.last() {
            Some(TokenTree::Punct(p)) => p.as_char() == ',',
            last => last.is_none(),
        };
        if !closed {
            out.push(proc_macro::Punct::new(',', proc_macro::Spacing::Alone).into());
        }
    }
    out.into_iter().collect()
}

fn enum_variants(body: TokenStream) -> Result<Vec<Variant>, Fault> {
    let mut c = Cursor::new(body);
    let mut out = Vec::new();
    while c.peek().is_some() {
        nothing_ours(c.attributes(), "a variant")?;
        let name = c.ident("a variant")?;
        let fields = if let Some(body) = c.group(Delimiter::Brace) {
            named(body)?
        } else if let Some(body) = c.group(Delimiter::Parenthesis) {
            positional(body)?
        } else {
            Vec::new()
        };
        out.push(Variant { name: Some(name), fields });
        // A discriminant may hold `<<`, so angle brackets do not count here.
        while c.peek().is_some() && !c.is_punct(',') {
            c.at += 1;
        }
        c.at += 1;
    }
    Ok(out)
}

fn named(body: TokenStream) -> Result<Vec<Field>, Fault> {
    let mut c = Cursor::new(body);
    let mut out = Vec::new();
    while c.peek().is_some() {
        let mode = mode(c.attributes())?;
        c.visibility();
        let member = c.ident("a field")?;
        if !c.is_punct(':') {
            return fault(member.span(), "expected `:` and a type after the field");
        }
        c.at += 1;
        out.push(field(member.into(), mode, c.until(','))?);
    }
    Ok(out)
}

fn positional(body: TokenStream) -> Result<Vec<Field>, Fault> {
    let mut c = Cursor::new(body);
    let mut out = Vec::new();
    while c.peek().is_some() {
        let mode = mode(c.attributes())?;
        c.visibility();
        let member = Literal::usize_unsuffixed(out.len());
        out.push(field(member.into(), mode, c.until(','))?);
    }
    Ok(out)
}

fn field(member: TokenTree, mode: Mode, ty: Vec<TokenTree>) -> Result<Field, Fault> {
    // The span of the whole type cannot be had on stable Rust; its first token is what rustc will underline.
    let Some(first) = ty.first() else { return fault(member.span(), "expected a type") };
    Ok(Field { member, mode, span: first.span(), ty: ty.into_iter().collect() })
}

fn mode(attributes: Vec<(Span, Cursor)>) -> Result<Mode, Fault> {
    const HELP: &str = "expected `#[pytree(static)]` or `#[pytree(skip)]`";
    let mut mode = Mode::Child;
    for (span, mut attribute) in attributes {
        let Some(inner) = attribute.group(Delimiter::Parenthesis) else { return fault(span, HELP) };
        let words = Cursor::new(inner).rest();
        let [word] = &words[..] else { return fault(span, HELP) };
        if mode != Mode::Child {
            return fault(span, "a field is static, or skipped, and only once");
        }
        mode = match word.to_string().as_str() {
            "static" => Mode::Static,
            "skip" => Mode::Skip,
            other => return fault(word.span(), format!("unknown attribute `{other}`: {HELP}")),
        };
        attribute.at += 1;
        if let Some(extra) = attribute.next() {
            return fault(extra.span(), HELP);
        }
    }
    Ok(mode)
}

fn nothing_ours(attributes: Vec<(Span, Cursor)>, what: &str) -> Result<(), Fault> {
    match attributes.first() {
        Some((span, _)) => fault(*span, format!("#[pytree(..)] stands on a field, not on {what}")),
        None => Ok(()),
    }
}
