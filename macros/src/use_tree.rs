//! Trees of `use`, as lists of names.

use crate::names;
use syn::UseTree;

/// One name that a `use` brings in; no name: a glob.
pub(crate) struct Leaf {
    pub(crate) path: Vec<String>,
    pub(crate) name: Option<syn::Ident>,
    pub(crate) span: proc_macro2::Span,
}

/// The names that a `use` brings in.
pub(crate) fn leaves_of(tree: &UseTree, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    let mut leaf = |last: Option<&syn::Ident>, name: Option<&syn::Ident>, span| {
        let mut path = path.clone();
        path.extend(last.filter(|l| *l != "self").map(ToString::to_string));
        leaves.push(Leaf { path, name: name.cloned(), span });
    };
    match tree {
        UseTree::Path(p) => {
            path.push(p.ident.to_string());
            leaves_of(&p.tree, path, leaves);
            path.pop();
        }
        UseTree::Name(n) if n.ident == "self" => {
            if let Some(last) = path.last().map(|last| names::written(last, n.ident.span())) {
                leaf(None, Some(&last), n.ident.span());
            }
        }
        UseTree::Name(n) => leaf(Some(&n.ident), Some(&n.ident), n.ident.span()),
        UseTree::Rename(r) => leaf(Some(&r.ident), Some(&r.rename), r.ident.span()),
        UseTree::Glob(g) => leaf(None, None, syn::spanned::Spanned::span(&g.star_token)),
        UseTree::Group(g) => g.items.iter().for_each(|t| leaves_of(t, path, leaves)),
    }
}

#[cfg(test)]
mod tests {
    use super::leaves_of;

    #[test]
    fn a_module_with_a_raw_name_can_be_itself() {
        let u: syn::ItemUse = syn::parse_quote!(
            use a::r#type::{self, of};
        );
        let mut leaves = vec![];
        leaves_of(&u.tree, &mut vec![], &mut leaves);
        let all: Vec<_> =
            leaves.iter().map(|l| (l.path.join("::"), l.name.as_ref().map(ToString::to_string))).collect();
        let leaf = |path: &str, name: &str| (path.to_owned(), Some(name.to_owned()));
        assert_eq!(all, [leaf("a::r#type", "r#type"), leaf("a::r#type::of", "of")]);
    }
}
