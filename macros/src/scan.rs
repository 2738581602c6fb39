//! First pass: names, types, traits and functions of what is expanded. Each is marked with its number.

use crate::attributes::{self, Marker};
use crate::conditions::Condition;
use crate::diagnostics::Problems;
use crate::options::{On, Options};
use crate::resolve::Scope;
use crate::world::{
    Def, Method, Mode, Module, ModuleId, Node, Objects, Owner, Trait, TraitId, TypeDef, TypeKey, World,
};
use crate::{objects, signature};
use std::collections::{HashMap, HashSet};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Fields, FnArg, Generics, ImplItem, Item, ItemImpl, ItemTrait, ItemUse, Signature, Stmt,
    TraitItem, Type, UseTree,
};

/// Looks at `items`, the whole of what is expanded.
pub(crate) fn scan(items: &mut [Item], options: &Options, single: bool, problems: &mut Problems) -> World {
    let mut world = World { single, ..World::default() };
    world.modules.push(Module::default());
    Names { world: &mut world, module: 0, problems }.items(items);
    import_names(&mut world, options);
    let mut functions = Functions { world: &mut world, module: 0, problems };
    functions.items(items);
    world.used_as_dyn = items.iter().flat_map(used_as_dyn).collect();
    objects::decide(&mut world);
    find_ambiguous(&mut world);
    world
}

/// `names(..)` on the attribute itself.
fn import_names(world: &mut World, options: &Options) {
    for name in &options.names {
        if crate::names::is_function_like(name) {
            world.imported_methods.insert(name.to_string());
            world.modules[0].names.entry(name.to_string()).or_default().push(Def::ImportedFunction);
        } else {
            let id = external_trait(world, 0, name);
            world.modules[0].names.entry(name.to_string()).or_default().push(Def::Trait(id));
        }
    }
}

fn external_trait(world: &mut World, module: ModuleId, name: &syn::Ident) -> TraitId {
    world.traits.push(Trait {
        name: name.clone(),
        module,
        item: None,
        methods: HashMap::new(),
        supers: vec![],
        objects: Objects::Yes,
    });
    world.traits.len() - 1
}

/// Pass one half: what every name in every module is.
struct Names<'a> {
    world: &'a mut World,
    module: ModuleId,
    problems: &'a mut Problems,
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

    fn items(&mut self, items: &mut [Item]) {
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
                if let Some((_, items)) = &mut m.content {
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
                    self.world.modules[self.module].macros.insert(name.to_string());
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

/// Stands first in a block with items and says which module the block is.
fn block_marker(id: ModuleId) -> Stmt {
    let mut attrs = vec![];
    Marker::Module.write(id, &mut attrs);
    syn::parse_quote!(#(#attrs)* const _: () = ();)
}

/// Takes the marker out of a block that has one.
pub(crate) fn take_block_marker(block: &mut Block) -> Option<ModuleId> {
    let id = match block.stmts.first() {
        Some(Stmt::Item(Item::Const(c))) => Marker::Module.read(&c.attrs)?,
        _ => return None,
    };
    block.stmts.remove(0);
    Some(id)
}

/// The marker of a block, left where it is.
fn block_module(block: &Block) -> Option<ModuleId> {
    match block.stmts.first() {
        Some(Stmt::Item(Item::Const(c))) => Marker::Module.read(&c.attrs),
        _ => None,
    }
}

/// Pass the other half: the functions of impls and traits, which need the names.
struct Functions<'a> {
    world: &'a mut World,
    module: ModuleId,
    problems: &'a mut Problems,
}

impl Functions<'_> {
    fn items(&mut self, items: &mut [Item]) {
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
            Some((None, path)) if (explicit || self.world.single) && !is_std_trait(path) => {
                let name = path.segments.last().map(|s| s.ident.clone());
                name.map(|name| external_trait(self.world, self.module, &name))
            }
            _ => None,
        };
        if let Some(id) = vthread_trait {
            self.world.impls.push((ty.clone(), id));
            Marker::Trait.write(id, &mut i.attrs);
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

/// What the function itself says about how it is treated.
pub(crate) fn own_mode(sig: &Signature, attrs: &[Attribute]) -> Mode {
    if attrs.iter().any(attributes::is_plain) || sig.constness.is_some() {
        Mode::Plain
    } else if ["test", "bench", "panic_handler", "proc_macro"].iter().any(|name| attributes::has(attrs, name))
    {
        Mode::Fixed
    } else {
        Mode::Vthread
    }
}

fn method_of(sig: &Signature) -> Method {
    Method { has_self: sig.receiver().is_some(), arity: Some(arity(sig)) }
}

fn arity(sig: &Signature) -> usize {
    sig.inputs.iter().filter(|a| matches!(a, FnArg::Typed(_))).count()
}

fn output(sig: &Signature) -> Option<Type> {
    match &sig.output {
        syn::ReturnType::Default => None,
        syn::ReturnType::Type(_, ty) => Some((**ty).clone()),
    }
}

fn add_node(
    world: &mut World,
    problems: &mut Problems,
    module: ModuleId,
    sig: &Signature,
    attrs: &[Attribute],
    owner: Owner,
    mode: Mode,
) -> usize {
    let options = attributes::inner_options(attrs, On::Function).unwrap_or_else(|e| {
        problems.add(e);
        None
    });
    let forced = options.is_some_and(|o| o.recursive);
    world.nodes.push(Node {
        name: sig.ident.to_string(),
        owner,
        mode,
        has_self: sig.receiver().is_some(),
        arity: arity(sig),
        output: output(sig),
        module,
        forced,
    });
    world.nodes.len() - 1
}

fn named_fields(fields: &Fields) -> HashMap<String, Type> {
    fields
        .iter()
        .enumerate()
        .map(|(i, f)| (f.ident.as_ref().map_or_else(|| i.to_string(), ToString::to_string), f.ty.clone()))
        .collect()
}

/// Traits of std that people implement: an annotated impl of one keeps its signatures.
fn is_std_trait(path: &syn::Path) -> bool {
    const STD: &[&str] = &[
        "Add",
        "AddAssign",
        "AsMut",
        "AsRef",
        "BitAnd",
        "BitOr",
        "BitXor",
        "Borrow",
        "BufRead",
        "Clone",
        "Debug",
        "Default",
        "Deref",
        "DerefMut",
        "Display",
        "Div",
        "Drop",
        "Error",
        "Extend",
        "From",
        "FromIterator",
        "FromStr",
        "Hash",
        "Index",
        "IndexMut",
        "Into",
        "IntoIterator",
        "Iterator",
        "DoubleEndedIterator",
        "ExactSizeIterator",
        "Mul",
        "Neg",
        "Not",
        "Ord",
        "PartialEq",
        "PartialOrd",
        "Read",
        "Rem",
        "Shl",
        "Shr",
        "Sub",
        "SubAssign",
        "Sum",
        "Product",
        "ToString",
        "TryFrom",
        "TryInto",
        "Write",
        "Future",
        "Hasher",
    ];
    path.segments.last().is_some_and(|s| STD.contains(&s.ident.to_string().as_str()))
}

/// One name that a `use` brings in; no name: a glob.
pub(crate) struct Leaf {
    pub(crate) path: Vec<String>,
    pub(crate) name: Option<syn::Ident>,
    span: proc_macro2::Span,
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

/// The name of a parameter `T: ?Sized` that a trait is implemented for.
pub(crate) const UNSIZED: &str = "?Sized";

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

/// Names after `dyn`, and of supertraits.
fn used_as_dyn(item: &Item) -> HashSet<String> {
    fn walk(tokens: proc_macro2::TokenStream, names: &mut HashSet<String>) {
        let mut after = false;
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Ident(i) if i == "dyn" || i == "trait" => after = true,
                proc_macro2::TokenTree::Ident(i) if after => {
                    names.insert(i.to_string());
                }
                proc_macro2::TokenTree::Punct(p) if [':', '+'].contains(&p.as_char()) => {}
                proc_macro2::TokenTree::Group(g) => {
                    after = false;
                    walk(g.stream(), names);
                }
                _ => after = false,
            }
        }
    }
    let mut names = HashSet::new();
    walk(quote::ToTokens::to_token_stream(item), &mut names);
    names
}

/// Method names that things of two kinds have: a call on an unknown receiver stays as it is.
fn find_ambiguous(world: &mut World) {
    let plain: HashSet<String> = world
        .nodes
        .iter()
        .filter(|n| n.mode != Mode::Vthread && n.has_self)
        .map(|n| n.name.clone())
        .collect();
    world.ambiguous = plain;
}
