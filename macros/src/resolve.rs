//! What a path means, as far as the code that is expanded tells. Everything else is `None`, which is always safe: what
//! is not resolved is called through its ordinary name.

use crate::conditions::Condition;
use crate::own_macros::OwnMacro;
use crate::tokens;
use crate::world::{Def, Definition, Mode, ModuleId, NodeId, TraitId, TypeKey, World};
use quote::ToTokens;
use std::collections::{HashMap, HashSet};
use syn::{
    GenericArgument, GenericParam, Generics, Path, PathArguments, Type, TypeParamBound, WherePredicate,
};

/// Imports that lead to imports, at most.
const DEPTH: usize = 16;

/// A place in the code: its module, the type or trait that `Self` is, the type parameters.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    pub(crate) world: &'a World,
    pub(crate) module: ModuleId,
    pub(crate) self_type: Option<TypeKey>,
    pub(crate) self_trait: Option<TraitId>,
    /// What `Self` is made of, in an impl.
    pub(crate) inside: Inside,
    /// Type parameters and the vthread traits that bound them.
    pub(crate) parameters: HashMap<String, Vec<TraitId>>,
}

/// What a type is made of.
#[derive(Clone, Default)]
pub(crate) struct Inside {
    /// Where it is a reference or a pointer: to what.
    pub(crate) pointee: Option<TypeKey>,
    /// Type parameters that are part of it, and not all.
    pub(crate) parameters: HashSet<String>,
    /// What stands in `Name<A, B, 3>`, but for lifetimes; the types among it.
    pub(crate) arguments: Vec<Option<Type>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(world: &'a World, module: ModuleId) -> Self {
        let inside = Inside::default();
        Self { world, module, self_type: None, self_trait: None, inside, parameters: HashMap::new() }
    }

    /// Says that `Self` is `ty`.
    pub(crate) fn enter(&mut self, ty: &Type) {
        self.self_type = Some(self.type_key(ty));
        let inner = pointed_to(ty);
        self.inside = Inside {
            pointee: inner.map(|inner| self.type_key(inner)),
            parameters: tokens::words(ty.to_token_stream()),
            arguments: arguments_of(ty),
        };
        if let Type::Path(p) = ty
            && let Some(name) = p.path.get_ident()
        {
            self.inside.parameters.remove(&name.to_string());
        }
        let known = &self.parameters;
        self.inside.parameters.retain(|name| known.contains_key(name));
    }

    pub(crate) fn with_generics(mut self, generics: &Generics) -> Self {
        for parameter in &generics.params {
            if let GenericParam::Type(t) = parameter {
                let traits = self.traits_in(&t.bounds);
                self.parameters.entry(t.ident.to_string()).or_default().extend(traits);
            }
        }
        for predicate in generics.where_clause.iter().flat_map(|w| &w.predicates) {
            if let WherePredicate::Type(p) = predicate
                && let Type::Path(bounded) = &p.bounded_ty
                && let Some(name) = bounded.path.get_ident()
            {
                let traits = self.traits_in(&p.bounds);
                if let Some(known) = self.parameters.get_mut(&name.to_string()) {
                    known.extend(traits);
                }
            }
        }
        self
    }

    /// The vthread traits among some bounds, with the traits above them.
    pub(crate) fn traits_in<'b>(&self, bounds: impl IntoIterator<Item = &'b TypeParamBound>) -> Vec<TraitId> {
        let named = bounds.into_iter().filter_map(|b| match b {
            TypeParamBound::Trait(t) => self.vthread_trait(&t.path),
            _ => None,
        });
        named.flat_map(|t| self.world.with_supers(t)).collect()
    }

    /// What a path of names means.
    pub(crate) fn resolve(&self, path: &Path) -> Option<Def> {
        if path.leading_colon.is_some() {
            return None;
        }
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.path_from(self.module, &names, 0)
    }

    /// The vthread trait at a path.
    pub(crate) fn vthread_trait(&self, path: &Path) -> Option<TraitId> {
        match self.resolve(path)? {
            Def::Trait(id) => Some(id),
            _ => None,
        }
    }

    /// A `macro_rules!` of the modules around.
    pub(crate) fn own_macro(&self, name: &str) -> Option<&'a OwnMacro> {
        let modules = &self.world.modules;
        let mut around = std::iter::successors(Some(self.module), |id| modules[*id].parent);
        around.find_map(|id| modules[id].macros.get(name))
    }

    fn path_from(&self, module: ModuleId, names: &[String], depth: usize) -> Option<Def> {
        let world = self.world;
        let mut rest = names.iter();
        let mut at = match rest.next()?.as_str() {
            "self" => Def::Module(world.real_module(module)),
            "super" => {
                Def::Module(world.modules[world.real_module(module)].parent.map(|m| world.real_module(m))?)
            }
            "crate" => return self.path_from_crate(rest.as_slice(), depth),
            name => self.lookup(module, name, depth)?,
        };
        for name in rest {
            let Def::Module(id) = at else { return None };
            at = match name.as_str() {
                "super" => Def::Module(world.modules[id].parent.map(|m| world.real_module(m))?),
                name => self.member(id, name, depth)?,
            };
        }
        Some(at)
    }

    /// A path from the root of the crate, if it leads into the annotated module. A function's must be that of the module to the last
    /// name: through the ordinary name its call is right, too. Of a trait it is enough that the path goes through the module's
    /// file and name: an impl that is not recognised does not compile.
    fn path_from_crate(&self, names: &[String], depth: usize) -> Option<Def> {
        let world = self.world;
        let root = world.root.as_ref()?;
        let within = |at: usize| {
            let (above, below) = (&names[..at], &names[at + 1..]);
            if world.file.as_ref().is_some_and(|file| !above.starts_with(file)) {
                return None;
            }
            let found = below.iter().try_fold(Def::Module(0), |def, name| match def {
                Def::Module(id) => self.member(id, name, depth + 1),
                _ => None,
            })?;
            let exact = world.file.as_deref() == Some(above);
            (exact || matches!(found, Def::Trait(_))).then_some(found)
        };
        (0..names.len()).filter(|&at| names[at] == *root).find_map(within)
    }

    /// A bare name, seen from inside `module`.
    fn lookup(&self, module: ModuleId, name: &str, depth: usize) -> Option<Def> {
        if depth > DEPTH {
            return None;
        }
        match self.member(module, name, depth) {
            Some(def) => Some(def),
            None if self.world.modules[module].block => {
                // A glob from elsewhere may bring the name in and would hide what is outside of the block.
                let hidden =
                    self.world.modules[module].globs.iter().any(|g| self.glob(module, g, depth).is_none());
                if hidden {
                    Some(Def::Other)
                } else {
                    self.lookup(self.world.modules[module].parent?, name, depth)
                }
            }
            None => None,
        }
    }

    /// Where a glob of `module` leads. What a block does not define itself its globs are looked for outside of it: through
    /// the globs they would ask for themselves.
    fn glob(&self, module: ModuleId, path: &[String], depth: usize) -> Option<Def> {
        let at = &self.world.modules[module];
        let from = match (at.parent, path.first()) {
            (Some(parent), Some(first)) if at.block && !at.names.contains_key(first) => parent,
            _ => module,
        };
        self.path_from(from, path, depth + 1)
    }

    /// A name that `module` defines or imports.
    fn member(&self, module: ModuleId, name: &str, depth: usize) -> Option<Def> {
        if depth > DEPTH {
            return None;
        }
        if let Some(definitions) = self.world.modules[module].names.get(name) {
            return Some(self.choose(module, definitions, depth));
        }
        self.world.modules[module].globs.iter().find_map(|glob| match self.glob(module, glob, depth)? {
            Def::Module(id) if id != module => self.member(id, name, depth + 1),
            _ => None,
        })
    }

    /// One of several things with the same name: a type and a function, or what `#[cfg]` tells apart. Which of those exists is not known, so what they have
    /// not in common is called by its ordinary name.
    fn choose(&self, module: ModuleId, definitions: &[Definition], depth: usize) -> Def {
        // What there is on each condition: of several the first that is known.
        let mut alternatives: Vec<(&Condition, Def)> = vec![];
        for Definition { def, condition } in definitions {
            let found = match def {
                // `use x::name;` where `x` is in here, too.
                Def::Import(path) => self.imported(module, path, depth).unwrap_or(Def::Other),
                other => other.clone(),
            };
            match alternatives.iter_mut().find(|(other, _)| other.is(condition)) {
                Some((_, best @ Def::Other)) => *best = found,
                Some(_) => {}
                None => alternatives.push((condition, found)),
            }
        }
        let all: Vec<Def> = alternatives.into_iter().map(|(_, def)| def).collect();
        match all.as_slice() {
            [] => Def::Other,
            [first, rest @ ..] if rest.iter().all(|other| self.are_alike(first, other)) => first.clone(),
            all => {
                let functions = all.iter().flat_map(|def| match def {
                    Def::Function(id) => std::slice::from_ref(id),
                    Def::Named(ids) => ids,
                    _ => &[],
                });
                let functions: Vec<NodeId> = functions.copied().collect();
                if functions.is_empty() { Def::Other } else { Def::Named(functions) }
            }
        }
    }

    /// Whether the macro treats two alternatives in the same way. Their twins are found where it matters which it is. A function from elsewhere may have
    /// other wrappers than one of the module.
    fn are_alike(&self, one: &Def, other: &Def) -> bool {
        match (one, other) {
            (Def::Function(one), Def::Function(other)) => {
                self.world.nodes[*one].mode == self.world.nodes[*other].mode
            }
            (Def::Alias(at, one), Def::Alias(place, other)) => {
                let text = |ty: &Type| ty.to_token_stream().to_string();
                at == place && text(one) == text(other)
            }
            (Def::ImportedFunction, Def::ImportedFunction)
            | (Def::Trait(_), Def::Trait(_))
            | (Def::Type(_), Def::Type(_))
            | (Def::Module(_), Def::Module(_))
            | (Def::PlainTrait, Def::PlainTrait)
            | (Def::Other, Def::Other) => true,
            _ => false,
        }
    }

    fn imported(&self, module: ModuleId, path: &[String], depth: usize) -> Option<Def> {
        // An import that leads back to itself ends at `DEPTH`.
        self.path_from(module, path, depth + 1)
    }

    /// The type that a path names, if it names one.
    pub(crate) fn type_key(&self, ty: &Type) -> TypeKey {
        self.key_at(ty, 0)
    }

    fn key_at(&self, ty: &Type, depth: usize) -> TypeKey {
        match ty {
            Type::Paren(t) => self.key_at(&t.elem, depth),
            Type::Group(t) => self.key_at(&t.elem, depth),
            Type::Path(p) if p.qself.is_none() => self.path_key(&p.path, depth),
            Type::TraitObject(o) => {
                self.traits_in(&o.bounds).first().map_or(TypeKey::Other, |t| TypeKey::Dyn(*t))
            }
            Type::Slice(_) | Type::Array(_) => TypeKey::Foreign("[]".into()),
            Type::Tuple(_) => TypeKey::Foreign("()".into()),
            Type::Reference(r) => match self.key_at(&r.elem, depth) {
                key @ TypeKey::Dyn(_) => key,
                _ => TypeKey::Other,
            },
            _ => TypeKey::Other,
        }
    }

    fn path_key(&self, path: &Path, depth: usize) -> TypeKey {
        if path.is_ident("Self")
            && let Some(key) = &self.self_type
        {
            return key.clone();
        }
        if let Some(name) = path.get_ident()
            && self.parameters.contains_key(&name.to_string())
        {
            return TypeKey::Parameter(name.to_string());
        }
        match self.resolve(path) {
            Some(Def::Type(id)) => TypeKey::Local(id),
            Some(Def::Alias(..)) if depth >= DEPTH => TypeKey::Other,
            Some(Def::Alias(module, ty)) => Scope::new(self.world, module).key_at(&ty, depth + 1),
            _ => TypeKey::Foreign(path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default()),
        }
    }

    /// Whether a path leads to a function that takes the context word.
    pub(crate) fn is_vthread_function(&self, def: &Def) -> bool {
        match def {
            Def::Function(id) => self.world.nodes[*id].mode == Mode::Vthread,
            Def::ImportedFunction => true,
            _ => false,
        }
    }
}

/// The type inside of pointers that a method call looks through, and of references.
pub(crate) fn pointee(ty: &Type) -> &Type {
    match ty {
        Type::Reference(r) => pointee(&r.elem),
        Type::Paren(t) => pointee(&t.elem),
        Type::Group(t) => pointee(&t.elem),
        Type::Path(p) => {
            let guarded = || argument_of(&p.path, &["Ref", "RefMut", "MutexGuard", "Pin"]);
            pointed_by(&p.path).or_else(guarded).map_or(ty, pointee)
        }
        _ => ty,
    }
}

/// The smart pointers of std that own what they point to, or a part of it.
pub(crate) const POINTERS: [&str; 3] = ["Box", "Rc", "Arc"];

/// `T` of `Box<T>`, `Rc<T>`, `Arc<T>`.
pub(crate) fn pointed_by(path: &Path) -> Option<&Type> {
    argument_of(path, &POINTERS)
}

/// `T` of `Name<T>`, if it is one of these names.
fn argument_of<'t>(path: &'t Path, names: &[&str]) -> Option<&'t Type> {
    let last = path.segments.last().filter(|last| names.iter().any(|name| last.ident == name))?;
    first_argument(&last.arguments)
}

/// `T` of `&T`, `Box<T>`, `Rc<T>`, `Arc<T>`.
fn pointed_to(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Reference(r) => Some(&r.elem),
        Type::Paren(t) => pointed_to(&t.elem),
        Type::Group(t) => pointed_to(&t.elem),
        Type::Path(p) => pointed_by(&p.path),
        _ => None,
    }
}

fn arguments_of(ty: &Type) -> Vec<Option<Type>> {
    let Type::Path(p) = ty else { return vec![] };
    match p.path.segments.last().map(|s| &s.arguments) {
        Some(PathArguments::AngleBracketed(all)) => {
            let arguments = all.args.iter().filter(|a| !matches!(a, GenericArgument::Lifetime(_)));
            arguments.map(|a| if let GenericArgument::Type(t) = a { Some(t.clone()) } else { None }).collect()
        }
        _ => vec![],
    }
}

/// `T` of `Vec<T>`.
pub(crate) fn first_argument(arguments: &PathArguments) -> Option<&Type> {
    match arguments {
        PathArguments::AngleBracketed(a) => a.args.iter().find_map(|a| match a {
            GenericArgument::Type(t) => Some(t),
            _ => None,
        }),
        _ => None,
    }
}
