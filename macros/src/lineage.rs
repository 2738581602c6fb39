//! The vthread traits above a trait, with the arguments that it gives them.

use crate::names;
use crate::resolve::Scope;
use crate::world::{Def, ModuleId, Objects, TraitId, World};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use std::collections::HashMap;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericArgument, GenericParam, Ident, Lifetime, Path, PathArguments, Signature, Token, TraitItem, Type,
    TypeParamBound, TypePath, parse_quote,
};

/// A trait above another one, or that one itself.
pub(crate) struct Ancestor {
    pub(crate) id: TraitId,
    given: Vec<GenericArgument>,
    /// `Out = u64`.
    pub(crate) bindings: Vec<(Ident, Type)>,
    substitution: Substitution,
}

impl Ancestor {
    /// `<A, B>`, or nothing.
    pub(crate) fn arguments(&self) -> TokenStream {
        let given = &self.given;
        if given.is_empty() { quote!() } else { quote!(<#(#given),*>) }
    }

    /// A signature of the trait in the words of the trait below.
    pub(crate) fn substitute(&self, sig: &Signature) -> Signature {
        let mut sig = sig.clone();
        self.substitution.clone().visit_signature_mut(&mut sig);
        sig
    }
}

/// `below` itself and every vthread trait above it, each once for each set of arguments.
pub(crate) fn of(world: &World, below: TraitId) -> Vec<Ancestor> {
    let own = world.traits[below].item.as_ref().map(|item| {
        item.generics
            .params
            .iter()
            .map(|p| match p {
                GenericParam::Type(t) => {
                    let name = &t.ident;
                    parse_quote!(#name)
                }
                GenericParam::Const(c) => {
                    let name = &c.ident;
                    parse_quote!(#name)
                }
                GenericParam::Lifetime(l) => GenericArgument::Lifetime(l.lifetime.clone()),
            })
            .collect()
    });
    let mut all = vec![Ancestor {
        id: below,
        given: own.unwrap_or_default(),
        bindings: vec![],
        substitution: Substitution::default(),
    }];
    let mut at = 0;
    while at < all.len() {
        for (id, path) in &world.traits[all[at].id].supers {
            let mut path = path.clone();
            all[at].substitution.clone().visit_path_mut(&mut path);
            let (given, bindings) = divide(&path);
            let substitution = Substitution::new(world, *id, &given);
            let known = |a: &Ancestor| a.id == *id && same(&a.given, &given);
            if !all.iter().any(known) {
                all.push(Ancestor { id: *id, given, bindings, substitution });
            }
        }
        at += 1;
    }
    all
}

fn same(one: &[GenericArgument], other: &[GenericArgument]) -> bool {
    quote!(#(#one),*).to_string() == quote!(#(#other),*).to_string()
}

/// Arguments and bindings of a path.
fn divide(path: &Path) -> (Vec<GenericArgument>, Vec<(Ident, Type)>) {
    let (mut given, mut bindings) = (vec![], vec![]);
    if let Some(PathArguments::AngleBracketed(arguments)) = path.segments.last().map(|s| &s.arguments) {
        for argument in &arguments.args {
            match argument {
                GenericArgument::AssocType(a) => bindings.push((a.ident.clone(), a.ty.clone())),
                other => given.push(other.clone()),
            }
        }
    }
    (given, bindings)
}

/// Type parameters and lifetimes of a trait, and what stands for them.
#[derive(Clone, Default)]
struct Substitution {
    types: HashMap<String, Type>,
    lifetimes: HashMap<String, Lifetime>,
}

impl Substitution {
    fn new(world: &World, id: TraitId, given: &[GenericArgument]) -> Self {
        let mut this = Self::default();
        let Some(item) = &world.traits[id].item else { return this };
        let mut given = given.iter();
        for parameter in &item.generics.params {
            match (parameter, given.next()) {
                (GenericParam::Type(t), Some(GenericArgument::Type(ty))) => {
                    this.types.insert(t.ident.to_string(), ty.clone());
                }
                (GenericParam::Type(t), None) => {
                    if let Some(default) = &t.default {
                        this.types.insert(t.ident.to_string(), default.clone());
                    }
                }
                (GenericParam::Lifetime(l), Some(GenericArgument::Lifetime(lifetime))) => {
                    this.lifetimes.insert(l.lifetime.ident.to_string(), lifetime.clone());
                }
                _ => {}
            }
        }
        this
    }
}

impl VisitMut for Substitution {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::Path(p) = ty
            && p.qself.is_none()
        {
            if let Some(name) = p.path.get_ident() {
                if let Some(new) = self.types.get(&name.to_string()) {
                    *ty = new.clone();
                    return;
                }
            } else if let Some(new) =
                p.path.segments.first().and_then(|s| self.types.get(&s.ident.to_string()))
            {
                // `A::Item` becomes `<u64>::Item`.
                let rest: Punctuated<_, Token![::]> = p.path.segments.iter().skip(1).cloned().collect();
                *ty = parse_quote!(<#new>::#rest);
            }
        }
        visit_mut::visit_type_mut(self, ty);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if let Some(new) = self.lifetimes.get(&lifetime.ident.to_string()) {
            *lifetime = new.clone();
        }
    }
}

/// Associated types of a trait and of those above it that its trait object must name, with their bounds.
pub(crate) fn open_types(world: &World, below: TraitId) -> Vec<(Ident, TokenStream)> {
    let mut open: Vec<(Ident, TokenStream)> = vec![];
    for ancestor in of(world, below) {
        let Some(item) = &world.traits[ancestor.id].item else { continue };
        for item in &item.items {
            if let TraitItem::Type(ty) = item
                && !ancestor.bindings.iter().any(|(name, _)| *name == ty.ident)
                && !open.iter().any(|(name, _)| *name == ty.ident)
            {
                let bounds = &ty.bounds;
                open.push((ty.ident.clone(), quote!(#bounds)));
            }
        }
        for (name, bounds) in open_types_of_std(world, ancestor.id) {
            let bound = ancestor.bindings.iter().any(|(bound, _)| *bound == name);
            if !bound && !open.iter().any(|(known, _)| *known == name) {
                open.push((name, bounds));
            }
        }
    }
    open
}

/// The associated types of std's traits above a trait: `Item` for `trait Cursor: Iterator`.
fn open_types_of_std(world: &World, id: TraitId) -> Vec<(Ident, TokenStream)> {
    let t = &world.traits[id];
    let supers = t.item.iter().flat_map(|item| &item.supertraits);
    supers
        .filter_map(|bound| {
            let TypeParamBound::Trait(bound) = bound else { return None };
            let last = bound.path.segments.last()?;
            let (_, name, bounds) = STD_TYPES.iter().find(|(of, _, _)| last.ident == of)?;
            let own = matches!(
                Scope::new(world, t.module).resolve(&bound.path),
                Some(Def::Trait(_) | Def::PlainTrait)
            );
            let given = divide(&bound.path).1.iter().any(|(given, _)| given == name);
            let bounds = if *bounds { quote!(?Sized) } else { quote!() };
            (!own && !given).then(|| (Ident::new(name, Span::call_site()), bounds))
        })
        .collect()
}

/// An associated type that the trait's methods name and nothing that is known declares or gives: a supertrait from elsewhere has it.
pub(crate) fn inherited_type(world: &World, id: TraitId) -> Option<Ident> {
    struct Named(Vec<Ident>);
    impl<'ast> Visit<'ast> for Named {
        fn visit_type_path(&mut self, p: &'ast TypePath) {
            let own = p.qself.is_none() && p.path.segments[0].ident == "Self";
            self.0.extend(p.path.segments.get(1).filter(|_| own).map(|s| s.ident.clone()));
            visit::visit_type_path(self, p);
        }
    }
    let item = world.traits[id].item.as_ref()?;
    let mut named = Named(vec![]);
    for item in &item.items {
        if let TraitItem::Fn(f) = item {
            named.visit_signature(&f.sig);
        }
    }
    let known: Vec<Ident> = world.with_supers(id).into_iter().flat_map(|id| types_of(world, id)).collect();
    named.0.into_iter().find(|name| !known.contains(name))
}

/// The associated types that a trait declares, gives to its supertraits, or has from std's.
fn types_of(world: &World, id: TraitId) -> Vec<Ident> {
    let mut all: Vec<Ident> = open_types_of_std(world, id).into_iter().map(|(name, _)| name).collect();
    let Some(item) = &world.traits[id].item else { return all };
    for item in &item.items {
        if let TraitItem::Type(ty) = item {
            all.push(ty.ident.clone());
        }
    }
    for bound in &item.supertraits {
        if let TypeParamBound::Trait(bound) = bound {
            all.extend(divide(&bound.path).1.into_iter().map(|(name, _)| name));
        }
    }
    all
}

/// A trait, its associated type, and whether that may be unsized.
const STD_TYPES: &[(&str, &str, bool)] = &[
    ("Iterator", "Item", false),
    ("DoubleEndedIterator", "Item", false),
    ("ExactSizeIterator", "Item", false),
    ("Deref", "Target", true),
    ("DerefMut", "Target", true),
    ("Index", "Output", true),
    ("IndexMut", "Output", true),
    ("Future", "Output", false),
];

/// How long a trait object may live: `'_`, unless a supertrait says otherwise.
pub(crate) fn lifetime(world: &World, below: TraitId) -> Lifetime {
    for id in world.with_supers(below) {
        let Some(item) = &world.traits[id].item else { continue };
        if let Some(lifetime) = explicit_lifetime(world, world.traits[id].module, &item.supertraits) {
            return lifetime;
        }
    }
    parse_quote!('_)
}

fn explicit_lifetime(
    world: &World,
    module: ModuleId,
    bounds: &Punctuated<TypeParamBound, Token![+]>,
) -> Option<Lifetime> {
    bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Lifetime(lifetime) => Some(lifetime.clone()),
        TypeParamBound::Trait(t) if t.path.segments.last().is_some_and(|s| s.ident == "Any") => {
            let own =
                matches!(Scope::new(world, module).resolve(&t.path), Some(Def::Trait(_) | Def::PlainTrait));
            (!own).then(|| parse_quote!('static))
        }
        _ => None,
    })
}

/// Where the impls of a trait for the trait objects of one below it can stand, which have to see both.
pub(crate) enum Place {
    /// In the module of the upper one, where its types are known. The lower one is reached by this path.
    Above(TokenStream),
    /// Beside the lower one, in a block that sees the upper one's module.
    Below,
}

/// Where the impls of `above` for the objects of `below` stand, or nothing if neither sees the other.
pub(crate) fn place(world: &World, above: TraitId, below: TraitId) -> Option<Place> {
    let (from, to) = (world.traits[above].module, world.traits[below].module);
    if from == to {
        return Some(Place::Above(quote!()));
    }
    let mut outer = to;
    while world.modules[outer].block {
        outer = world.modules[outer].parent?;
        if outer == from {
            return Some(Place::Below);
        }
    }
    let (climbs, down) = way(world, from, to)?;
    let supers = (0..climbs).map(|_| quote!(super::));
    // The first is seen from all that is beside it, the rest by names that these have for it: they may be private.
    let path = match down.as_slice() {
        [] => quote!(),
        [first] => {
            let first = name_of(world, *first);
            quote!(#first::)
        }
        [first, ..] => {
            let (first, through) = (name_of(world, *first), names::passage(below));
            quote!(#first::#through::)
        }
    };
    Some(Place::Above(quote!(#(#supers)* #path)))
}

/// Whether impls for the objects of `below` stand in other modules.
pub(crate) fn is_seen_elsewhere(world: &World, below: TraitId) -> bool {
    let place = |ancestor: &Ancestor| place(world, ancestor.id, below);
    of(world, below).iter().any(|a| matches!(place(a), Some(Place::Above(way)) if !way.is_empty()))
}

/// What stands in `module` so that the modules around see the trait objects of traits further down, which have supertraits there: a module of them, one for
/// each of those traits, that leads on to the next.
pub(crate) fn passages(world: &World, module: ModuleId) -> TokenStream {
    let mut all = TokenStream::new();
    for below in 0..world.traits.len() {
        let sub = &world.traits[below];
        if sub.objects != Objects::Yes {
            continue;
        }
        let next = of(world, below).iter().find_map(|ancestor| {
            let (_, down) = way(world, world.traits[ancestor.id].module, sub.module)?;
            let at = down.iter().position(|m| *m == module)?;
            let next = *down.get(at + 1)?;
            Some((next, at + 2 == down.len()))
        });
        let Some((next, is_last)) = next else { continue };
        let (through, next, object) = (names::passage(below), name_of(world, next), names::object(&sub.name));
        let condition = world.condition(below).attribute();
        let further = (!is_last).then(|| quote!(#through::));
        all.extend(quote! {
            #condition
            #[doc(hidden)]
            #[allow(warnings)]
            pub(crate) mod #through {
                pub(crate) use super::#next::#further #object;
            }
        });
    }
    all
}

fn name_of(world: &World, module: ModuleId) -> Ident {
    names::written(&world.modules[module].name, Span::call_site())
}

/// The way from one module to another of the same tree: how many times `super`, and then the modules to go into. None leads into a block.
fn way(world: &World, from: ModuleId, to: ModuleId) -> Option<(usize, Vec<ModuleId>)> {
    let up = |module: ModuleId| -> Vec<ModuleId> {
        std::iter::successors(Some(module), |&m| world.modules[m].parent).collect()
    };
    let (above, mut down) = (up(world.real_module(from)), up(to));
    let climbs = above.iter().position(|m| down.contains(m))?;
    down.truncate(down.iter().position(|m| *m == above[climbs])?);
    down.reverse();
    let is_block = |m: &ModuleId| world.modules[*m].block;
    (!down.iter().any(is_block) && !world.modules[from].block).then_some((climbs, down))
}
