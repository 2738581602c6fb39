//! Which traits can be used as `dyn`, and the rewriting of `dyn Trait` to the hidden object trait.

use crate::conditions::Condition;
use crate::diagnostics::Problems;
use crate::lineage;
use crate::names;
use crate::resolve::Scope;
use crate::scan;
use crate::signature;
use crate::world::{Def, Objects, TraitId, TypeKey, World};
use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{GenericParam, ItemTrait, Path, Signature, TraitItem, TraitItemFn, Type, TypeParamBound};

/// Decides for every trait.
pub(crate) fn decide(world: &mut World) {
    let decided: Vec<Objects> = (0..world.traits.len()).map(|id| of_trait(world, id, 0)).collect();
    for (t, objects) in world.traits.iter_mut().zip(decided) {
        t.objects = objects;
    }
}

fn of_trait(world: &World, id: TraitId, depth: usize) -> Objects {
    let t = &world.traits[id];
    let Some(item) = &t.item else { return Objects::Yes };
    if depth > 16 || !is_compatible(item) {
        return Objects::No;
    }
    for bound in &item.supertraits {
        let TypeParamBound::Trait(bound) = bound else { continue };
        match Scope::new(world, t.module).resolve(&bound.path) {
            Some(Def::Trait(above)) => match of_super(world, id, above, &bound.path, depth) {
                Objects::Yes => {}
                other => return other,
            },
            Some(Def::PlainTrait) => {}
            _ if is_never_compatible(&bound.path) => return Objects::No,
            _ => {}
        }
    }
    if let Some(name) = conditional_type(item) {
        return Objects::Refused(format!(
            "the associated type `{name}` of `{}` stands under a condition; declare the trait once for each",
            t.name
        ));
    }
    if let Some(name) = lasting_method(item)
        && lineage::lifetime(world, id).ident != "static"
    {
        return Objects::Refused(format!(
            "`{name}` of `{}` asks that a type be `'static`, so it is not there for all of them, and no array can hold it; \
             write `trait {}: 'static` to ask it of all, or add `Self: Sized` there",
            t.name, t.name
        ));
    }
    if let Some(name) = lineage::inherited_type(world, id) {
        return Objects::Refused(format!(
            "`Self::{name}` in `{}` comes from a supertrait that is not annotated here, so what a trait object has to say of it is not \
             known; declare that supertrait in this `#[vthread] mod`, or mark `{}` #[plain]",
            t.name, t.name
        ));
    }
    let blanket = world
        .impls
        .iter()
        .any(|(key, of)| *of == id && matches!(key, TypeKey::Parameter(p) if p == scan::UNSIZED));
    if blanket {
        return Objects::Refused(format!(
            "`{}` is implemented for every `T: ?Sized`, which leaves no room for the impl for its trait objects; \
             drop `?Sized` there",
            t.name
        ));
    }
    Objects::Yes
}

fn of_super(world: &World, id: TraitId, above: TraitId, path: &Path, depth: usize) -> Objects {
    let (t, s) = (&world.traits[id], &world.traits[above]);
    match of_trait(world, above, depth + 1) {
        Objects::Yes => {}
        Objects::No => return Objects::No,
        Objects::Refused(reason) => return Objects::Refused(reason),
    }
    let here = s.item.is_some() && s.module == t.module;
    let generic = s.item.as_ref().is_none_or(|i| !i.generics.params.is_empty())
        || path.segments.iter().any(|p| !p.arguments.is_empty());
    if here {
        return Objects::Yes;
    }
    if s.item.is_some() && lineage::place(world, above, id).is_none() {
        return Objects::Refused(format!(
            "`{}` stands in a block and the supertrait `{}` elsewhere, from where the block is not seen; declare both in one \
             place",
            t.name, s.name
        ));
    }
    if s.item.is_some() && !generic {
        return Objects::Yes;
    }
    Objects::Refused(format!(
        "the supertrait `{}` of `{}` is declared in another place, so its methods are not known here; declare both in \
         one `#[vthread] mod`{}",
        s.name,
        t.name,
        if generic && s.item.is_some() { ", in the same module, because it is generic" } else { "" }
    ))
}

/// An associated type that is not always there: the types of trait objects name it, and cannot carry conditions.
fn conditional_type(item: &ItemTrait) -> Option<&syn::Ident> {
    item.items.iter().find_map(|i| match i {
        TraitItem::Type(t) if !Condition::of(&t.attrs).is_always() => Some(&t.ident),
        _ => None,
    })
}

/// A method with `where Self: 'static`.
fn lasting_method(item: &ItemTrait) -> Option<&syn::Ident> {
    item.items.iter().find_map(|i| match i {
        TraitItem::Fn(f) if is_slot(&f.sig) && signature::asks_static(&f.sig) => Some(&f.sig.ident),
        _ => None,
    })
}

/// Everything in the trait itself fits a trait object.
fn is_compatible(item: &ItemTrait) -> bool {
    item.items.iter().all(|i| match i {
        TraitItem::Fn(f) => {
            is_slot(&f.sig) || signature::asks_sized(&f.sig) || signature::value_receiver(&f.sig)
        }
        TraitItem::Type(t) => t.generics.params.is_empty(),
        _ => false,
    })
}

/// Traits of std that no trait object can have above it.
fn is_never_compatible(path: &Path) -> bool {
    const NAMES: &[&str] = &[
        "Sized",
        "Clone",
        "Copy",
        "Default",
        "PartialEq",
        "Eq",
        "PartialOrd",
        "Ord",
        "Hash",
        "FromStr",
        "From",
    ];
    path.segments.last().is_some_and(|s| NAMES.contains(&s.ident.to_string().as_str()))
}

/// The method is called through a trait object: it has an entry in the array.
pub(crate) fn is_slot(sig: &Signature) -> bool {
    sig.receiver().is_some_and(|r| r.reference.is_some() || is_dispatchable(&r.ty))
        && !signature::asks_sized(sig)
        && sig.generics.params.iter().all(|p| matches!(p, GenericParam::Lifetime(_)))
        && !signature::mentions_impl(&sig.inputs)
        && !signature::mentions_impl(&sig.output)
        && !signature::mentions_self(sig)
        && !signature::asks_types(sig)
}

/// `&Self`, `Box<Self>`, `Pin<&mut Self>` and so on.
fn is_dispatchable(receiver: &Type) -> bool {
    match receiver {
        Type::Reference(r) => matches!(&*r.elem, Type::Path(p) if p.path.is_ident("Self")),
        Type::Path(p) => p.path.segments.last().is_some_and(|last| {
            let inner = crate::resolve::first_argument(&last.arguments);
            match last.ident.to_string().as_str() {
                "Box" | "Rc" | "Arc" => {
                    inner.is_some_and(|t| matches!(t, Type::Path(p) if p.path.is_ident("Self")))
                }
                "Pin" => inner.is_some_and(is_dispatchable),
                _ => false,
            }
        }),
        _ => false,
    }
}

/// The methods with entries, in the order of the array.
pub(crate) fn slots(item: &ItemTrait) -> Vec<&TraitItemFn> {
    item.items
        .iter()
        .filter_map(|i| match i {
            TraitItem::Fn(f)
                if is_slot(&f.sig) && scan::own_mode(&f.sig, &f.attrs) == crate::world::Mode::Vthread =>
            {
                Some(f)
            }
            _ => None,
        })
        .collect()
}

/// `path::Trait<A>` to `path::__TraitObj<A>`.
pub(crate) fn object_path(path: &Path) -> Path {
    let mut path = path.clone();
    if let Some(last) = path.segments.last_mut() {
        last.ident = names::object(&last.ident);
    }
    path
}

/// Rewrites the trait objects in a type or an item, outside of bodies.
pub(crate) struct DynTypes<'a, 'b> {
    pub(crate) scope: &'a Scope<'b>,
    pub(crate) problems: &'a mut Problems,
}

impl DynTypes<'_, '_> {
    pub(crate) fn one(&mut self, ty: &mut Type) {
        let Type::TraitObject(object) = ty else { return };
        let span = object.span();
        let mut is_ours = false;
        for bound in &mut object.bounds {
            let TypeParamBound::Trait(bound) = bound else { continue };
            let Some(id) = self.scope.vthread_trait(&bound.path) else { continue };
            match &self.scope.world.traits[id].objects {
                Objects::Yes => {
                    is_ours = true;
                    if bound.lifetimes.is_some() {
                        self.problems.at(
                            span,
                            "#[vthread]: a trait object of a vthread trait cannot be `dyn for<..>`: give the lifetime to the trait's \
                             methods (`fn run<'a>(..)`), or mark the trait #[plain]",
                        );
                    }
                    bound.path = object_path(&bound.path);
                }
                Objects::No => self.problems.at(
                    span,
                    "#[vthread]: this trait cannot be used as `dyn`: each method needs a receiver like `&self` and no type \
                     parameter, `impl Trait` or `Self` in its types and no condition on types, or else `where Self: Sized`; and \
                     there can be no associated constant",
                ),
                Objects::Refused(reason) => self.problems.at(span, format!("#[vthread]: no `dyn` here: {reason}")),
            }
        }
        if is_ours {
            self.refuse_other_bounds(&object.bounds);
        }
    }

    fn refuse_other_bounds<'t>(&mut self, bounds: impl IntoIterator<Item = &'t TypeParamBound>) {
        for bound in bounds.into_iter().skip(1) {
            if let TypeParamBound::Trait(bound) = bound
                && !bound.path.segments.last().is_some_and(|s| s.ident == "Send" || s.ident == "Sync")
            {
                self.problems.at(
                    bound.span(),
                    "#[vthread]: a trait object of a vthread trait can have `Send`, `Sync` and a lifetime beside it; \
                     make this a supertrait instead",
                );
            }
        }
    }
}

impl VisitMut for DynTypes<'_, '_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        self.one(ty);
        visit_mut::visit_type_mut(self, ty);
    }

    fn visit_macro_mut(&mut self, m: &mut syn::Macro) {
        m.tokens = dyn_tokens(self.scope, std::mem::take(&mut m.tokens));
    }

    fn visit_block_mut(&mut self, _: &mut syn::Block) {}
}

/// Rewrites `dyn Trait` in tokens that are not parsed: bodies of macros, arguments of unknown ones.
pub(crate) fn dyn_tokens(scope: &Scope<'_>, tokens: TokenStream) -> TokenStream {
    let mut all: Vec<TokenTree> = tokens.into_iter().collect();
    for at in 0..all.len() {
        if let TokenTree::Group(group) = &all[at] {
            let mut new = proc_macro2::Group::new(group.delimiter(), dyn_tokens(scope, group.stream()));
            new.set_span(group.span());
            all[at] = TokenTree::Group(new);
        } else if matches!(&all[at], TokenTree::Ident(i) if i == "dyn") {
            object_after(scope, &mut all[at + 1..]);
        }
    }
    all.into_iter().collect()
}

/// The path that follows `dyn`: names with `::` between them.
fn object_after(scope: &Scope<'_>, tokens: &mut [TokenTree]) {
    let mut path: Vec<(usize, syn::Ident)> = vec![];
    let mut at = 0;
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        path.push((at, name.clone()));
        let colons = tokens[at + 1..]
            .iter()
            .take(2)
            .filter(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == ':'));
        if colons.count() < 2 {
            break;
        }
        at += 3;
    }
    let segments = path.iter().map(|(_, name)| syn::PathSegment::from(name.clone())).collect();
    let whole = Path { leading_colon: None, segments };
    if let Some((last, name)) = path.last()
        && let Some(id) = scope.vthread_trait(&whole)
        && scope.world.traits[id].objects == Objects::Yes
    {
        tokens[*last] = TokenTree::Ident(names::object(name));
    }
}
