//! Trees of `use`, as lists of names.

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
            if let Some(last) = path.last().map(|last| syn::Ident::new(last, n.ident.span())) {
                leaf(None, Some(&last), n.ident.span());
            }
        }
        UseTree::Name(n) => leaf(Some(&n.ident), Some(&n.ident), n.ident.span()),
        UseTree::Rename(r) => leaf(Some(&r.ident), Some(&r.rename), r.ident.span()),
        UseTree::Glob(g) => leaf(None, None, syn::spanned::Spanned::span(&g.star_token)),
        UseTree::Group(g) => g.items.iter().for_each(|t| leaves_of(t, path, leaves)),
    }
}
