//! What stands in the parentheses of `#[vthread(..)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Ident, Meta, Path, Result, Token, parenthesized};

/// What `dyn` on another item than `use` is told.
const DYN: &str = "#[vthread(dyn)] stands on a `use` of traits; in annotated code `dyn Trait` needs nothing";

const UNKNOWN: &str = "unknown option of #[vthread]: there are `recursive`, `exact`, `names(..)` and \
                       `crate = path`";

/// The options of one attribute.
#[derive(Default, Clone)]
pub(crate) struct Options {
    /// Path of the runtime, where it is not `::vthread`.
    pub(crate) runtime: Option<Path>,
    /// The function takes a chunk at every call, whether or not a cycle is seen.
    pub(crate) recursive: bool,
    /// Wrappers refuse to link without a proved bound.
    pub(crate) exact: bool,
    /// Vthread names that come from elsewhere: traits, functions, methods.
    pub(crate) names: Vec<Ident>,
    /// The names of traits are for `dyn` in code without the attribute.
    pub(crate) objects: bool,
}

/// What the attribute stands on decides which options it takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Function,
    Use,
    Other,
}

impl Options {
    /// The options in `tokens`.
    pub(crate) fn parse(tokens: TokenStream, on: On) -> Result<Self> {
        (|input: ParseStream<'_>| Self::all(input, on)).parse2(tokens)
    }

    /// The options of an attribute on an item inside of something that is being expanded.
    pub(crate) fn of(attribute: &Attribute, on: On) -> Result<Self> {
        match &attribute.meta {
            Meta::Path(_) => Ok(Self::default()),
            Meta::List(list) => Self::parse(list.tokens.clone(), on),
            Meta::NameValue(other) => Err(Error::new_spanned(other, UNKNOWN)),
        }
    }

    /// The marks and functions that the expansion calls.
    pub(crate) fn private(&self) -> TokenStream {
        self.runtime.as_ref().map_or_else(|| quote!(::vthread::__private), |path| quote!(#path::__private))
    }

    /// The attribute on what it is passed on to.
    pub(crate) fn attribute(&self) -> TokenStream {
        let exact = self.exact.then(|| quote!((exact)));
        match &self.runtime {
            None => quote!(#[::vthread::vthread #exact]),
            Some(path) if self.exact => quote!(#[#path::vthread(crate = #path, exact)]),
            Some(path) => quote!(#[#path::vthread(crate = #path)]),
        }
    }

    fn all(input: ParseStream<'_>, on: On) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            options.one(input, on)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }

    fn one(&mut self, input: ParseStream<'_>, on: On) -> Result<()> {
        if input.peek(Token![crate]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            self.runtime = Some(input.call(Path::parse_mod_style)?);
            return Ok(());
        }
        if input.peek(Token![dyn]) {
            let token: Token![dyn] = input.parse()?;
            self.objects = true;
            return if on == On::Use { Ok(()) } else { Err(Error::new(token.span, DYN)) };
        }
        let word: Ident = input.parse().map_err(|e| Error::new(e.span(), UNKNOWN))?;
        if word == "names" && input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            self.names.extend(Punctuated::<Ident, Token![,]>::parse_terminated(&content)?);
        } else if on == On::Use {
            self.names.push(word);
        } else if word == "recursive" && on == On::Function {
            self.recursive = true;
        } else if word == "recursive" {
            return Err(Error::new(word.span(), "#[vthread(recursive)] stands on a function"));
        } else if word == "exact" {
            self.exact = true;
        } else {
            return Err(Error::new(word.span(), UNKNOWN));
        }
        Ok(())
    }
}
