//! Types of expressions, as far as they can be read off the text. A guess is never needed: without a hint a call stays
//! right, it only reads the context word again.

use crate::resolve::{Scope, first_argument, pointed_by, pointee};
use crate::tokens;
use crate::world::{Def, ModuleId, Node, Owner, TypeKey, World};
use quote::ToTokens;
use std::collections::HashMap;
use syn::{Expr, FnArg, Member, Pat, Signature, Type};

/// A type and the module whose names it uses.
#[derive(Clone)]
pub(crate) struct Hint {
    pub(crate) ty: Type,
    pub(crate) module: ModuleId,
}

/// Names bound in the scopes around an expression.
#[derive(Default)]
pub(crate) struct Locals {
    scopes: Vec<HashMap<String, Option<Hint>>>,
    /// References around `Self` in the type of `self`: one of `&self`.
    self_layers: Option<i32>,
}

impl Locals {
    pub(crate) fn open(&mut self) {
        self.scopes.push(HashMap::new());
    }

    pub(crate) fn close(&mut self) {
        self.scopes.pop();
    }

    pub(crate) fn bind_name(&mut self, name: String, hint: Option<Hint>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, hint);
        }
    }

    /// Binds every name of a pattern; the hint is for the whole.
    pub(crate) fn bind(&mut self, pattern: &Pat, hint: Option<Hint>, module: ModuleId) {
        match pattern {
            Pat::Ident(p) => {
                self.bind_name(p.ident.to_string(), hint);
                if let Some((_, inner)) = &p.subpat {
                    self.bind(inner, None, module);
                }
            }
            Pat::Type(p) => self.bind(&p.pat, Some(Hint { ty: (*p.ty).clone(), module }), module),
            Pat::Reference(p) => self.bind(&p.pat, hint, module),
            Pat::Paren(p) => self.bind(&p.pat, hint, module),
            Pat::Tuple(p) => {
                let types = hint.and_then(|h| match h.ty {
                    Type::Tuple(t) if t.elems.len() == p.elems.len() => Some((t, h.module)),
                    _ => None,
                });
                for (i, inner) in p.elems.iter().enumerate() {
                    let hint =
                        types.as_ref().map(|(t, module)| Hint { ty: t.elems[i].clone(), module: *module });
                    self.bind(inner, hint, module);
                }
            }
            other => self.bind_all(other),
        }
    }

    fn bind_all(&mut self, pattern: &Pat) {
        struct Names<'a>(&'a mut Locals);
        impl<'a> syn::visit::Visit<'a> for Names<'_> {
            fn visit_pat_ident(&mut self, p: &'a syn::PatIdent) {
                self.0.bind_name(p.ident.to_string(), None);
                syn::visit::visit_pat_ident(self, p);
            }
            fn visit_field_pat(&mut self, p: &'a syn::FieldPat) {
                syn::visit::visit_field_pat(self, p);
            }
        }
        syn::visit::Visit::visit_pat(&mut Names(self), pattern);
    }

    /// Whether the name is a variable's.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains_key(name))
    }

    /// The type of a variable, if it is one and the type is known.
    fn get(&self, name: &str) -> Option<&Hint> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))?.as_ref()
    }

    /// Everything that is named in these tokens may have been bound by a macro.
    pub(crate) fn bind_tokens(&mut self, tokens: proc_macro2::TokenStream) {
        for name in tokens::words(tokens) {
            self.bind_name(name, None);
        }
    }

    pub(crate) fn bind_inputs(&mut self, sig: &Signature, module: ModuleId) {
        self.self_layers = match sig.receiver() {
            Some(r) if r.colon_token.is_none() => Some(i32::from(r.reference.is_some())),
            _ => None,
        };
        for input in &sig.inputs {
            if let FnArg::Typed(t) = input {
                self.bind(&t.pat, Some(Hint { ty: (*t.ty).clone(), module }), module);
            }
        }
    }
}

/// What hints are read with.
pub(crate) struct Reader<'a> {
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) locals: &'a Locals,
}

impl Reader<'_> {
    fn world(&self) -> &World {
        self.scope.world
    }

    /// The type that a method is looked up on.
    pub(crate) fn receiver(&self, e: &Expr) -> Option<TypeKey> {
        if let Some(derefs) = self_derefs(e) {
            let through = self.locals.self_layers.is_some_and(|layers| derefs > layers);
            let inside = self.scope.inside.pointee.as_ref().filter(|_| self.goes_through_self(e));
            return if through { inside } else { self.scope.self_type.as_ref() }.cloned();
        }
        let hint = self.of(e)?;
        self.key(&hint)
    }

    /// The key of a hint; pointers are looked through.
    pub(crate) fn key(&self, hint: &Hint) -> Option<TypeKey> {
        let inner = pointee(&hint.ty);
        let scope = Scope { module: hint.module, ..self.scope.clone() };
        match scope.type_key(inner) {
            // A parameter of another item: nothing is known about it here.
            TypeKey::Foreign(name) if inner.to_token_stream().to_string() == name && name.len() <= 2 => None,
            TypeKey::Other => None,
            key => Some(key),
        }
    }

    /// `**self`, where `Self` is a reference or a pointer: what that leads to.
    pub(crate) fn goes_through_self(&self, e: &Expr) -> bool {
        self.scope.inside.pointee.is_some()
            && self.locals.self_layers.is_some_and(|layers| self_derefs(e) == Some(layers + 1))
    }

    fn of(&self, e: &Expr) -> Option<Hint> {
        let module = self.scope.module;
        match e {
            Expr::Path(p) if p.path.is_ident("self") => None,
            Expr::Path(p) => self.locals.get(&p.path.get_ident()?.to_string()).cloned(),
            Expr::Paren(p) => self.of(&p.expr),
            Expr::Group(p) => self.of(&p.expr),
            Expr::Reference(r) => self.of(&r.expr),
            Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => self.of(&u.expr),
            Expr::Cast(c) => Some(Hint { ty: (*c.ty).clone(), module }),
            Expr::Struct(s) if s.qself.is_none() => Some(Hint { ty: path_type(&s.path), module }),
            Expr::Field(f) => self.field(&f.base, &f.member),
            Expr::Index(i) => Self::element(&self.of(&i.expr)?),
            Expr::Call(c) => match &*c.func {
                Expr::Path(p) if p.qself.is_none() => self.call(&p.path),
                _ => None,
            },
            Expr::MethodCall(m) => self.method(m),
            Expr::Lit(l) => literal(&l.lit).map(|ty| Hint { ty, module }),
            Expr::Macro(m) if m.mac.path.is_ident("vec") => None,
            _ => None,
        }
    }

    /// Is a call of this one of a function pointer or of a closure behind one? What is generic (`F: Fn()`) is not.
    pub(crate) fn is_called_by_pointer(&self, function: &Expr) -> bool {
        match function {
            Expr::Paren(p) => self.is_called_by_pointer(&p.expr),
            Expr::Group(p) => self.is_called_by_pointer(&p.expr),
            Expr::Path(_) | Expr::Field(_) | Expr::Unary(_) => {
                self.of(function).is_some_and(|hint| self.is_pointer(&hint, 0))
            }
            Expr::Index(_) | Expr::Call(_) | Expr::MethodCall(_) => {
                self.of(function).is_none_or(|hint| self.is_pointer(&hint, 0))
            }
            _ => false,
        }
    }

    fn is_pointer(&self, hint: &Hint, depth: u32) -> bool {
        /// Aliases of aliases are followed so far.
        const DEEPEST: u32 = 8;
        let at = |module, ty: &Type| {
            depth < DEEPEST && self.is_pointer(&Hint { ty: ty.clone(), module }, depth + 1)
        };
        let within = |ty: &Type| at(hint.module, ty);
        match &hint.ty {
            // What never returns is not followed by anything.
            Type::BareFn(f) => {
                !matches!(&f.output, syn::ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
            }
            Type::TraitObject(object) => object.bounds.iter().any(|bound| match bound {
                syn::TypeParamBound::Trait(t) => {
                    let last = t.path.segments.last();
                    last.is_some_and(|s| ["Fn", "FnMut", "FnOnce"].iter().any(|name| s.ident == name))
                }
                _ => false,
            }),
            Type::Reference(r) => within(&r.elem),
            Type::Paren(p) => within(&p.elem),
            Type::Group(g) => within(&g.elem),
            Type::Path(p) if p.qself.is_none() => {
                let scope = Scope { module: hint.module, ..self.scope.clone() };
                if let Some(Def::Alias(module, ty)) = scope.resolve(&p.path) {
                    return at(module, &ty);
                }
                pointed_by(&p.path).is_some_and(within)
            }
            _ => false,
        }
    }

    fn field(&self, base: &Expr, member: &Member) -> Option<Hint> {
        let TypeKey::Local(id) = self.receiver(base)? else { return None };
        let def = &self.world().types[id];
        let name = match member {
            Member::Named(name) => name.to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        };
        let ty = def.fields.get(&name)?;
        let generic = match pointee(ty) {
            Type::Path(p) => p.path.segments.first().map(|s| s.ident.to_string()),
            _ => None,
        };
        let Some(at) = def.parameters.iter().position(|p| generic.as_ref() == Some(p)) else {
            return Some(Hint { ty: ty.clone(), module: def.module });
        };
        // What the impl around has for that parameter.
        let whole = matches!(pointee(ty), Type::Path(p) if p.path.get_ident().is_some());
        let own = whole && is_self(base) && self.scope.self_type == Some(TypeKey::Local(id));
        let argument = self.scope.inside.arguments.get(at).filter(|_| own)?.as_ref()?;
        Some(Hint { ty: argument.clone(), module: self.scope.module })
    }

    fn call(&self, path: &syn::Path) -> Option<Hint> {
        if let Some(Def::Function(id)) = self.scope.resolve(path) {
            let node = &self.world().nodes[id];
            return Some(Hint { ty: concrete(node.output.as_ref()?)?, module: node.module });
        }
        // `Type::function(..)` and `Self::function(..)`.
        let mut prefix = path.clone();
        let name = prefix.segments.pop()?.into_value().ident.to_string();
        prefix.segments.pop_punct();
        let ty = path_type(&prefix);
        let key = self.scope.type_key(&ty);
        let node = self.own_method(&key, &name);
        match node {
            Some(node) => match node.output.as_ref()? {
                Type::Path(p) if p.path.is_ident("Self") => Some(Hint { ty, module: self.scope.module }),
                other => Some(Hint { ty: concrete(other)?, module: node.module }),
            },
            None if ["new", "default", "with_capacity"].contains(&name.as_str()) => {
                matches!(key, TypeKey::Foreign(_)).then(|| Hint { ty, module: self.scope.module })
            }
            None => None,
        }
    }

    /// A method of the type's own impls.
    fn own_method(&self, key: &TypeKey, name: &str) -> Option<&Node> {
        let mut nodes = self.world().named(name).map(|n| &self.world().nodes[n]);
        nodes.find(|n| n.owner == Owner::Type(key.clone()))
    }

    fn method(&self, m: &syn::ExprMethodCall) -> Option<Hint> {
        let name = m.method.to_string();
        let hint = self.of(&m.receiver);
        if let Some(hint) = &hint {
            match name.as_str() {
                "clone" | "as_ref" | "as_mut" | "as_deref" | "as_deref_mut" | "iter" | "iter_mut"
                | "into_iter" | "rev" | "skip" | "take" | "borrow" | "borrow_mut" | "lock"
                    if m.args.len() <= 1 =>
                {
                    return Some(Self::through(hint, &name));
                }
                "unwrap" | "expect" | "first" | "last" | "get" | "get_mut" | "pop" | "remove"
                | "unwrap_or_default" => {
                    return Self::element(hint);
                }
                "len" | "count" => return Some(Hint { ty: syn::parse_quote!(usize), module: hint.module }),
                "to_string" => return Some(Hint { ty: syn::parse_quote!(String), module: hint.module }),
                _ => {}
            }
        }
        let key = self.receiver(&m.receiver)?;
        let node = self.own_method(&key, &name)?;
        Some(Hint { ty: concrete(node.output.as_ref()?)?, module: node.module })
    }

    /// `RefCell<T>::borrow()` is a `T`, `Vec<T>::iter()` still has elements `T`.
    fn through(hint: &Hint, method: &str) -> Hint {
        let cell = matches!(method, "borrow" | "borrow_mut" | "lock");
        match pointee(&hint.ty) {
            Type::Path(p) if cell => {
                let last = p.path.segments.last();
                let inner = last.filter(|s| s.ident == "RefCell" || s.ident == "Mutex");
                let inner = inner.and_then(|s| first_argument(&s.arguments));
                inner.map_or_else(|| hint.clone(), |ty| Hint { ty: ty.clone(), module: hint.module })
            }
            _ => hint.clone(),
        }
    }

    /// What is in a collection, an option, a slice.
    pub(crate) fn element(hint: &Hint) -> Option<Hint> {
        let ty = match pointee(&hint.ty) {
            Type::Array(a) => (*a.elem).clone(),
            Type::Slice(s) => (*s.elem).clone(),
            Type::Path(p) => {
                let last = p.path.segments.last()?;
                let known = [
                    "Vec",
                    "VecDeque",
                    "Option",
                    "Result",
                    "HashSet",
                    "BTreeSet",
                    "LinkedList",
                    "BinaryHeap",
                ];
                if !known.iter().any(|n| last.ident == n) {
                    return None;
                }
                first_argument(&last.arguments)?.clone()
            }
            _ => return None,
        };
        Some(Hint { ty, module: hint.module })
    }

    /// The type of what a `for` loop over `e` binds.
    pub(crate) fn iterated(&self, e: &Expr) -> Option<Hint> {
        match e {
            Expr::Range(_) => Some(Hint { ty: syn::parse_quote!(usize), module: self.scope.module }),
            _ => Self::element(&self.of(e)?),
        }
    }

    /// The type of an initialiser.
    pub(crate) fn initialiser(&self, e: &Expr) -> Option<Hint> {
        if is_self(e) { None } else { self.of(e) }
    }
}

pub(crate) fn is_self(e: &Expr) -> bool {
    self_derefs(e).is_some()
}

/// How many `*` there are before `self`, less `&`.
fn self_derefs(e: &Expr) -> Option<i32> {
    match e {
        Expr::Path(p) => p.path.is_ident("self").then_some(0),
        Expr::Paren(p) => self_derefs(&p.expr),
        Expr::Reference(r) => Some(self_derefs(&r.expr)? - 1),
        Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => Some(self_derefs(&u.expr)? + 1),
        _ => None,
    }
}

/// A type that says the same outside of the impl that it stands in.
fn concrete(ty: &Type) -> Option<Type> {
    let text = ty.to_token_stream().to_string();
    let relative = text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "Self" || w == "impl");
    (!relative).then(|| ty.clone())
}

fn path_type(path: &syn::Path) -> Type {
    Type::Path(syn::TypePath { qself: None, path: path.clone() })
}

fn literal(lit: &syn::Lit) -> Option<Type> {
    Some(match lit {
        syn::Lit::Str(_) => syn::parse_quote!(str),
        syn::Lit::Int(_) => syn::parse_quote!(i64),
        syn::Lit::Float(_) => syn::parse_quote!(f64),
        syn::Lit::Char(_) => syn::parse_quote!(char),
        syn::Lit::Bool(_) => syn::parse_quote!(bool),
        _ => return None,
    })
}
