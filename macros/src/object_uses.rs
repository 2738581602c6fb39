//! `#[vthread(dyn)] use`, for code without the attribute: there the names of the traits become those of their hidden object traits, so
//! that `dyn Trait` is the type that annotated code means by it. The traits themselves come without names, for their methods.
//!
//! ```text
//! #[vthread(dyn)] use parts::{Part, Tool as AnyTool};
//!
//! use parts::{Part as _, Tool as _};
//! use parts::{__PartObj as Part, __ToolObj as AnyTool};
//! ```

use crate::names;
use crate::options::Options;
use crate::use_tree::leaves_of;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Ident, ItemUse, Result, UseRename, UseTree};

/// Writes the two imports.
pub(crate) fn write(u: &ItemUse, options: &Options) -> Result<TokenStream> {
    if let Some(name) = options.names.first() {
        return Err(Error::new(
            name.span(),
            "code without the attribute calls methods as always: `dyn` stands alone here",
        ));
    }
    let mut leaves = vec![];
    leaves_of(&u.tree, &mut vec![], &mut leaves);
    for leaf in leaves {
        if leaf.name.is_none() || leaf.path.last().is_some_and(|last| is_function(last)) {
            return Err(Error::new(
                leaf.span,
                "#[vthread(dyn)] use needs the names of traits, one by one; others go into a `use` of their own",
            ));
        }
    }
    let named =
        ItemUse { tree: each(&u.tree, &|r| (names::object(&r.ident), r.rename.clone())), ..u.clone() };
    let traits = ItemUse { tree: each(&u.tree, &|r| (r.ident.clone(), format_ident!("_"))), ..u.clone() };
    Ok(quote!(#[allow(unused_imports)] #traits #named))
}

fn is_function(last: &str) -> bool {
    syn::parse_str::<Ident>(last).is_ok_and(|name| names::is_function_like(&name))
}

/// The tree with every name replaced by `.0 as .1`.
fn each(tree: &UseTree, of: &dyn Fn(&UseRename) -> (Ident, Ident)) -> UseTree {
    let rename = |r: UseRename| {
        let (ident, rename) = of(&r);
        UseTree::Rename(UseRename { ident, rename, ..r })
    };
    match tree {
        UseTree::Path(p) => UseTree::Path(syn::UsePath { tree: Box::new(each(&p.tree, of)), ..p.clone() }),
        UseTree::Name(n) => rename(UseRename {
            ident: n.ident.clone(),
            as_token: syn::token::As::default(),
            rename: n.ident.clone(),
        }),
        UseTree::Rename(r) => rename(r.clone()),
        UseTree::Group(g) => UseTree::Group(syn::UseGroup {
            items: g.items.iter().map(|tree| each(tree, of)).collect(),
            ..g.clone()
        }),
        UseTree::Glob(g) => UseTree::Glob(g.clone()),
    }
}
