//! Which functions a call may mean, and whether it can pass the context word on.

use crate::resolve::{POINTERS, Scope};
use crate::std_names;
use crate::world::{Def, Method, Mode, Node, NodeId, Owner, TraitId, TypeKey};
use syn::{ExprPath, Path, Type};

/// What a call may mean.
#[derive(Default)]
pub(crate) struct Choice {
    /// Functions of this expansion that it may enter.
    pub(crate) nodes: Vec<NodeId>,
    /// Every function that it can mean takes the context word.
    pub(crate) passes_word: bool,
    /// `self` is the first argument of a call through a path.
    pub(crate) has_self: bool,
    /// It can mean nothing but `nodes`.
    pub(crate) closed: bool,
    /// What speaks for `nodes`.
    pub(crate) evidence: Evidence,
    /// Where it leads.
    pub(crate) leads: Leads,
}

/// Where a call leads.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Leads {
    #[default]
    Anywhere,
    /// To a method that a bound gives to a parameter that is a part of `Self`, and not all. That type is smaller, so by however many such calls nothing is called that has led
    /// there: what is implemented for `&A` by what `A` does is no recursion.
    Inward,
}

/// Why a call may mean a function.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// A path, or the type of a receiver.
    #[default]
    Type,
    /// The name of a method alone.
    Name,
}

/// The arguments of a call.
#[derive(Clone, Copy)]
pub(crate) enum Arguments {
    /// `x.f(..)`, without `x`.
    Method(usize),
    /// `T::f(..)`, all of them.
    Path(usize),
}

impl Arguments {
    fn fit(self, has_self: bool, arity: usize) -> bool {
        match self {
            Self::Method(n) => has_self && arity == n,
            Self::Path(n) => arity + usize::from(has_self) == n,
        }
    }

    fn fit_node(self, node: &Node) -> bool {
        self.fit(node.has_self, node.arity)
    }

    fn fit_method(self, method: &Method) -> bool {
        match method.arity {
            Some(arity) => self.fit(method.has_self, arity),
            None => true,
        }
    }
}

/// Types of std through which no method of another type can be reached.
const CLOSED: &[&str] = &[
    "Vec",
    "String",
    "str",
    "HashMap",
    "BTreeMap",
    "HashSet",
    "BTreeSet",
    "VecDeque",
    "Option",
    "Result",
    "[]",
    "()",
    "bool",
    "char",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "Cell",
    "RefCell",
    "Range",
    "PathBuf",
    "Path",
    "OsString",
    "LinkedList",
    "BinaryHeap",
    "Duration",
    "Instant",
    "Ordering",
];

/// Whether a type from elsewhere may have a method of this name of its own: then that is meant, and not that of a trait. Of std's types
/// the names are known, of others nothing.
pub(crate) fn may_have_own(key: &TypeKey, name: &str) -> bool {
    match key {
        TypeKey::Foreign(ty) if ty == "Pin" || CLOSED.contains(&ty.as_str()) => std_names::is_own(name),
        TypeKey::Foreign(ty) => !POINTERS.contains(&ty.as_str()),
        _ => false,
    }
}

impl Scope<'_> {
    /// What `receiver.name(..)` may mean.
    pub(crate) fn method(&self, receiver: Option<TypeKey>, name: &str, arity: usize) -> Choice {
        let arguments = Arguments::Method(arity);
        if let Some(key) = receiver {
            return self.on_type(&key, name, arguments);
        }
        let nodes = self.world.methods(name, arity);
        let known = self.world.declared(name, arity)
            || nodes.iter().any(|&n| self.world.nodes[n].mode == Mode::Vthread);
        let imported = self.world.imported_methods.contains(name);
        let sure = !std_names::is_method(name) && !self.world.ambiguous.contains(name);
        let passes_word = known && sure && (imported || !self.world.single);
        let closed = !self.world.declared(name, arity);
        Choice { nodes, passes_word, has_self: true, closed, evidence: Evidence::Name, ..Choice::default() }
    }

    /// What a call through a path may mean. `is_local`: whether a name is that of a variable.
    pub(crate) fn path_call(&self, path: &ExprPath, count: usize, is_local: impl Fn(&str) -> bool) -> Choice {
        let arguments = Arguments::Path(count);
        if let Some(qself) = &path.qself {
            return self.qualified(&qself.ty, qself.position, &path.path, arguments);
        }
        let path = &path.path;
        if path.get_ident().is_some_and(|name| is_local(&name.to_string())) {
            return Choice::default();
        }
        match self.resolve(path) {
            Some(Def::Function(id)) => {
                let nodes: Vec<NodeId> = self.world.twins(id).collect();
                let takes_word = |&n: &NodeId| self.world.nodes[n].mode == Mode::Vthread;
                let passes_word = nodes.iter().all(takes_word)
                    && nodes.iter().any(|&n| arguments.fit_node(&self.world.nodes[n]));
                return Choice { nodes, passes_word, closed: true, ..Choice::default() };
            }
            Some(Def::Named(ids)) => {
                let nodes = ids.into_iter().flat_map(|id| self.world.twins(id)).collect();
                return Choice { nodes, ..Choice::default() };
            }
            Some(Def::ImportedFunction) => return Choice { passes_word: true, ..Choice::default() },
            Some(_) => return Choice::default(),
            None => {}
        }
        let Some((prefix, name)) = split(path) else { return Choice::default() };
        if prefix.is_ident("Self") {
            return self
                .self_type
                .as_ref()
                .map_or_else(Choice::default, |key| self.on_type(key, &name, arguments));
        }
        if let Some(id) = self.vthread_trait(&prefix) {
            return self.of_traits(&[id], &name, arguments, None).unwrap_or_default();
        }
        let key = self.type_key(&Type::Path(syn::TypePath { qself: None, path: prefix }));
        self.on_type(&key, &name, arguments)
    }

    /// `<T as Trait>::f` and `<T>::f`.
    fn qualified(&self, ty: &Type, position: usize, path: &Path, arguments: Arguments) -> Choice {
        let Some(name) = path.segments.last().map(|s| s.ident.to_string()) else { return Choice::default() };
        let key = self.type_key(ty);
        if position == 0 {
            return self.on_type(&key, &name, arguments);
        }
        let of =
            Path { leading_colon: None, segments: path.segments.iter().take(position).cloned().collect() };
        match self.vthread_trait(&of) {
            Some(id) => self.of_traits(&[id], &name, arguments, Some(&key)).unwrap_or_default(),
            None => Choice::default(),
        }
    }

    fn on_type(&self, key: &TypeKey, name: &str, arguments: Arguments) -> Choice {
        match key {
            TypeKey::Dyn(id) => {
                let traits = self.world.with_supers(*id);
                let through = self.of_traits(&traits, name, arguments, Some(key));
                through.unwrap_or_else(|| self.of_concrete(key, name, arguments))
            }
            TypeKey::Parameter(parameter) => {
                let traits = self.parameters.get(parameter).cloned().unwrap_or_default();
                match self.of_traits(&traits, name, arguments, None) {
                    Some(choice) if self.inside.parameters.contains(parameter) => {
                        Choice { leads: Leads::Inward, ..choice }
                    }
                    Some(choice) => choice,
                    // It may be reached by `Deref`, and lead back.
                    None => self.by_name(name, arguments),
                }
            }
            TypeKey::Local(_) | TypeKey::Foreign(_) => self.of_concrete(key, name, arguments),
            TypeKey::Other => self.by_name(name, arguments),
        }
    }

    /// A method that one of `traits` declares. `on`: the type, if it is known; a trait object enters nothing from here.
    fn of_traits(
        &self,
        traits: &[TraitId],
        name: &str,
        arguments: Arguments,
        on: Option<&TypeKey>,
    ) -> Option<Choice> {
        let (id, method) = traits.iter().find_map(|&id| {
            let method = self.world.traits[id].methods.get(name)?;
            arguments.fit_method(method).then_some((id, method))
        })?;
        let nodes = match on {
            Some(TypeKey::Dyn(_)) => vec![],
            Some(key) => self.members_of_impls(key, name, arguments, Some(id)),
            None => self.matching(name, arguments, |owner| match owner {
                Owner::Impl(_, of) => *of == Some(id),
                Owner::Trait(of) => *of == id,
                _ => false,
            }),
        };
        Some(Choice { nodes, passes_word: true, has_self: method.has_self, ..Choice::default() })
    }

    fn of_concrete(&self, key: &TypeKey, name: &str, arguments: Arguments) -> Choice {
        if may_have_own(key, name) {
            let mut choice = self.by_name(name, arguments);
            if let TypeKey::Foreign(ty) = key
                && CLOSED.contains(&ty.as_str())
            {
                choice.nodes.retain(|&n| self.is_of(&self.world.nodes[n].owner, ty));
            }
            return choice;
        }
        let mut nodes = self.matching(name, arguments, |owner| *owner == Owner::Type(key.clone()));
        if nodes.is_empty() {
            nodes = self.members_of_impls(key, name, arguments, None);
        }
        if let Some(&first) = nodes.first() {
            let all = |f: &dyn Fn(&Node) -> bool| nodes.iter().all(|&n| f(&self.world.nodes[n]));
            let has_self = self.world.nodes[first].has_self;
            let passes_word = all(&|n| n.mode == Mode::Vthread) && all(&|n| n.has_self == has_self);
            return Choice { nodes, passes_word, has_self, closed: true, ..Choice::default() };
        }
        let implemented: Vec<TraitId> =
            self.world.impls.iter().filter(|(k, _)| k == key).map(|(_, t)| *t).collect();
        match (self.of_traits(&implemented, name, arguments, Some(key)), key) {
            (Some(choice), _) => choice,
            (None, TypeKey::Foreign(foreign)) if CLOSED.contains(&foreign.as_str()) => Choice::default(),
            // It may be reached by `Deref`.
            (None, _) => self.by_name(name, arguments),
        }
    }

    /// Whether a function may be one of a type of std: its own, that of what it leads to, or of whatever type.
    fn is_of(&self, owner: &Owner, ty: &str) -> bool {
        let target = match ty {
            "Vec" => "[]",
            "String" => "str",
            "PathBuf" => "Path",
            "OsString" => "OsStr",
            _ => ty,
        };
        let may_be = |key: &TypeKey| match key {
            TypeKey::Foreign(name) => name == ty || name == target,
            TypeKey::Parameter(_) | TypeKey::Other => true,
            TypeKey::Local(_) | TypeKey::Dyn(_) => false,
        };
        match owner {
            Owner::Module => false,
            Owner::Type(key) | Owner::Impl(key, _) => may_be(key),
            Owner::Trait(of) => self.world.impls.iter().any(|(key, id)| id == of && may_be(key)),
        }
    }

    /// The bodies that `key` has for `name` by its impls of traits: its own, or else the one that the trait gives.
    fn members_of_impls(
        &self,
        key: &TypeKey,
        name: &str,
        arguments: Arguments,
        only: Option<TraitId>,
    ) -> Vec<NodeId> {
        let covers = |of: &TypeKey| of == key || matches!(of, TypeKey::Parameter(_));
        let own = self.matching(name, arguments, |owner| match owner {
            Owner::Impl(of, t) => covers(of) && (only.is_none() || *t == only),
            _ => false,
        });
        if !own.is_empty() {
            return own;
        }
        let implements = |t: TraitId| self.world.impls.iter().any(|(of, id)| *id == t && covers(of));
        self.matching(name, arguments, |owner| match owner {
            Owner::Trait(t) => implements(*t) && only.is_none_or(|o| o == *t),
            _ => false,
        })
    }

    /// Nothing is known but the name: the call stays as it is.
    fn by_name(&self, name: &str, arguments: Arguments) -> Choice {
        let nodes = self.matching(name, arguments, |owner| *owner != Owner::Module);
        Choice { nodes, has_self: true, evidence: Evidence::Name, ..Choice::default() }
    }

    fn matching(&self, name: &str, arguments: Arguments, owner: impl Fn(&Owner) -> bool) -> Vec<NodeId> {
        let nodes = &self.world.nodes;
        self.world.named(name).filter(|&n| arguments.fit_node(&nodes[n]) && owner(&nodes[n].owner)).collect()
    }
}

/// `a::b::f` as `a::b` and `f`.
fn split(path: &Path) -> Option<(Path, String)> {
    let mut prefix = path.clone();
    let last = prefix.segments.pop()?.into_value();
    prefix.segments.pop_punct();
    (!prefix.segments.is_empty()).then(|| (prefix, last.ident.to_string()))
}
