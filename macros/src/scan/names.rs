//! One half of the scan: what every name in every module is.

use super::{add_node, block_marker, external_trait, method_of, own_mode};
use crate::attributes::{self, Marker};
use crate::conditions::Condition;
use crate::diagnostics::Problems;
use crate::macro_impls;
use crate::options::{On, Options};
use crate::signature;
use crate::use_tree::leaves_of;
use crate::world::{Def, Method, Mode, Module, ModuleId, Objects, Owner, Trait, TypeDef, World};
use std::collections::HashMap;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Fields, Generics, ImplItem, Item, ItemTrait, ItemUse, Stmt, TraitItem, Type};

pub(super) struct Names<'a> {
    pub(super) world: &'a mut World,
    pub(super) module: ModuleId,
    pub(super) problems: &'a mut Problems,
}

impl Names<'_> {
    fn define(&mut self, name: &syn::Ident, def: Def) {
        self.world.modules[self.module].names.entry(name.to_string()).or_default().push(def);
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
        for item in &mut *items {
            self.declare(item);
        }
        for item in items {
            self.blocks_of(item);
        }
    }

    fn declare(&mut self, item: &mut Item) {
        match item {
            Item::Fn(f) => self.free_function(f),
            Item::Trait(t) => self.declare_trait(t),
            Item::Struct(s) => {
                let id = self.type_def(&s.generics, named_fields(&s.fields));
                self.define(&s.ident, Def::Type(id));
            }
            Item::Enum(e) => {
                let id = self.type_def(&e.generics, HashMap::new());
                self.define(&e.ident, Def::Type(id));
            }
            Item::Union(u) => {
                let id = self.type_def(&u.generics, HashMap::new());
                self.define(&u.ident, Def::Type(id));
            }
            Item::Type(t) => self.define(&t.ident, Def::Alias(t.ty.clone())),
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
                    self.define(&m.ident, Def::Module(id));
                } else {
                    self.define(&m.ident, Def::Other);
                }
            }
            Item::Use(u) => self.uses(u),
            Item::Macro(m) => {
                if let Some(name) = &m.ident {
                    let takes_impl = macro_impls::takes_impl(m.mac.tokens.clone());
                    self.world.modules[self.module].macros.insert(name.to_string(), takes_impl);
                }
            }
            Item::Const(c) => self.define(&c.ident, Def::Other),
            Item::Static(s) => self.define(&s.ident, Def::Other),
            Item::ExternCrate(e) => {
                self.define(e.rename.as_ref().map_or(&e.ident, |(_, name)| name), Def::Other);
            }
            Item::ForeignMod(f) => {
                for item in &f.items {
                    if let syn::ForeignItem::Fn(f) = item {
                        self.define(&f.sig.ident, Def::Other);
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
        self.define(&f.sig.ident, Def::Function(id));
    }

    fn declare_trait(&mut self, t: &mut ItemTrait) {
        if t.attrs.iter().any(attributes::is_plain) {
            self.define(&t.ident, Def::PlainTrait);
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
        self.define(&t.ident, Def::Trait(id));
    }

    fn type_def(&mut self, generics: &Generics, fields: HashMap<String, Type>) -> usize {
        let parameters = generics.type_params().map(|p| p.ident.to_string()).collect();
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
                (Some(name), None) => self.define(&name, Def::Import(leaf.path)),
                (Some(name), Some(options)) => {
                    let known = Def::Import(leaf.path);
                    self.define(&name, known);
                    self.import(&name, options);
                }
            }
        }
    }

    /// A name that the user says is a vthread one. What the tree itself defines under it comes first.
    fn import(&mut self, name: &syn::Ident, options: &Options) {
        if crate::names::is_function_like(name) {
            self.define(name, Def::ImportedFunction);
        } else {
            let id = external_trait(self.world, self.module, name);
            self.define(name, Def::Trait(id));
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
            for statement in &mut block.stmts {
                if let Stmt::Item(item) = statement {
                    inner.declare(item);
                }
            }
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
fn named_fields(fields: &Fields) -> HashMap<String, Type> {
    fields
        .iter()
        .enumerate()
        .map(|(i, f)| (f.ident.as_ref().map_or_else(|| i.to_string(), ToString::to_string), f.ty.clone()))
        .collect()
}
