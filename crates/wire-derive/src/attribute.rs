//! What stands in `#[wire(..)]`.

use syn::meta::ParseNestedMeta;
use syn::parse::Parse;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, LitStr, Result, Token, bracketed};

/// Calls `take` with each entry of each `#[wire(..)]`.
pub(crate) fn entries(
    attributes: &[Attribute],
    mut take: impl FnMut(ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("wire"))
        .try_for_each(|attribute| attribute.parse_nested_meta(&mut take))
}

/// The entry's text in `name = "text"`.
pub(crate) fn text(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    meta.value()?.parse()
}

/// The entry's list in `name = [a, b]`.
pub(crate) fn list<T: Parse>(meta: &ParseNestedMeta<'_>) -> Result<Vec<T>> {
    let value = meta.value()?;
    let content;
    bracketed!(content in value);
    Ok(Punctuated::<T, Token![,]>::parse_terminated(&content)?
        .into_iter()
        .collect())
}

/// Sets `place`, which no entry has set before.
pub(crate) fn once<T>(meta: &ParseNestedMeta<'_>, place: &mut Option<T>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(meta.error("given twice")),
    }
}

/// The text of `literal`, which stands in JSON as it is.
pub(crate) fn plain(literal: &LitStr) -> Result<String> {
    let text = literal.value();
    let escaped = |character: char| character == '"' || character == '\\' || character < ' ';
    if text.is_empty() || text.contains(escaped) {
        return Err(Error::new(
            literal.span(),
            "a name is not empty, and has no character that JSON escapes",
        ));
    }
    Ok(text)
}
