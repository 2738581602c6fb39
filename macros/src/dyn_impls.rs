//! Impls of a trait for its trait objects, and for those of the traits below it: every method tags the reference and calls
//! the slot.
//!
//! ```text
//! impl Shape for dyn __ShapeObj + '_ {
//!     fn __vt_area(&self, is_concurrent: i64) -> f64 {
//!         let object: &Self = tag!("geometry::Shape::area", self);
//!         <Self as __ShapeObj>::__slot_area(object, is_concurrent)
//!     }
//! }
//! impl Shape for dyn __ShapeObj + Send + '_ {
//!     fn __vt_area(&self, is_concurrent: i64) -> f64 { <dyn __ShapeObj as Shape>::__vt_area(self, is_concurrent) }
//! }
//! ```
//! Auto traits make different types of `dyn`, so there is one impl for each combination. Those with any are coerced to the one without,
//! which changes nothing of the reference, and spares the compiler a mark to read for each.

use crate::attributes;
use crate::conditions::Condition;
use crate::dyn_methods;
use crate::expander::Expander;
use crate::lineage::{self, Ancestor, Place};
use crate::names;
use crate::objects;
use crate::signature::{self, Forward};
use crate::tables;
use crate::world::{Objects, TraitId};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{
    GenericArgument, Generics, Ident, ItemTrait, Lifetime, Path, Signature, TraitItem, Type, parse_quote,
};

/// Writes the impls of `t` for its own objects and for those of the traits below it, and those of the traits above it for its own that have to stand here.
pub(crate) fn write(expander: &Expander<'_>, id: TraitId, t: &ItemTrait) -> TokenStream {
    let world = expander.world;
    let mut all = TokenStream::new();
    for below in 0..world.traits.len() {
        let sub = &world.traits[below];
        let Some(item) = sub.item.as_ref().filter(|_| sub.objects == Objects::Yes) else { continue };
        // The trait itself comes with its types rewritten.
        let item = if below == id { t } else { item };
        for ancestor in lineage::of(world, below).iter().filter(|a| a.id == id) {
            if let Some(Place::Above(way)) = lineage::place(world, id, below) {
                all.extend(for_objects(expander, t, below, item, ancestor, &way));
            }
        }
    }
    for ancestor in lineage::of(world, id) {
        let above = world.traits[ancestor.id].item.as_ref();
        if let (Some(above), Some(Place::Below)) = (above, lineage::place(world, ancestor.id, id)) {
            let above = expander.with_its_types(above, world.traits[ancestor.id].module);
            all.extend(for_objects(expander, &above, id, t, &ancestor, &quote!()));
        }
    }
    all
}

/// `dyn __SubObj<A, Out = __Out>` and what an impl for it needs.
struct Object {
    generics: Generics,
    path: Path,
    lifetime: Lifetime,
    /// Associated types that the trait object leaves open, and the parameters that stand for them.
    open: Vec<(Ident, Ident)>,
}

impl Object {
    fn new(expander: &Expander<'_>, below: TraitId, sub: &ItemTrait, way: &TokenStream) -> Self {
        let mut generics = tables::without_defaults(&sub.generics);
        let (_, arguments, _) = generics.split_for_impl();
        let name = names::object(&sub.ident);
        let world = expander.world;
        let mut path: Path = parse_quote!(#way #name #arguments);
        let mut open = vec![];
        for (ty, bounds) in lineage::open_types(world, below) {
            let parameter = format_ident!("__{}", ty);
            generics.params.push(parse_quote!(#parameter: #bounds));
            add_argument(&mut path, parse_quote!(#ty = #parameter));
            open.push((ty, parameter));
        }
        let lifetime = lineage::lifetime(world, below);
        if lifetime.ident != "_" {
            // A trait object lives no longer than the types that it names.
            for parameter in generics.type_params_mut() {
                parameter.bounds.push(parse_quote!(#lifetime));
            }
        }
        Self { generics, path, lifetime, open }
    }
}

fn add_argument(path: &mut Path, argument: GenericArgument) {
    let Some(last) = path.segments.last_mut() else { return };
    match &mut last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => arguments.args.push(argument),
        other => *other = syn::PathArguments::AngleBracketed(parse_quote!(<#argument>)),
    }
}

fn for_objects(
    expander: &Expander<'_>,
    t: &ItemTrait,
    below: TraitId,
    sub: &ItemTrait,
    ancestor: &Ancestor,
    way: &TokenStream,
) -> TokenStream {
    let object = Object::new(expander, below, sub, way);
    let own = dyn_methods::write(expander, t, below, ancestor);
    let own = (!own.is_empty()).then_some(own).into_iter();
    let (name, unsafety, allow) = (&t.ident, &t.unsafety, attributes::generated_allow());
    let (arguments, generated) = (ancestor.arguments(), attributes::generated());
    let (generics, _, clause) = object.generics.split_for_impl();
    let (path, lifetime) = (&object.path, &object.lifetime);
    let condition = expander.world.condition(ancestor.id).and(&expander.world.condition(below)).attribute();
    let is_dyn = names::dyn_elsewhere();
    let shared = shared(t, ancestor, &object);
    let tagging = each_slot(t, ancestor, |sig| dispatcher(expander, &t.ident, sig, ancestor));
    let forwarding = each_slot(t, ancestor, |sig| coerced(&t.ident, sig, ancestor, path));
    // By their paths: a module may have traits of these names.
    let (send, sync) = (quote!(+ ::core::marker::Send), quote!(+ ::core::marker::Sync));
    [quote!(), send.clone(), sync.clone(), quote!(#send #sync)]
        .into_iter()
        .map(|auto| {
            let own = own.clone();
            let methods = if auto.is_empty() { &tagging } else { &forwarding };
            quote! {
                #condition
                #allow
                #unsafety impl #generics #name #arguments for dyn #path #auto + #lifetime #clause {
                    const #is_dyn: bool = true;
                    #shared
                    #methods
                }
                #(
                    #condition
                    #generated
                    impl #generics dyn #path #auto + #lifetime #clause { #own }
                )*
            }
        })
        .collect()
}

/// What is the same for all combinations of auto traits: types, and methods that stay ordinary.
fn shared(t: &ItemTrait, ancestor: &Ancestor, object: &Object) -> TokenStream {
    let mut body = TokenStream::new();
    for item in &t.items {
        if let TraitItem::Type(ty) = item {
            let name = &ty.ident;
            let value: TokenStream = match ancestor.bindings.iter().find(|(bound, _)| bound == name) {
                Some((_, value)) => value.to_token_stream(),
                None => match object.open.iter().find(|(open, _)| open == name) {
                    Some((_, parameter)) => parameter.to_token_stream(),
                    None => continue,
                },
            };
            body.extend(quote!(type #name = #value;));
        }
    }
    for f in tables::plain_slots(t) {
        let sig = ancestor.substitute(&f.sig);
        let forward = Forward::new(&sig);
        let head = signature::head(&sig, &sig.ident, &forward.inputs, false);
        let (of, arguments, slot) = (names::object(&t.ident), ancestor.arguments(), names::slot(&sig.ident));
        let call = forward.call_without_word(&quote!(<Self as #of #arguments>::#slot), &sig);
        let condition = Condition::of(&f.attrs).attribute();
        body.extend(quote!(#condition #head { #call }));
    }
    body
}

/// `write` for every method with a slot, in the words of the trait below.
fn each_slot(t: &ItemTrait, ancestor: &Ancestor, write: impl Fn(&Signature) -> TokenStream) -> TokenStream {
    let slots = objects::slots(t);
    let each = slots.iter().map(|f| {
        let (method, condition) = (write(&ancestor.substitute(&f.sig)), Condition::of(&f.attrs).attribute());
        quote!(#condition #[inline] #method)
    });
    each.collect()
}

/// The body that a trait object with auto traits has for a method: that of the one without.
fn coerced(t: &Ident, sig: &Signature, ancestor: &Ancestor, object: &Path) -> TokenStream {
    let (forward, body, arguments) = (Forward::new(sig), names::body(&sig.ident), ancestor.arguments());
    let head = signature::head(sig, &body, &forward.with_word(), false);
    let word = names::flag();
    let call = forward.call(&quote!(<dyn #object as #t #arguments>::#body), &quote!(#word), sig);
    quote!(#head { #call })
}

/// The body that a trait object has for a method.
fn dispatcher(expander: &Expander<'_>, t: &Ident, sig: &Signature, ancestor: &Ancestor) -> TokenStream {
    let (private, word, arguments) = (&expander.private, names::flag(), ancestor.arguments());
    let forward = Forward::new(sig);
    let head = signature::head(sig, &names::body(&sig.ident), &forward.with_word(), false);
    let (of, slot, marker) = (names::object(t), names::slot(&sig.ident), tables::marker(t, &sig.ident));
    let receiver: Option<&Type> = forward.receiver.as_ref().map(|r| &*r.ty);
    let this = forward.receiver.as_ref().map(|r| &r.self_token);
    let (tagged, names) = (Ident::new("object", Span::mixed_site()), &forward.arguments);
    let call = quote!(<Self as #of #arguments>::#slot(#tagged, #word #(, #names)*));
    // SAFETY: `head` is unsafe as well; its caller's promise is the slot's, which has the arguments as they came.
    let call = if sig.unsafety.is_some() { quote!(unsafe { #call }) } else { call };
    quote! {
        #head {
            let #tagged: #receiver = #private::tag!(#marker, #this);
            #call
        }
    }
}
