//! Items: every one goes in as it is written and comes out as tokens. It runs twice: first to see which calls there are,
//! then, with the plan that breaks their cycles, to write.

use crate::attributes::{self, Marker};
use crate::choose::Leads;
use crate::diagnostics::Problems;
use crate::functions::{self, Function};
use crate::graph::{Calls, Plan};
use crate::guesses::Guesses;
use crate::lineage;
use crate::macro_impls;
use crate::names;
use crate::objects::{self, DynTypes};
use crate::options::{On, Options};
use crate::resolve::Scope;
use crate::rewrite;
use crate::signature;
use crate::traits;
use crate::uses;
use crate::world::{Mode, ModuleId, NodeId, TypeKey, World};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use std::cell::RefCell;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Ident, ImplItem, Item, ItemFn, ItemImpl, ItemMod, ItemTrait, TraitItem};

/// What the passes share.
pub(crate) struct Expander<'w> {
    pub(crate) world: &'w World,
    pub(crate) plan: Plan,
    /// The second run: what nobody calls from is left out of the first.
    pub(crate) writes: bool,
    /// Path of the runtime's hidden API.
    pub(crate) private: TokenStream,
    /// `#[vthread]` for what the macros of a module write.
    attribute: TokenStream,
    pub(crate) problems: RefCell<Problems>,
    calls: RefCell<Calls>,
    guesses: RefCell<Guesses>,
    /// Wrappers refuse to link without a proved bound: everywhere.
    exact: bool,
}

impl<'w> Expander<'w> {
    pub(crate) fn new(world: &'w World, options: &Options) -> Self {
        Self {
            world,
            plan: Plan::default(),
            writes: false,
            private: options.private(),
            attribute: options.attribute(),
            problems: RefCell::default(),
            calls: RefCell::default(),
            guesses: RefCell::default(),
            exact: options.exact,
        }
    }

    /// Writes all of it.
    pub(crate) fn run(mut self, items: &[Item]) -> (TokenStream, Problems) {
        let write = |this: &Self| -> TokenStream { items.iter().map(|i| this.item(i.clone(), 0)).collect() };
        write(&self);
        self.plan = Plan::new(self.world, &self.calls.borrow());
        self.writes = true;
        self.problems.take();
        self.guesses.take();
        let mut tokens = write(&self);
        tokens.extend(self.explained(0));
        (tokens, self.problems.into_inner())
    }

    /// Notes a call.
    pub(crate) fn call(&self, from: NodeId, to: NodeId, passes_word: bool, leads: Leads) {
        self.calls.borrow_mut().add(from, to, passes_word, leads);
    }

    /// Notes a call of a method that may be this one, by its name.
    pub(crate) fn guessed_call(&self, from: NodeId, to: NodeId, leads: Leads) {
        self.calls.borrow_mut().guess(from, to, leads);
    }

    /// Notes a method call that passes the word on although its receiver's type is not known.
    pub(crate) fn guess(&self, module: ModuleId, method: &Ident, target: &Ident) {
        self.guesses.borrow_mut().add(self.world.real_module(module), method, target);
    }

    /// What stands in a module so that the compiler explains calls there that were guessed wrong. Single items may have
    /// neighbours with the same names.
    fn explained(&self, module: ModuleId) -> TokenStream {
        if self.world.single { TokenStream::new() } else { self.guesses.borrow().explain(module) }
    }

    pub(crate) fn wraps(&self, from: NodeId, to: NodeId) -> bool {
        self.plan.wraps(self.world, from, to)
    }

    pub(crate) fn problem(&self, span: Span, message: &str) {
        self.problems.borrow_mut().at(span, message);
    }

    /// What takes a chunk must be proved, because the user asks for it.
    pub(crate) fn is_exact(&self, attributes: &[Attribute]) -> bool {
        let options = attributes::inner_options(attributes, On::Function).ok().flatten().unwrap_or_default();
        self.exact || options.exact
    }

    /// The function that takes a chunk.
    pub(crate) fn on_chunk(&self, attributes: &[Attribute]) -> TokenStream {
        let private = &self.private;
        let name = if self.is_exact(attributes) { "on_chunk_exact" } else { "on_chunk" };
        let name = Ident::new(name, Span::call_site());
        quote!(#private::#name)
    }

    /// One item of `module`.
    pub(crate) fn item(&self, item: Item, module: ModuleId) -> TokenStream {
        match item {
            Item::Fn(f) => self.free_function(f, module),
            Item::Mod(m) => self.module(m, module),
            Item::Impl(i) => self.item_impl(i, module),
            Item::Trait(t) => self.item_trait(t, module),
            Item::Use(u) => uses::write(self, u, module),
            other => self.other(other, module),
        }
    }

    /// An item without bodies that could call anything: only its types are rewritten.
    fn other(&self, mut item: Item, module: ModuleId) -> TokenStream {
        let scope = Scope::new(self.world, module);
        if let Some(attributes) = item_attributes(&mut item)
            && let Some(ours) = attributes.iter().find(|a| attributes::is_vthread(a))
        {
            self.problems.borrow_mut().add(syn::Error::new_spanned(ours, crate::expand::WHERE));
            attributes.retain(|a| !attributes::is_ours(a));
        }
        self.dyn_types(&scope).visit_item_mut(&mut item);
        if let Item::Macro(m) = &mut item
            && m.ident.is_some()
        {
            let tokens = std::mem::take(&mut m.mac.tokens);
            m.mac.tokens =
                macro_impls::annotate(&scope, &self.attribute, tokens, &mut self.problems.borrow_mut());
        }
        item.into_token_stream()
    }

    fn dyn_types<'a>(&'a self, scope: &'a Scope<'w>) -> ItemTypes<'a, 'w> {
        ItemTypes { expander: self, scope }
    }

    fn module(&self, mut m: ItemMod, outer: ModuleId) -> TokenStream {
        if attributes::take_plain(&mut m.attrs) {
            return m.into_token_stream();
        }
        if let Err(e) = attributes::inner_options(&m.attrs, On::Other) {
            self.problems.borrow_mut().add(e);
        }
        let id = Marker::Module.read(&m.attrs);
        let (Some(id), Some((_, items))) = (id, m.content.take()) else {
            return self.other(Item::Mod(m), outer);
        };
        let mut items: TokenStream = items.into_iter().map(|i| self.item(i, id)).collect();
        items.extend(self.explained(id));
        items.extend(lineage::passages(self.world, id));
        let ItemMod { attrs, vis, unsafety, mod_token, ident, .. } = &m;
        let attrs = attrs.iter().filter(|a| !attributes::is_ours(a));
        quote!(#(#attrs)* #vis #unsafety #mod_token #ident { #items })
    }

    fn free_function(&self, mut f: ItemFn, module: ModuleId) -> TokenStream {
        let node = World::node_of(&f.attrs);
        let scope = Scope::new(self.world, module).with_generics(&f.sig.generics);
        self.dyn_types(&scope).visit_signature_mut(&mut f.sig);
        match self.mode(node) {
            Mode::Vthread => {
                let (vis, this) = (f.vis.to_token_stream(), TokenStream::new());
                let function = Function { attrs: &f.attrs, vis, sig: &f.sig, node, this };
                functions::write(self, &function, &mut f.block, scope, functions::Kind::Free)
            }
            mode => {
                rewrite::body(self, node, mode, scope, &f.sig, &mut f.block);
                self.chunk_if_asked_for(node, &f.attrs, &f.sig, &mut f.block);
                f.attrs.retain(|a| !attributes::is_ours(a));
                f.into_token_stream()
            }
        }
    }

    /// `#[vthread(recursive)]` on a function that others call: its body takes a chunk.
    fn chunk_if_asked_for(
        &self,
        node: Option<NodeId>,
        attrs: &[Attribute],
        sig: &syn::Signature,
        block: &mut syn::Block,
    ) {
        let Some(node) = node.map(|n| &self.world.nodes[n]).filter(|node| node.forced) else { return };
        if node.mode == Mode::Plain {
            self.problem(
                sig.ident.span(),
                "#[vthread(recursive)] does nothing on a function that is left as it is written: take away `#[plain]` or `const`",
            );
        } else {
            let body =
                functions::take_chunk(&self.on_chunk(attrs), &quote!(#block), signature::diverges(sig));
            let private = &self.private;
            *block = syn::parse_quote!({ #private::with_room(move || #body) });
        }
    }

    pub(crate) fn mode(&self, node: Option<NodeId>) -> Mode {
        node.map_or(Mode::Fixed, |n| self.world.nodes[n].mode)
    }

    fn item_impl(&self, mut i: ItemImpl, module: ModuleId) -> TokenStream {
        let mut scope = Scope::new(self.world, module).with_generics(&i.generics);
        let key = scope.type_key(&i.self_ty);
        let of = Marker::Trait.read(&i.attrs);
        if let (TypeKey::Parameter(name), Some(of)) = (&key, of) {
            scope.parameters.entry(name.clone()).or_default().extend(self.world.with_supers(of));
        }
        scope.enter(&i.self_ty);
        let kind = match of {
            _ if i.trait_.is_none() => functions::Kind::Inherent,
            Some(id) => functions::Kind::Implemented { external: self.world.traits[id].item.is_none() },
            None => functions::Kind::Inherent,
        };
        let mut body = TokenStream::new();
        let items = std::mem::take(&mut i.items);
        {
            let mut types = self.dyn_types(&scope);
            types.visit_type_mut(&mut i.self_ty);
            types.visit_generics_mut(&mut i.generics);
            if let Some((_, path, _)) = &mut i.trait_ {
                types.visit_path_mut(path);
            }
        }
        let this = i.trait_.as_ref().map_or_else(|| quote!(Self::), |(_, path, _)| quote!(<Self as #path>::));
        for item in items {
            body.extend(self.impl_item(item, &this, &scope, kind));
        }
        if of.is_some() && i.trait_.is_some() {
            body.extend(traits::annotated(true));
        }
        let ItemImpl { attrs, defaultness, unsafety, impl_token, generics, trait_, self_ty, .. } = &i;
        let attrs = attrs.iter().filter(|a| !attributes::is_ours(a));
        let clause = &generics.where_clause;
        let of = trait_.as_ref().map(|(not, path, token)| quote!(#not #path #token));
        quote!(#(#attrs)* #defaultness #unsafety #impl_token #generics #of #self_ty #clause { #body })
    }

    fn impl_item(
        &self,
        item: ImplItem,
        this: &TokenStream,
        scope: &Scope<'w>,
        kind: functions::Kind,
    ) -> TokenStream {
        let ImplItem::Fn(mut f) = item else {
            let mut item = item;
            self.dyn_types(scope).visit_impl_item_mut(&mut item);
            return item.into_token_stream();
        };
        let node = World::node_of(&f.attrs);
        self.dyn_types(scope).visit_signature_mut(&mut f.sig);
        let scope = scope.clone();
        match self.mode(node) {
            Mode::Vthread => {
                let (vis, this) = (f.vis.to_token_stream(), this.clone());
                let function = Function { attrs: &f.attrs, vis, sig: &f.sig, node, this };
                functions::write(self, &function, &mut f.block, scope, kind)
            }
            mode => {
                rewrite::body(self, node, mode, scope, &f.sig, &mut f.block);
                self.chunk_if_asked_for(node, &f.attrs, &f.sig, &mut f.block);
                f.attrs.retain(|a| !attributes::is_ours(a));
                f.into_token_stream()
            }
        }
    }

    fn item_trait(&self, mut t: ItemTrait, module: ModuleId) -> TokenStream {
        let mut scope = Scope::new(self.world, module).with_generics(&t.generics);
        let id = Marker::Trait.read(&t.attrs);
        scope.self_trait = id;
        scope.self_type = Some(TypeKey::Parameter("Self".into()));
        let traits = id.map(|id| self.world.with_supers(id)).unwrap_or_default();
        scope.parameters.insert("Self".into(), traits);
        self.rewrite_types(&mut t, &scope);
        match id {
            Some(id) => traits::write(self, id, &t, &scope),
            None => self.plain_trait(t, &scope),
        }
    }

    /// Rewrites the types in a trait, but for its bodies.
    fn rewrite_types(&self, t: &mut ItemTrait, scope: &Scope<'w>) {
        let mut types = self.dyn_types(scope);
        let items = std::mem::take(&mut t.items);
        types.visit_item_trait_mut(t);
        t.items = items;
        for item in &mut t.items {
            match item {
                TraitItem::Fn(f) => types.visit_signature_mut(&mut f.sig),
                other => types.visit_trait_item_mut(other),
            }
        }
    }

    /// A trait of `module` with its types rewritten.
    pub(crate) fn with_its_types(&self, t: &ItemTrait, module: ModuleId) -> ItemTrait {
        let mut t = t.clone();
        let scope = Scope::new(self.world, module).with_generics(&t.generics);
        self.rewrite_types(&mut t, &scope);
        t
    }

    fn plain_trait(&self, mut t: ItemTrait, scope: &Scope<'w>) -> TokenStream {
        for item in &mut t.items {
            if let TraitItem::Fn(f) = item
                && let Some(block) = &mut f.default
            {
                rewrite::body(self, None, Mode::Fixed, scope.clone(), &f.sig, block);
            }
        }
        t.attrs.retain(|a| !attributes::is_ours(a));
        t.into_token_stream()
    }

    /// The object trait at the path of a trait, if it has one.
    pub(crate) fn has_objects(&self, id: crate::world::TraitId) -> bool {
        self.world.traits[id].objects == crate::world::Objects::Yes
    }

    /// The name of a function's wrapper, if it has one, else of its body.
    pub(crate) fn shim_target(&self, node: Option<NodeId>, name: &Ident) -> Ident {
        match node {
            Some(n) if self.plan.shim_wraps(self.world, n) => names::wrapper(name),
            _ => names::body(name),
        }
    }
}

/// Rewrites the trait objects in an item, and lets bodies alone.
struct ItemTypes<'a, 'w> {
    expander: &'a Expander<'w>,
    scope: &'a Scope<'w>,
}

impl VisitMut for ItemTypes<'_, '_> {
    fn visit_type_mut(&mut self, ty: &mut syn::Type) {
        let mut problems = self.expander.problems.borrow_mut();
        DynTypes { scope: self.scope, problems: &mut problems }.one(ty);
        drop(problems);
        syn::visit_mut::visit_type_mut(self, ty);
    }

    fn visit_macro_mut(&mut self, m: &mut syn::Macro) {
        m.tokens = objects::dyn_tokens(self.scope, std::mem::take(&mut m.tokens));
    }

    fn visit_block_mut(&mut self, _: &mut syn::Block) {}
}

fn item_attributes(item: &mut Item) -> Option<&mut Vec<Attribute>> {
    Some(match item {
        Item::Struct(i) => &mut i.attrs,
        Item::Enum(i) => &mut i.attrs,
        Item::Union(i) => &mut i.attrs,
        Item::Const(i) => &mut i.attrs,
        Item::Static(i) => &mut i.attrs,
        Item::Type(i) => &mut i.attrs,
        Item::Mod(i) => &mut i.attrs,
        Item::Macro(i) => &mut i.attrs,
        Item::ForeignMod(i) => &mut i.attrs,
        Item::ExternCrate(i) => &mut i.attrs,
        Item::TraitAlias(i) => &mut i.attrs,
        _ => return None,
    })
}
