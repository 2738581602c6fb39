//! Signatures: what cannot take the context word, how arguments are handed on, and heads of generated functions.

use crate::diagnostics::Problems;
use crate::names;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    FnArg, GenericParam, Ident, Pat, Receiver, ReturnType, Signature, Type, WherePredicate, parse_quote,
};

/// Adds an error for each thing in the signature that cannot be handled.
pub(crate) fn check(sig: &Signature, problems: &mut Problems) {
    if let Some(token) = &sig.asyncness {
        problems.at(
            token.span,
            "#[vthread] cannot take an `async fn`: a virtual thread waits like ordinary code, so drop `async`, or mark \
             the function #[plain]",
        );
    }
    if let Some(abi) = &sig.abi {
        problems.at(
            abi.span(),
            "#[vthread]: a function with an ABI of its own cannot take the context word; mark it #[plain] and call a \
             vthread function from it",
        );
    }
    if let Some(variadic) = &sig.variadic {
        problems.at(variadic.span(), "#[vthread]: a variadic function cannot take the context word");
    }
    for input in &sig.inputs {
        let (attributes, pattern) = match input {
            FnArg::Receiver(r) => (&r.attrs, None),
            FnArg::Typed(t) => (&t.attrs, Some(&t.pat)),
        };
        if let Some(attribute) =
            attributes.iter().find(|a| a.path().is_ident("cfg") || a.path().is_ident("cfg_attr"))
        {
            problems.at(
                attribute.span(),
                "#[vthread]: a parameter cannot depend on a condition; write the function once for each",
            );
        }
        if let Some(pattern) = pattern {
            Reserved(problems).visit_pat(pattern);
        }
    }
}

/// Finds a parameter with the name of the context word.
struct Reserved<'a>(&'a mut Problems);

impl<'a> Visit<'a> for Reserved<'_> {
    fn visit_pat_ident(&mut self, p: &'a syn::PatIdent) {
        if p.ident == "is_concurrent" {
            self.0.at(
                p.ident.span(),
                "#[vthread]: the context word is called `is_concurrent`; give this another name",
            );
        }
        visit::visit_pat_ident(self, p);
    }
}

/// A signature whose parameters are plain names, and what a call passes on.
pub(crate) struct Forward {
    /// `self` first, if there is one.
    pub(crate) inputs: Vec<FnArg>,
    pub(crate) arguments: Vec<Ident>,
    pub(crate) receiver: Option<Receiver>,
    generics: TokenStream,
}

impl Forward {
    pub(crate) fn new(sig: &Signature) -> Self {
        let mut forward =
            Self { inputs: vec![], arguments: vec![], receiver: None, generics: turbofish(sig) };
        for (i, input) in sig.inputs.iter().enumerate() {
            match input {
                FnArg::Receiver(r) => {
                    let mut r = r.clone();
                    if r.reference.is_none() {
                        r.mutability = None;
                    }
                    r.attrs.clear();
                    forward.inputs.push(FnArg::Receiver(r.clone()));
                    forward.receiver = Some(r);
                }
                FnArg::Typed(t) => {
                    let name = match &*t.pat {
                        Pat::Ident(p) if p.by_ref.is_none() && p.subpat.is_none() => p.ident.clone(),
                        other => format_ident!("__argument_{}", i, span = other.span()),
                    };
                    let ty = &t.ty;
                    forward.inputs.push(parse_quote!(#name: #ty));
                    forward.arguments.push(name);
                }
            }
        }
        forward
    }

    /// `function::<T>(self, flag, a, b)`.
    pub(crate) fn call(&self, function: &TokenStream, word: &TokenStream, sig: &Signature) -> TokenStream {
        let call = self.call_with(function, &self.generics, word);
        // SAFETY: what calls it has the head of the same function, so that is unsafe as well, and its caller's promise is the callee's.
        if sig.unsafety.is_some() { quote!(unsafe { #call }) } else { call }
    }

    fn call_with(&self, function: &TokenStream, generics: &TokenStream, word: &TokenStream) -> TokenStream {
        let arguments = &self.arguments;
        let receiver = self.receiver.as_ref().map(|r| {
            let name = &r.self_token;
            quote!(#name,)
        });
        quote!(#function #generics (#receiver #word #(, #arguments)*))
    }

    /// `function::<T, _>(self, known, a, b)`, of a function for which the word is known.
    pub(crate) fn call_known(
        &self,
        function: &TokenStream,
        known: &TokenStream,
        sig: &Signature,
    ) -> TokenStream {
        let generics = turbofish_of(sig, Some(quote!(_)));
        let call = self.call_with(function, &generics, known);
        // SAFETY: as in `call`.
        if sig.unsafety.is_some() { quote!(unsafe { #call }) } else { call }
    }

    /// `function::<T>`.
    pub(crate) fn path(&self, function: &TokenStream) -> TokenStream {
        let generics = &self.generics;
        quote!(#function #generics)
    }

    /// `fn(_, _) -> _`, of a function that takes something for the word.
    pub(crate) fn pointer(&self, sig: &Signature) -> TokenStream {
        let unsafety = &sig.unsafety;
        let others = self.receiver.iter().map(|_| quote!(_)).chain(self.arguments.iter().map(|_| quote!(_)));
        quote!(#unsafety fn(_ #(, #others)*) -> _)
    }

    /// `(value)(self, known, a, b)`.
    pub(crate) fn call_value(
        &self,
        value: &TokenStream,
        known: &TokenStream,
        sig: &Signature,
    ) -> TokenStream {
        let entry = Ident::new("entry", Span::mixed_site());
        let call = self.call_with(&entry.to_token_stream(), &TokenStream::new(), known);
        // SAFETY: as in `call`.
        let call = if sig.unsafety.is_some() { quote!(unsafe { #call }) } else { call };
        quote!(let #entry = #value; #call)
    }

    /// `function::<T>(self, a, b)`, of a function that does not take the word.
    pub(crate) fn call_without_word(&self, function: &TokenStream, sig: &Signature) -> TokenStream {
        let Self { arguments, generics, .. } = self;
        let receiver = self.receiver.as_ref().map(|r| &r.self_token);
        let all = receiver
            .map(ToTokens::to_token_stream)
            .into_iter()
            .chain(arguments.iter().map(ToTokens::to_token_stream));
        let call = quote!(#function #generics (#(#all),*));
        // SAFETY: as in `call`.
        if sig.unsafety.is_some() { quote!(unsafe { #call }) } else { call }
    }

    /// The inputs with the context word: first, but after `self`.
    pub(crate) fn with_word(&self) -> Vec<FnArg> {
        with_word(self.inputs.clone(), &names::flag())
    }
}

/// Puts the context word first, but after `self`.
pub(crate) fn with_word(inputs: Vec<FnArg>, name: &Ident) -> Vec<FnArg> {
    with_first(inputs, parse_quote!(#name: i64))
}

fn with_first(mut inputs: Vec<FnArg>, first: FnArg) -> Vec<FnArg> {
    let at = usize::from(matches!(inputs.first(), Some(FnArg::Receiver(_))));
    inputs.insert(at, first);
    inputs
}

/// `unsafe fn name<G, const CONCURRENT: bool>(known: Known<CONCURRENT>, inputs) -> R where ..`.
pub(crate) fn known_head(
    sig: &Signature,
    name: &Ident,
    inputs: Vec<FnArg>,
    private: &TokenStream,
) -> TokenStream {
    let constant = names::constant();
    let mut sig = sig.clone();
    sig.generics.params.push(parse_quote!(const #constant: bool));
    let inputs = with_known(inputs, &constant.to_token_stream(), private);
    head(&sig, name, &inputs, false)
}

/// Puts a word that is known first, but after `self`.
pub(crate) fn with_known(inputs: Vec<FnArg>, constant: &TokenStream, private: &TokenStream) -> Vec<FnArg> {
    let known = names::known();
    with_first(inputs, parse_quote!(#[allow(unused_variables)] #known: #private::Known<#constant>))
}

/// `::<T, N>`, so that what cannot be inferred passes on, too. Lifetimes may be late-bound, so they stay out.
fn turbofish(sig: &Signature) -> TokenStream {
    turbofish_of(sig, None)
}

/// The same with one argument more.
fn turbofish_of(sig: &Signature, more: Option<TokenStream>) -> TokenStream {
    let names = generic_names(sig);
    let more = more.into_iter();
    if names.is_empty() { quote!() } else { quote!(::<#(#names),* #(, #more)*>) }
}

/// `function::<T, false>`, of a function for which the word is known.
pub(crate) fn path_known(function: &TokenStream, sig: &Signature) -> TokenStream {
    let names = generic_names(sig);
    quote!(#function::<#(#names,)* false>)
}

/// Parameters that a call can name.
fn generic_names(sig: &Signature) -> Vec<&Ident> {
    sig.generics
        .params
        .iter()
        .filter_map(|p| match p {
            GenericParam::Type(t) => Some(&t.ident),
            GenericParam::Const(c) => Some(&c.ident),
            GenericParam::Lifetime(_) => None,
        })
        .collect()
}

/// `unsafe extern "C" fn name<G>(inputs) -> R where ..`, with `where Self: Sized` added if the receiver needs it.
pub(crate) fn head(sig: &Signature, name: &Ident, inputs: &[FnArg], sized: bool) -> TokenStream {
    let Signature { unsafety, abi, generics, output, fn_token, .. } = sig;
    let mut clause = generics.where_clause.clone();
    if sized && !asks_sized(sig) {
        let predicate: WherePredicate = parse_quote!(Self: Sized);
        clause.get_or_insert_with(|| parse_quote!(where)).predicates.push(predicate);
    }
    quote!(#unsafety #abi #fn_token #name #generics (#(#inputs),*) #output #clause)
}

/// A body needs `Self: Sized`: `self` itself is the receiver, or a `Self` is passed or returned.
pub(crate) fn by_value(sig: &Signature) -> bool {
    struct Values(bool);
    impl<'a> Visit<'a> for Values {
        fn visit_type(&mut self, ty: &'a Type) {
            match ty {
                Type::Reference(_) | Type::Ptr(_) => {}
                Type::Path(p) if p.path.is_ident("Self") => self.0 = true,
                other => visit::visit_type(self, other),
            }
        }
        fn visit_receiver(&mut self, _: &'a Receiver) {}
    }
    let mut values = Values(false);
    sig.inputs.iter().for_each(|i| values.visit_fn_arg(i));
    values.visit_return_type(&sig.output);
    values.0 || value_receiver(sig)
}

/// `self` itself is the receiver.
pub(crate) fn value_receiver(sig: &Signature) -> bool {
    sig.receiver().is_some_and(|r| match &r.colon_token {
        None => r.reference.is_none(),
        Some(_) => matches!(&*r.ty, Type::Path(p) if p.path.is_ident("Self")),
    })
}

/// `where Self: Sized` stands on the method.
pub(crate) fn asks_sized(sig: &Signature) -> bool {
    sig.generics.where_clause.iter().flat_map(|w| &w.predicates).any(|p| match p {
        WherePredicate::Type(p) => {
            matches!(&p.bounded_ty, Type::Path(t) if t.path.is_ident("Self"))
                && p.bounds.iter().any(|b| match b {
                    syn::TypeParamBound::Trait(t) => {
                        t.path.segments.last().is_some_and(|s| s.ident == "Sized")
                    }
                    _ => false,
                })
        }
        _ => false,
    })
}

/// `where` asks something of types: then the function is not there for all of them, and no array can hold it.
pub(crate) fn asks_types(sig: &Signature) -> bool {
    sig.generics.where_clause.iter().flat_map(|w| &w.predicates).any(|p| match p {
        WherePredicate::Type(p) => p.bounds.iter().any(|b| !matches!(b, syn::TypeParamBound::Lifetime(_))),
        _ => false,
    })
}

/// `where` asks that a type hold no references but `'static` ones.
pub(crate) fn asks_static(sig: &Signature) -> bool {
    sig.generics.where_clause.iter().flat_map(|w| &w.predicates).any(|p| match p {
        WherePredicate::Type(p) => {
            p.bounds.iter().any(|b| matches!(b, syn::TypeParamBound::Lifetime(l) if l.ident == "static"))
        }
        _ => false,
    })
}

/// The function never returns.
pub(crate) fn diverges(sig: &Signature) -> bool {
    matches!(&sig.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
}

/// `Self` stands in the types besides the receiver, which no trait object can offer.
pub(crate) fn mentions_self(sig: &Signature) -> bool {
    struct Mentions(bool);
    impl<'a> Visit<'a> for Mentions {
        fn visit_type_path(&mut self, p: &'a syn::TypePath) {
            self.0 |= p.path.is_ident("Self");
            visit::visit_type_path(self, p);
        }
        fn visit_receiver(&mut self, _: &'a Receiver) {}
    }
    let mut mentions = Mentions(false);
    sig.inputs.iter().for_each(|i| mentions.visit_fn_arg(i));
    mentions.visit_return_type(&sig.output);
    mentions.0
}

/// `impl Trait` stands in the tokens.
pub(crate) fn mentions_impl(tokens: &impl ToTokens) -> bool {
    fn any(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|t| match t {
            proc_macro2::TokenTree::Ident(i) => i == "impl",
            proc_macro2::TokenTree::Group(g) => any(g.stream()),
            _ => false,
        })
    }
    any(tokens.to_token_stream())
}
