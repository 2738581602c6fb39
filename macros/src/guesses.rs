//! Calls of methods on receivers whose types cannot be read off the text count as vthread ones by their names. Where that is
//! wrong, the compiler misses a method that no user has heard of. So each module with such calls gets a trait that would have the
//! method, if only something could fulfil what it asks for; what the compiler says then is ours.
//!
//! ```text
//! #[diagnostic::on_unimplemented(message = "..")]
//! trait has_vthread_launch {}                                   // nothing is
//! trait calls_vthread_launch { fn __vt_launch(&self) {} }
//! impl<T: has_vthread_launch + ?Sized> calls_vthread_launch for T {}
//! ```

use crate::attributes;
use crate::names;
use crate::world::ModuleId;
use proc_macro2::TokenStream;
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};
use syn::Ident;
use syn::ext::IdentExt;

/// Methods that were called so, with the names that the calls have got.
#[derive(Default)]
pub(crate) struct Guesses(BTreeMap<ModuleId, BTreeMap<String, BTreeSet<String>>>);

impl Guesses {
    pub(crate) fn add(&mut self, module: ModuleId, method: &Ident, target: &Ident) {
        let of_module = self.0.entry(module).or_default();
        of_module.entry(method.unraw().to_string()).or_default().insert(target.to_string());
    }

    /// The traits for one module.
    pub(crate) fn explain(&self, module: ModuleId) -> TokenStream {
        let methods = self.0.get(&module).into_iter().flatten();
        methods.map(|(method, targets)| explain(method, targets)).collect()
    }
}

fn explain(method: &str, targets: &BTreeSet<String>) -> TokenStream {
    let (asked, call) = names::guess(method);
    let targets = targets.iter().map(|name| Ident::new(name, proc_macro2::Span::call_site()));
    let message = format!("#[vthread]: this `{method}` is not the vthread one: `{{Self}}` has none");
    let label = "write the type of the receiver down, or `#[plain]` before the call";
    let generated = attributes::generated();
    quote! {
        #[diagnostic::on_unimplemented(message = #message, label = #label)]
        #generated
        trait #asked {}
        #generated
        trait #call { #(fn #targets(&self) {})* }
        #generated
        impl<__T: #asked + ?Sized> #call for __T {}
    }
}
