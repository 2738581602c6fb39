//! First pass: names, types, traits and functions of what is expanded. Each is marked with its number.

use crate::attributes::{self, Marker};
use crate::choose;
use crate::diagnostics::Problems;
use crate::objects;
use crate::options::{On, Options};
use crate::place;
use crate::world::{
    Def, Mentions, Method, Mode, Module, ModuleId, Node, Objects, Owner, Trait, TraitId, World,
};
use functions::Functions;
use names::Names;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{HashMap, HashSet};
use syn::{Attribute, Block, FnArg, Item, Signature, Stmt, Type};

pub(crate) mod complete;
mod functions;
mod names;

/// Looks at `items`, the whole of what is expanded: those of the module `root`, or a single one.
pub(crate) fn scan(
    items: &mut [Item],
    options: &Options,
    root: Option<&syn::Ident>,
    problems: &mut Problems,
) -> World {
    let (single, name) = (root.is_none(), root.map(ToString::to_string));
    let mut world = World { single, root: name, file: place::of_file(), ..World::default() };
    world.modules.push(Module::default());
    Names { world: &mut world, module: 0, problems }.items(items);
    import_names(&mut world, options);
    let mut functions = Functions { world: &mut world, module: 0, problems };
    functions.items(items);
    let mut words = Words::default();
    for item in &*items {
        words.read(quote::ToTokens::to_token_stream(item));
    }
    world.used_as_dyn = words.after_dyn;
    world.mentions = words.mentions;
    world.sees_all = root.is_some() && !words.elsewhere;
    objects::decide(&mut world);
    find_ambiguous(&mut world);
    world
}

/// `names(..)` on the attribute itself.
fn import_names(world: &mut World, options: &Options) {
    for name in &options.names {
        if crate::names::is_function_like(name) {
            world.imported_methods.insert(name.to_string());
            world.define(0, name, Def::ImportedFunction, &[]);
        } else {
            let id = external_trait(world, 0, name);
            world.define(0, name, Def::Trait(id), &[]);
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

/// What the function itself says about how it is treated.
pub(crate) fn own_mode(sig: &Signature, attrs: &[Attribute]) -> Mode {
    if attrs.iter().any(attributes::is_plain) || sig.constness.is_some() {
        Mode::Plain
    } else if attributes::has_own_callers(attrs) {
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
    world.add(Node {
        name: sig.ident.to_string(),
        owner,
        mode,
        has_self: sig.receiver().is_some(),
        arity: arity(sig),
        output: output(sig),
        module,
        forced,
    })
}

/// The name of a parameter `T: ?Sized` that a trait is implemented for.
pub(crate) const UNSIZED: &str = "?Sized";

/// What the text itself says, macros and all.
#[derive(Default)]
struct Words {
    /// Names after `dyn`, and of supertraits.
    after_dyn: HashSet<String>,
    mentions: HashMap<String, Mentions>,
    /// Whether some of it stands in another file: `mod name;`, `include!`.
    elsewhere: bool,
    /// The functions around.
    inside: Vec<String>,
}

impl Words {
    fn read(&mut self, tokens: TokenStream) {
        let mut after_dyn = false;
        // The last two tokens, as far as they are words, and the function whose body comes.
        let (mut before, mut last, mut function) = (None, None, None);
        for token in tokens {
            let mut word = None;
            match token {
                TokenTree::Ident(i) => {
                    let name = i.to_string();
                    self.elsewhere |= name == "include";
                    if name == "dyn" || name == "trait" {
                        after_dyn = true;
                    } else if after_dyn {
                        self.after_dyn.insert(name.clone());
                    }
                    if last.as_deref() == Some("fn") {
                        function = Some(name.clone());
                    }
                    let mentions = self.mentions.entry(name.clone()).or_default();
                    mentions.all += 1;
                    mentions.within += usize::from(self.inside.contains(&name));
                    word = Some(name);
                }
                TokenTree::Punct(p) => {
                    after_dyn &= [':', '+'].contains(&p.as_char());
                    if p.as_char() == ';' {
                        self.elsewhere |= before.as_deref() == Some("mod");
                        function = None;
                    }
                }
                TokenTree::Group(g) => {
                    after_dyn = false;
                    let body = function.take_if(|_| g.delimiter() == Delimiter::Brace);
                    let depth = self.inside.len();
                    self.inside.extend(body);
                    self.read(g.stream());
                    self.inside.truncate(depth);
                }
                TokenTree::Literal(_) => after_dyn = false,
            }
            before = std::mem::replace(&mut last, word);
        }
    }
}

/// Method names that things of two kinds have: a call on an unknown receiver stays as it is.
fn find_ambiguous(world: &mut World) {
    let plain: HashSet<String> = world
        .nodes
        .iter()
        .filter(|n| n.mode != Mode::Vthread && n.has_self)
        .map(|n| n.name.clone())
        .collect();
    // A type from elsewhere may have a method of its own beside that of the trait.
    let beside = world.impls.iter().flat_map(|(key, of)| {
        world.traits[*of].methods.keys().filter(|name| choose::may_have_own(key, name)).cloned()
    });
    let written = world.written_methods.iter().cloned();
    world.ambiguous = plain.into_iter().chain(beside).chain(written).collect();
}
