//! What is known about the code that is expanded: modules, traits, types, and one node per function with a body.

use crate::attributes::Marker;
use crate::conditions::Condition;
use crate::own_macros::OwnMacro;
use std::collections::{BTreeSet, HashMap, HashSet};
use syn::{Ident, ItemTrait, Path, Type};

pub(crate) type ModuleId = usize;
pub(crate) type TraitId = usize;
pub(crate) type TypeId = usize;
pub(crate) type NodeId = usize;

/// How the body of a function is treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// It takes the context word.
    Vthread,
    /// Somebody else fixed its signature (`Display::fmt`, a test): it reads the context word at its top.
    Fixed,
    /// `#[plain]`, `const fn`: left as it is written.
    Plain,
}

/// A type, as far as names tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TypeKey {
    /// Declared in what is expanded.
    Local(TypeId),
    /// Declared elsewhere: its last name.
    Foreign(String),
    /// A trait object.
    Dyn(TraitId),
    /// A type parameter: an impl for it is for every type.
    Parameter(String),
    /// Tuples, arrays, function pointers and so on.
    Other,
}

/// Whose function it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    Module,
    Type(TypeKey),
    /// `impl Trait for Type`; the trait if it is a vthread one.
    Impl(TypeKey, Option<TraitId>),
    /// A body given in a trait.
    Trait(TraitId),
}

/// A function with a body.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) owner: Owner,
    pub(crate) mode: Mode,
    pub(crate) has_self: bool,
    /// Arguments without `self`.
    pub(crate) arity: usize,
    pub(crate) output: Option<Type>,
    pub(crate) module: ModuleId,
    /// `#[vthread(recursive)]`.
    pub(crate) forced: bool,
}

/// A vthread method as its trait declares it.
#[derive(Clone)]
pub(crate) struct Method {
    pub(crate) has_self: bool,
    /// `None`: the trait comes from elsewhere, and only the name is known.
    pub(crate) arity: Option<usize>,
}

/// Whether a trait can be used as `dyn`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Objects {
    /// It has an object trait.
    Yes,
    /// It is not dyn-compatible, which rustc explains better than we do.
    No,
    /// We cannot do it, for this reason.
    Refused(String),
}

/// A vthread trait.
pub(crate) struct Trait {
    pub(crate) name: Ident,
    pub(crate) module: ModuleId,
    /// `None`: imported with `#[vthread] use` or `names(..)`.
    pub(crate) item: Option<ItemTrait>,
    pub(crate) methods: HashMap<String, Method>,
    /// Supertraits that are vthread traits.
    pub(crate) supers: Vec<(TraitId, Path)>,
    pub(crate) objects: Objects,
}

/// A struct or enum.
pub(crate) struct TypeDef {
    pub(crate) fields: HashMap<String, Type>,
    /// Its parameters in order, but for lifetimes.
    pub(crate) parameters: Vec<String>,
    pub(crate) module: ModuleId,
}

/// What a name in a module stands for.
#[derive(Clone)]
pub(crate) enum Def {
    Function(NodeId),
    Trait(TraitId),
    PlainTrait,
    Type(TypeId),
    /// What stands for a type, and where: its names are those of that module.
    Alias(ModuleId, Box<Type>),
    Module(ModuleId),
    Import(Vec<String>),
    /// A function imported with `#[vthread] use` or `names(..)`.
    ImportedFunction,
    /// Functions on some conditions, something of another kind on others: whichever it is, it is called by its ordinary name.
    Named(Vec<NodeId>),
    /// Something else: it hides what is outside.
    Other,
}

/// What a name in a module stands for, on some condition.
pub(crate) struct Definition {
    pub(crate) def: Def,
    /// Two definitions of one name exist at once (a type and a function), or have conditions of their own.
    pub(crate) condition: Condition,
}

/// A module, or a block with items.
#[derive(Default)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) parent: Option<ModuleId>,
    /// A block sees the names around it.
    pub(crate) block: bool,
    pub(crate) names: HashMap<String, Vec<Definition>>,
    pub(crate) globs: Vec<Vec<String>>,
    /// When it exists, apart from what is around it.
    pub(crate) condition: Condition,
    /// Its `macro_rules!`.
    pub(crate) macros: HashMap<String, OwnMacro>,
}

/// How often a name stands there.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mentions {
    pub(crate) all: usize,
    /// In functions of that name.
    pub(crate) within: usize,
}

/// Everything that the scan found.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) modules: Vec<Module>,
    pub(crate) traits: Vec<Trait>,
    pub(crate) types: Vec<TypeDef>,
    pub(crate) nodes: Vec<Node>,
    /// The nodes of a name: each call asks for them, and there are as many nodes as functions.
    pub(crate) named: HashMap<String, Vec<NodeId>>,
    /// Names of methods that `names(..)` or `#[vthread(..)] use` gave.
    pub(crate) imported_methods: BTreeSet<String>,
    /// Names of methods that macros write, which nothing else is known of.
    pub(crate) written_methods: HashSet<String>,
    /// Names of methods that are also those of something that is not vthread.
    pub(crate) ambiguous: HashSet<String>,
    /// `(type, trait)` for every impl of a vthread trait.
    pub(crate) impls: Vec<(TypeKey, TraitId)>,
    /// Whether what is expanded is a single item, whose neighbours are unknown.
    pub(crate) single: bool,
    /// The name of the annotated module, which is number 0.
    pub(crate) root: Option<String>,
    /// The modules around its file, if they are known.
    pub(crate) file: Option<Vec<String>>,
    /// Traits that `dyn` names.
    pub(crate) used_as_dyn: HashSet<String>,
    /// How often each name stands in what is expanded.
    pub(crate) mentions: HashMap<String, Mentions>,
    /// Whether that is all that can name what is private there: a module, and no part of it in another file.
    pub(crate) sees_all: bool,
}

impl World {
    /// The vthread methods called `name` that take `self` and `arity` arguments, as nodes, and whether a trait from
    /// elsewhere has one too.
    pub(crate) fn methods(&self, name: &str, arity: usize) -> Vec<NodeId> {
        self.named(name)
            .filter(|&n| {
                let node = &self.nodes[n];
                node.has_self && node.arity == arity
            })
            .collect()
    }

    /// The functions called `name`.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = NodeId> {
        self.named.get(name).into_iter().flatten().copied()
    }

    /// Takes up what a name stands for.
    pub(crate) fn define(&mut self, module: ModuleId, name: &Ident, def: Def, attributes: &[syn::Attribute]) {
        let condition = Condition::of(attributes);
        let definitions = self.modules[module].names.entry(name.to_string()).or_default();
        definitions.push(Definition { def, condition });
        // Of alternatives it is not known which has the fields.
        let types =
            definitions.iter().filter_map(|d| if let Def::Type(id) = d.def { Some(id) } else { None });
        let types: Vec<TypeId> = types.collect();
        if types.len() > 1 {
            for id in types {
                self.types[id].fields.clear();
            }
        }
    }

    /// Takes a function up.
    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        let id = self.nodes.len();
        self.named.entry(node.name.clone()).or_default().push(id);
        self.nodes.push(node);
        id
    }

    /// Whether a vthread trait declares `name` with `self` and `arity` arguments.
    pub(crate) fn declared(&self, name: &str, arity: usize) -> bool {
        self.imported_methods.contains(name)
            || self.traits.iter().any(|t| {
                t.methods.get(name).is_some_and(|m| m.has_self && m.arity.is_none_or(|a| a == arity))
            })
    }

    /// `of` and every vthread trait above it.
    pub(crate) fn with_supers(&self, of: TraitId) -> Vec<TraitId> {
        let mut all = vec![of];
        let mut at = 0;
        while at < all.len() {
            for (above, _) in &self.traits[all[at]].supers {
                if !all.contains(above) {
                    all.push(*above);
                }
            }
            at += 1;
        }
        all
    }

    /// When a trait and all modules around it exist.
    pub(crate) fn condition(&self, of: TraitId) -> Condition {
        let t = &self.traits[of];
        let own = t.item.as_ref().map(|item| Condition::of(&item.attrs)).unwrap_or_default();
        let around = std::iter::successors(Some(t.module), |&m| self.modules[m].parent);
        around.fold(own, |all, module| all.and(&self.modules[module].condition))
    }

    /// Whether nobody mentions a private function: then the compiler may say that it is never used. Others may be called by the names that
    /// the macro has given them, which the compiler takes for no use of theirs.
    pub(crate) fn is_unmentioned(&self, node: NodeId) -> bool {
        let name = &self.nodes[node].name;
        let declared = self.named(name).count();
        self.sees_all
            && self.mentions.get(name).is_some_and(|m| {
                // A name in a function of that name is its own, unless there are several.
                m.all <= declared + if declared == 1 { m.within } else { 0 }
            })
    }

    /// The functions that stand in the same place under the same name, `node` among them: conditions tell them apart.
    pub(crate) fn twins(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let one = &self.nodes[node];
        self.named(&one.name).filter(move |&n| {
            let other = &self.nodes[n];
            other.module == one.module && other.owner == one.owner
        })
    }

    /// The same trait, or one that stands in the same place under the same name: conditions tell them apart.
    pub(crate) fn same_trait(&self, one: TraitId, other: TraitId) -> bool {
        let (one, other) = (&self.traits[one], &self.traits[other]);
        one.module == other.module && one.name == other.name
    }

    /// The module that `module` is in, if that is a block.
    pub(crate) fn real_module(&self, mut module: ModuleId) -> ModuleId {
        while self.modules[module].block {
            match self.modules[module].parent {
                Some(parent) => module = parent,
                None => break,
            }
        }
        module
    }

    /// What the scan wrote on an item.
    pub(crate) fn node_of(attributes: &[syn::Attribute]) -> Option<NodeId> {
        Marker::Node.read(attributes)
    }
}
