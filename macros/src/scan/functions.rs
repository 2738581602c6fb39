//! The other half of the scan: the functions of impls and traits, which need the names.

use super::{UNSIZED, add_node, block_module, complete, external_trait, method_of, own_mode};
use crate::attributes::{self, Marker};
use crate::diagnostics::Problems;
use crate::resolve::Scope;
use crate::signature;
use crate::std_names::is_trait;
use crate::world::{Mode, ModuleId, Owner, TypeKey, World};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Generics, ImplItem, Item, ItemImpl, ItemTrait, Stmt, TraitItem, Type};

/// Pass the other half: the functions of impls and traits, which need the names.
pub(super) struct Functions<'a> {
    pub(super) world: &'a mut World,
    pub(super) module: ModuleId,
    pub(super) problems: &'a mut Problems,
}

impl Functions<'_> {
    pub(super) fn items(&mut self, items: &mut [Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &mut Item) {
        match item {
            Item::Mod(m) => {
                if let (Some(id), Some((_, items))) = (Marker::Module.read(&m.attrs), &mut m.content) {
                    let outer = std::mem::replace(&mut self.module, id);
                    self.items(items);
                    self.module = outer;
                }
            }
            Item::Fn(f) => self.visit_block_mut(&mut f.block),
            Item::Impl(i) => self.item_impl(i),
            Item::Trait(t) => self.item_trait(t),
            _ => {}
        }
    }

    fn item_trait(&mut self, t: &mut ItemTrait) {
        let id = Marker::Trait.read(&t.attrs);
        if let Some(id) = id {
            let scope = Scope::new(self.world, self.module);
            let supers = t
                .supertraits
                .iter()
                .filter_map(|bound| match bound {
                    syn::TypeParamBound::Trait(bound) => {
                        Some((scope.vthread_trait(&bound.path)?, bound.path.clone()))
                    }
                    _ => None,
                })
                .collect();
            self.world.traits[id].supers = supers;
        }
        for item in &mut t.items {
            let TraitItem::Fn(f) = item else { continue };
            let mode = if id.is_some() { own_mode(&f.sig, &f.attrs) } else { Mode::Fixed };
            if let Some(id) = id
                && f.default.is_some()
            {
                let node = add_node(
                    self.world,
                    self.problems,
                    self.module,
                    &f.sig,
                    &f.attrs,
                    Owner::Trait(id),
                    mode,
                );
                Marker::Node.write(node, &mut f.attrs);
            }
            if let Some(block) = &mut f.default {
                self.visit_block_mut(block);
            }
        }
    }

    fn item_impl(&mut self, i: &mut ItemImpl) {
        let scope = Scope::new(self.world, self.module).with_generics(&i.generics);
        let ty = match scope.type_key(&i.self_ty) {
            TypeKey::Parameter(name) if may_be_unsized(&i.generics, &name) => {
                TypeKey::Parameter(UNSIZED.into())
            }
            key => key,
        };
        let explicit = i.attrs.iter().any(attributes::is_vthread);
        let plain = i.attrs.iter().any(attributes::is_plain);
        let tr = i.trait_.as_ref().map(|(_, path, _)| (scope.vthread_trait(path), path));
        let vthread_trait = match tr {
            Some((Some(id), _)) if !plain => Some(id),
            Some((None, path)) if (explicit || self.world.single) && !is_trait(path) => {
                let name = path.segments.last().map(|s| s.ident.clone());
                name.map(|name| external_trait(self.world, self.module, &name))
            }
            _ => None,
        };
        if let Some(id) = vthread_trait {
            self.world.impls.push((ty.clone(), id));
            Marker::Trait.write(id, &mut i.attrs);
        }
        if let Some(of) = vthread_trait.and_then(|id| self.world.traits[id].item.as_ref()) {
            complete::check(of, i, self.problems);
            complete::check_macros(of, i, &self.world.written_methods, self.problems);
        }
        for item in &mut i.items {
            let ImplItem::Fn(f) = item else { continue };
            let own = own_mode(&f.sig, &f.attrs);
            let (owner, mode) = match (&i.trait_, vthread_trait) {
                (None, _) => (Owner::Type(ty.clone()), if plain { Mode::Plain } else { own }),
                (Some(_), Some(id)) => {
                    let declared = &mut self.world.traits[id];
                    let name = f.sig.ident.to_string();
                    let mode = if declared.item.is_none() {
                        if own == Mode::Vthread {
                            declared.methods.entry(name).or_insert_with(|| method_of(&f.sig));
                        }
                        own
                    } else if declared.methods.contains_key(&name) {
                        Mode::Vthread
                    } else {
                        Mode::Fixed
                    };
                    (Owner::Impl(ty.clone(), Some(id)), mode)
                }
                (Some(_), None) => (
                    Owner::Impl(ty.clone(), None),
                    if plain || own == Mode::Plain { Mode::Plain } else { Mode::Fixed },
                ),
            };
            if mode == Mode::Vthread {
                signature::check(&f.sig, self.problems);
            }
            let node = add_node(self.world, self.problems, self.module, &f.sig, &f.attrs, owner, mode);
            Marker::Node.write(node, &mut f.attrs);
            self.visit_block_mut(&mut f.block);
        }
    }
}

impl VisitMut for Functions<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        let Some(id) = block_module(block) else { return visit_mut::visit_block_mut(self, block) };
        let outer = std::mem::replace(&mut self.module, id);
        for statement in &mut block.stmts {
            match statement {
                Stmt::Item(item) => self.item(item),
                other => self.visit_stmt_mut(other),
            }
        }
        self.module = outer;
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

fn may_be_unsized(generics: &Generics, name: &str) -> bool {
    let relaxed = |bounds: &syn::punctuated::Punctuated<syn::TypeParamBound, syn::Token![+]>| {
        bounds.iter().any(|b| matches!(b, syn::TypeParamBound::Trait(t) if matches!(t.modifier, syn::TraitBoundModifier::Maybe(_))))
    };
    generics.type_params().any(|p| p.ident == name && relaxed(&p.bounds))
        || generics.where_clause.iter().flat_map(|w| &w.predicates).any(|p| match p {
            syn::WherePredicate::Type(p) => {
                matches!(&p.bounded_ty, Type::Path(t) if t.path.is_ident(name)) && relaxed(&p.bounds)
            }
            _ => false,
        })
}
