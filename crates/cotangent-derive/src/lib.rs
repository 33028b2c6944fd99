//! `#[derive(Pytree)]`, without dependencies: `parse` reads the item's tokens, this file writes one impl.
//!
//! Every field's code carries the span of the field's type, so that "`usize` is not a pytree" underlines the field.

mod parse;

use parse::{Fault, Field, Item, Mode, Param, Variant};
use proc_macro::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

/// Makes a struct or an enum a pytree: its fields are the children, and each must be a pytree.
///
/// - `#[pytree(static)]`: the field is part of the structure. Its type is `Clone + Eq + Hash + Debug`; a compiled function is
///   compiled anew for every different value.
/// - `#[pytree(skip)]`: the field is carried along by `Clone` and otherwise ignored. A compiled function does **not** notice that
///   it changed, so it is for labels and statistics, not for what decides a computation.
///
/// The variant of an enum is part of the structure. A type parameter needs what the fields that mention it need.
#[proc_macro_derive(Pytree, attributes(pytree))]
pub fn derive_pytree(item: TokenStream) -> TokenStream {
    match parse::item(item) {
        Ok(item) => expand(&item),
        Err(Fault { span, message }) => {
            let text = group(Delimiter::Parenthesis, literal(&message), span);
            [code(span, "::core::compile_error!"), text, code(span, ";")].into_iter().collect()
        }
    }
}

/// Tokens of this text. Their locals are the derive's own, but a constant of the use site would still take a binding's place: hence
/// the underscores before the names of bindings.
fn code(span: Span, text: &str) -> TokenStream {
    respan(text.parse().expect("the derive writes well-formed tokens"), Span::mixed_site().located_at(span))
}

fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    let respan = |token| match token {
        TokenTree::Group(g) => group_at(g.delimiter(), respan(g.stream(), span), span),
        mut token => {
            token.set_span(span);
            token
        }
    };
    tokens.into_iter().map(respan).collect()
}

fn group_at(delimiter: Delimiter, inner: TokenStream, span: Span) -> TokenTree {
    let mut group = Group::new(delimiter, inner);
    group.set_span(span);
    group.into()
}

fn group(delimiter: Delimiter, inner: TokenStream, span: Span) -> TokenStream {
    group_at(delimiter, inner, Span::mixed_site().located_at(span)).into()
}

fn literal(text: &str) -> TokenStream {
    TokenTree::from(Literal::string(text)).into()
}

fn expand(item: &Item) -> TokenStream {
    let here = Span::call_site();
    let mut walk = TokenStream::new();
    let mut rebuild = TokenStream::new();
    for variant in &item.variants {
        let path = match &variant.name {
            Some(name) => [code(here, "Self::"), TokenTree::from(name.clone()).into()].into_iter().collect(),
            None => code(here, "Self"),
        };
        walk.extend([path.clone(), pattern(variant, |f| f.mode != Mode::Skip), code(here, "=>")]);
        walk.extend(walk_body(item, variant));
        rebuild.extend([path.clone(), pattern(variant, |_| true), code(here, "=>"), path]);
        rebuild.extend([rebuild_body(variant), code(here, ",")]);
    }
    // A match on the place, not on the reference, is what makes an enum without variants compile.
    let scrutinee = if item.variants.is_empty() { "match *self" } else { "match self" };
    let body = |arms: TokenStream| {
        let all = [code(here, scrutinee), group(Delimiter::Brace, arms, here)].into_iter().collect();
        group(Delimiter::Brace, all, here)
    };
    let members = [
        code(here, "fn walk<'pytree>(&'pytree self, __w: &mut dyn ::cotangent::tree::Walker<'pytree>)"),
        body(walk),
        code(here, "fn rebuild(&self, __leaves: &mut dyn ::core::iter::Iterator<Item = ::cotangent::Array>) -> Self"),
        body(rebuild),
    ];
    let (params, args) = generics(&item.params);
    [
        code(here, "#[automatically_derived] impl"),
        params,
        code(here, "::cotangent::Pytree for"),
        TokenTree::from(item.name.clone()).into(),
        args,
        bounds(item),
        group(Delimiter::Brace, members.into_iter().collect(), here),
    ]
    .into_iter()
    .collect()
}

/// `{ name: __f0, other: __f1, .. }`: the chosen fields by name or position, bound to local names.
fn pattern(variant: &Variant, chosen: impl Fn(&Field) -> bool) -> TokenStream {
    let mut inner = TokenStream::new();
    for (i, field) in variant.fields.iter().enumerate().filter(|(_, f)| chosen(f)) {
        inner.extend([field.member.clone().into(), code(field.span, &format!(": __f{i},"))]);
    }
    inner.extend(code(Span::call_site(), ".."));
    group(Delimiter::Brace, inner, Span::call_site())
}

fn walk_body(item: &Item, variant: &Variant) -> TokenStream {
    let here = Span::call_site();
    let kept: Vec<(usize, &Field)> = variant.fields.iter().enumerate().filter(|(_, f)| f.mode != Mode::Skip).collect();
    let names: String = kept.iter().map(|(_, f)| format!("{:?},", parse::text(&f.member))).collect();
    let of_enum = match &variant.name {
        Some(name) => format!("::core::option::Option::Some({:?})", parse::text(&name.clone().into())),
        None => "::core::option::Option::None".into(),
    };
    let name = parse::text(&item.name.clone().into());
    let mut body = code(
        here,
        &format!(
            "const DEFINITION: &::cotangent::tree::Definition = \
                 &::cotangent::tree::Definition::new(::core::module_path!(), {name:?}, {of_enum}, &[{names}]); \
             ::cotangent::tree::Walker::node(__w, ::cotangent::tree::Node::Struct(DEFINITION));"
        ),
    );
    for (i, field) in kept {
        body.extend(code(
            field.span,
            &match field.mode {
                Mode::Static => format!("::cotangent::tree::Walker::fixed(__w, __f{i});"),
                _ => format!("::cotangent::Pytree::walk(__f{i}, __w);"),
            },
        ));
    }
    group(Delimiter::Brace, body, here)
}

fn rebuild_body(variant: &Variant) -> TokenStream {
    let mut inner = TokenStream::new();
    for (i, field) in variant.fields.iter().enumerate() {
        let value = match field.mode {
            Mode::Child => format!(": ::cotangent::Pytree::rebuild(__f{i}, __leaves),"),
            Mode::Static | Mode::Skip => format!(": ::core::clone::Clone::clone(__f{i}),"),
        };
        inner.extend([field.member.clone().into(), code(field.span, &value)]);
    }
    group(Delimiter::Brace, inner, Span::call_site())
}

/// `<T: Bound, const N: usize>` as declared, less the defaults, and `<T, N>`.
fn generics(params: &[Param]) -> (TokenStream, TokenStream) {
    let here = Span::call_site();
    if params.is_empty() {
        return (TokenStream::new(), TokenStream::new());
    }
    let list = |part: &dyn Fn(&Param) -> TokenStream| {
        let inner = params.iter().flat_map(|p| [part(p), code(here, ",")]);
        [code(here, "<")].into_iter().chain(inner).chain([code(here, ">")]).collect::<TokenStream>()
    };
    (list(&|p| p.declaration.clone()), list(&|p| TokenTree::from(p.name.clone()).into()))
}

/// The item's own where clause, and for each field that mentions a type parameter what its mode needs of its type.
///
/// A bound on the field's type is exact where a bound on the parameter is not: `Static<T>` does not need `T: Pytree`. Only a type
/// that contains itself would ask for its own impl to prove its own impl, so there the parameters are bound.
fn bounds(item: &Item) -> TokenStream {
    let mut out = code(Span::call_site(), "where");
    out.extend(item.predicates.clone());
    let mut seen: Vec<(String, Mode)> = Vec::new();
    for field in item.variants.iter().flat_map(|v| &v.fields) {
        let mentioned: Vec<&Param> =
            item.params.iter().filter(|p| p.is_type && parse::mentions(&field.ty, &p.name)).collect();
        if mentioned.is_empty() {
            continue;
        }
        let needs = match field.mode {
            Mode::Child => ": ::cotangent::Pytree,",
            Mode::Static => ": ::cotangent::tree::Fixed + ::core::clone::Clone,",
            Mode::Skip => ": ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static,",
        };
        let subjects: Vec<TokenStream> = if parse::mentions(&field.ty, &item.name) {
            mentioned.iter().map(|p| TokenTree::from(p.name.clone()).into()).collect()
        } else {
            vec![field.ty.clone()]
        };
        for subject in subjects {
            let once = (subject.to_string(), field.mode);
            if !seen.contains(&once) {
                out.extend([subject, code(field.span, needs)]);
                seen.push(once);
            }
        }
    }
    out
}
