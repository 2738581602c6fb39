//! Imports: beside a vthread function or trait comes what belongs to it.
//!
//! ```text
//! use geometry::{Shape, total};
//! use geometry::{__ShapeObj, __vt_total};
//! ```

use crate::attributes;
use crate::expander::Expander;
use crate::names;
use crate::resolve::Scope;
use crate::world::{Def, ModuleId};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, ItemUse, UseGroup, UseName, UsePath, UseRename, UseTree};

/// From a name to that of something that belongs to it.
type Rename = fn(&Ident) -> Ident;

/// Writes a `use` and what it brings in besides.
pub(crate) fn write(expander: &Expander<'_>, mut u: ItemUse, module: ModuleId) -> TokenStream {
    let attributes = u.attrs.len();
    u.attrs.retain(|a| !attributes::is_ours(a));
    let is_marked = u.attrs.len() < attributes;
    let scope = Scope::new(expander.world, module);
    let besides = |name: &Ident| -> Vec<Rename> {
        match scope.resolve(&syn::Path::from(name.clone())) {
            Some(def @ Def::Function(id)) if scope.is_vthread_function(&def) => {
                let mut all: Vec<Rename> = vec![names::body];
                if expander.plan.has_wrapper(expander.world, id) {
                    all.push(names::wrapper);
                }
                if expander.plan.knows_word(expander.world, id) {
                    all.extend([names::known_body as Rename, names::known_wrapper]);
                }
                all
            }
            Some(Def::ImportedFunction) => vec![names::body],
            // A type may have been imported along: only what is used as `dyn` must be a trait.
            Some(Def::Trait(id)) if expander.has_objects(id) => {
                let local = expander.world.traits[id].item.is_some();
                let named = expander.world.single || expander.world.used_as_dyn.contains(&name.to_string());
                if local || named { vec![names::object] } else { vec![] }
            }
            _ => vec![],
        }
    };
    let twin = twin(&u.tree, &besides).map(|tree| {
        let twin = ItemUse { tree, ..u.clone() };
        quote!(#[allow(unused_imports)] #[doc(hidden)] #twin)
    });
    // The rewritten calls do not use the plain name any more. What says which methods are meant is used by that, though all calls of them
    // are those of trait objects, which need no import.
    let allow = (twin.is_some() || is_marked).then(|| quote!(#[allow(unused_imports)]));
    quote!(#allow #u #twin)
}

/// The tree with only what comes besides, or nothing.
fn twin(tree: &UseTree, besides: &dyn Fn(&Ident) -> Vec<Rename>) -> Option<UseTree> {
    match tree {
        UseTree::Path(p) => {
            let inner = twin(&p.tree, besides)?;
            Some(UseTree::Path(UsePath { tree: Box::new(inner), ..p.clone() }))
        }
        UseTree::Name(n) => {
            let names = besides(&n.ident).into_iter().map(|f| UseTree::Name(UseName { ident: f(&n.ident) }));
            group(names.collect())
        }
        UseTree::Rename(r) => {
            let names = besides(&r.rename).into_iter().map(|f| {
                UseTree::Rename(UseRename { ident: f(&r.ident), rename: f(&r.rename), ..r.clone() })
            });
            group(names.collect())
        }
        UseTree::Group(g) => group(g.items.iter().filter_map(|t| twin(t, besides)).collect()),
        UseTree::Glob(_) => None,
    }
}

fn group(mut trees: Vec<UseTree>) -> Option<UseTree> {
    match trees.len() {
        0 => None,
        1 => trees.pop(),
        _ => {
            let items = trees.into_iter().collect();
            Some(UseTree::Group(UseGroup { brace_token: syn::token::Brace::default(), items }))
        }
    }
}
