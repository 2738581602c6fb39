//! One half of the scan: what every name in every module is.

use super::{add_node, block_marker, external_trait, method_of, own_mode};
use crate::attributes::{self, Marker};
use crate::conditions::Condition;
use crate::diagnostics::Problems;
use crate::macro_impls;
use crate::options::{On, Options};
use crate::own_macros::OwnMacro;
use crate::signature;
use crate::use_tree::leaves_of;
use crate::world::{Def, Method, Mode, Module, ModuleId, Objects, Owner, Trait, TypeDef, World};
use std::collections::HashMap;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Fields, GenericParam, Generics, ImplItem, Item, ItemTrait, ItemUse, Stmt, TraitItem, Type};

pub(super) struct Names<'a> {
    pub(super) world: &'a mut World,
    pub(super) module: ModuleId,
    pub(super) problems: &'a mut Problems,
}

impl Names<'_> {
    fn define(&mut self, name: &syn::Ident, def: Def, attributes: &[syn::Attribute]) {
        self.world.define(self.module, name, def, attributes);
    }

    fn inside(&mut self, module: Module, f: impl FnOnce(&mut Self)) -> ModuleId {
        let id = self.world.modules.len();
        self.world.modules.push(Module { parent: Some(self.module), ..module });
        let outer = std::mem::replace(&mut self.module, id);
        f(self);
        self.module = outer;
        id
    }

    pub(super) fn items(&mut self, items: &mut [Item]) {
        self.declare_all(items.iter_mut().collect());
        for item in items {
            self.blocks_of(item);
        }
    }

    /// What stands in one place. A trait that is something else on another condition, an import mostly, is left as it is: which of the two an impl is of is not
    /// known.
    fn declare_all(&mut self, mut items: Vec<&mut Item>) {
        let others: Vec<(String, Condition)> = items.iter().flat_map(|item| names_of_types(item)).collect();
        for item in &mut items {
            if let Item::Trait(t) = item {
                let own = Condition::of(&t.attrs);
                let name = t.ident.to_string();
                if others.iter().any(|(other, condition)| *other == name && !own.is(condition)) {
                    t.attrs.push(syn::parse_quote!(#[plain]));
                }
            }
            self.declare(item);
        }
    }

    fn declare(&mut self, item: &mut Item) {
        match item {
            Item::Fn(f) => self.free_function(f),
            Item::Trait(t) => self.declare_trait(t),
            Item::Struct(s) => {
                let id = self.type_def(&s.generics, named_fields(&s.fields));
                self.define(&s.ident, Def::Type(id), &s.attrs);
            }
            Item::Enum(e) => {
                let id = self.type_def(&e.generics, HashMap::new());
                self.define(&e.ident, Def::Type(id), &e.attrs);
            }
            Item::Union(u) => {
                let id = self.type_def(&u.generics, HashMap::new());
                self.define(&u.ident, Def::Type(id), &u.attrs);
            }
            Item::Type(t) => {
                self.define(&t.ident, Def::Alias(self.module, t.ty.clone()), &t.attrs);
            }
            Item::Mod(m) => {
                let is_plain = m.attrs.iter().any(attributes::is_plain);
                if let Some((_, items)) = m.content.as_mut().filter(|_| !is_plain) {
                    let module = Module {
                        name: m.ident.to_string(),
                        condition: Condition::of(&m.attrs),
                        ..Module::default()
                    };
                    let id = self.inside(module, |inner| inner.items(items));
                    Marker::Module.write(id, &mut m.attrs);
                    self.define(&m.ident, Def::Module(id), &m.attrs);
                } else {
                    self.define(&m.ident, Def::Other, &m.attrs);
                }
            }
            Item::Use(u) => self.uses(u),
            Item::Macro(m) => {
                self.world.written_methods.extend(macro_impls::methods(m.mac.tokens.clone()));
                if let Some(name) = &m.ident {
                    let own = OwnMacro::new(&m.mac.tokens);
                    let (name, macros) = (name.to_string(), &mut self.world.modules[self.module].macros);
                    let own = match macros.remove(&name) {
                        Some(other) => own.or(other),
                        None => own,
                    };
                    macros.insert(name, own);
                }
            }
            Item::Const(c) => self.define(&c.ident, Def::Other, &c.attrs),
            Item::Static(s) => self.define(&s.ident, Def::Other, &s.attrs),
            Item::ExternCrate(e) => {
                let name = e.rename.as_ref().map_or(&e.ident, |(_, name)| name);
                self.define(name, Def::Other, &e.attrs);
            }
            Item::ForeignMod(f) => {
                for item in &f.items {
                    if let syn::ForeignItem::Fn(f) = item {
                        self.define(&f.sig.ident, Def::Other, &f.attrs);
                    }
                }
            }
            _ => {}
        }
    }

    fn free_function(&mut self, f: &mut syn::ItemFn) {
        let mode = own_mode(&f.sig, &f.attrs);
        if mode == Mode::Vthread {
            signature::check(&f.sig, self.problems);
        }
        let id = add_node(self.world, self.problems, self.module, &f.sig, &f.attrs, Owner::Module, mode);
        Marker::Node.write(id, &mut f.attrs);
        self.define(&f.sig.ident, Def::Function(id), &f.attrs);
    }

    fn declare_trait(&mut self, t: &mut ItemTrait) {
        if t.attrs.iter().any(attributes::is_plain) {
            self.define(&t.ident, Def::PlainTrait, &t.attrs);
            return;
        }
        let id = self.world.traits.len();
        let mut methods = HashMap::new();
        for item in &t.items {
            if let TraitItem::Fn(f) = item
                && own_mode(&f.sig, &f.attrs) == Mode::Vthread
            {
                signature::check(&f.sig, self.problems);
                methods.insert(f.sig.ident.to_string(), method_of(&f.sig));
            }
        }
        self.world.traits.push(Trait {
            name: t.ident.clone(),
            module: self.module,
            item: Some(t.clone()),
            methods,
            supers: vec![],
            objects: Objects::No,
        });
        Marker::Trait.write(id, &mut t.attrs);
        self.define(&t.ident, Def::Trait(id), &t.attrs);
    }

    fn type_def(&mut self, generics: &Generics, fields: HashMap<String, Type>) -> usize {
        let parameters = generics.params.iter().filter_map(|p| match p {
            GenericParam::Type(t) => Some(t.ident.to_string()),
            GenericParam::Const(c) => Some(c.ident.to_string()),
            GenericParam::Lifetime(_) => None,
        });
        let parameters = parameters.collect();
        self.world.types.push(TypeDef { fields, parameters, module: self.module });
        self.world.types.len() - 1
    }

    fn uses(&mut self, u: &ItemUse) {
        let options = match attributes::inner_options(&u.attrs, On::Use) {
            Ok(options) => options,
            Err(e) => return self.problems.add(e),
        };
        if options.as_ref().is_some_and(|o| o.objects) {
            self.problems.at(
                u.use_token.span,
                "#[vthread(dyn)] is for code without the attribute; here write `#[vthread] use`, and `dyn Trait` as always",
            );
        }
        let mut leaves = vec![];
        leaves_of(&u.tree, &mut vec![], &mut leaves);
        for leaf in leaves {
            match (leaf.name, &options) {
                (None, Some(_)) => self.problems.at(
                    leaf.span,
                    "`#[vthread] use` needs the names one by one: a glob does not say which they are",
                ),
                (None, None) => self.world.modules[self.module].globs.push(leaf.path),
                (Some(name), None) => self.define(&name, Def::Import(leaf.path), &u.attrs),
                (Some(name), Some(options)) => {
                    self.define(&name, Def::Import(leaf.path), &u.attrs);
                    self.import(&name, options, &u.attrs);
                }
            }
        }
    }

    /// A name that the user says is a vthread one. What the tree itself defines under it comes first.
    fn import(&mut self, name: &syn::Ident, options: &Options, attributes: &[syn::Attribute]) {
        if crate::names::is_function_like(name) {
            self.define(name, Def::ImportedFunction, attributes);
        } else {
            let id = external_trait(self.world, self.module, name);
            self.define(name, Def::Trait(id), attributes);
            for method in &options.names {
                self.world.imported_methods.insert(method.to_string());
                self.world.traits[id]
                    .methods
                    .insert(method.to_string(), Method { has_self: true, arity: None });
            }
        }
    }

    /// Blocks with items inside of the item's bodies are modules of their own.
    fn blocks_of(&mut self, item: &mut Item) {
        match item {
            Item::Fn(f) => self.visit_block_mut(&mut f.block),
            Item::Impl(i) => {
                for item in &mut i.items {
                    if let ImplItem::Fn(f) = item {
                        self.visit_block_mut(&mut f.block);
                    }
                }
            }
            Item::Trait(t) => {
                for item in &mut t.items {
                    if let TraitItem::Fn(f) = item
                        && let Some(block) = &mut f.default
                    {
                        self.visit_block_mut(block);
                    }
                }
            }
            _ => {}
        }
    }
}

impl VisitMut for Names<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        if !block.stmts.iter().any(|s| matches!(s, Stmt::Item(_))) {
            return visit_mut::visit_block_mut(self, block);
        }
        let id = self.inside(Module { block: true, ..Module::default() }, |inner| {
            let items = block.stmts.iter_mut().filter_map(|statement| match statement {
                Stmt::Item(item) => Some(item),
                _ => None,
            });
            inner.declare_all(items.collect());
            for statement in &mut block.stmts {
                match statement {
                    Stmt::Item(item) => inner.blocks_of(item),
                    other => inner.visit_stmt_mut(other),
                }
            }
        });
        block.stmts.insert(0, block_marker(id));
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// What an item gives a name that a trait could have, but for traits.
fn names_of_types(item: &Item) -> Vec<(String, Condition)> {
    let one = |name: &syn::Ident, attrs: &[syn::Attribute]| vec![(name.to_string(), Condition::of(attrs))];
    match item {
        Item::Type(t) => one(&t.ident, &t.attrs),
        Item::Struct(s) => one(&s.ident, &s.attrs),
        Item::Enum(e) => one(&e.ident, &e.attrs),
        Item::Union(u) => one(&u.ident, &u.attrs),
        Item::Use(u) => {
            let mut leaves = vec![];
            leaves_of(&u.tree, &mut vec![], &mut leaves);
            let names = leaves.into_iter().filter_map(|leaf| leaf.name);
            names.map(|name| (name.to_string(), Condition::of(&u.attrs))).collect()
        }
        _ => vec![],
    }
}

/// The types of fields, but of those that `#[cfg]` gives another one, or another number.
fn named_fields(fields: &Fields) -> HashMap<String, Type> {
    let mut types = HashMap::new();
    let mut several = vec![];
    for (i, f) in fields.iter().enumerate() {
        if f.ident.is_none() && !Condition::of(&f.attrs).is_always() {
            break;
        }
        let name = f.ident.as_ref().map_or_else(|| i.to_string(), ToString::to_string);
        if types.insert(name.clone(), f.ty.clone()).is_some() {
            several.push(name);
        }
    }
    types.retain(|name, _| !several.contains(name));
    types
}
