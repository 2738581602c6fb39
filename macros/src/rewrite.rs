//! Bodies: calls of vthread functions pass the context word on, `dyn` types become object types, closures read the word
//! again.
//!
//! ```text
//! walk(tree, 3)            __vt_walk(is_concurrent, tree, 3)
//! shape.area()             shape.__vt_area(is_concurrent)
//! walk(left, 3)  (closes   __rec_walk(is_concurrent, left, 3)
//!                a cycle)
//! |s| s.area()             |s| { let is_concurrent = current_here(); s.__vt_area(is_concurrent) }
//! ```

mod calls;
mod pointers;

use crate::choose::Leads;
use crate::expander::Expander;
use crate::hints::{Hint, Locals, Reader};
use crate::names;
use crate::objects::{self, DynTypes};
use crate::own_macros::OwnMacro;
use crate::resolve::Scope;
use crate::scan;
use crate::std_macros::{self, Argument};
use crate::tokens;
use crate::world::{Mode, NodeId};
use proc_macro2::TokenStream;
use quote::quote;
use std::collections::HashSet;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Expr, ExprClosure, Item, Local, Macro, Pat, Signature, Stmt, Type, parse_quote};

/// Rewrites one body.
pub(crate) struct Rewriter<'a, 'w> {
    expander: &'a Expander<'w>,
    node: Option<NodeId>,
    scope: Scope<'w>,
    locals: Locals,
    /// So far.
    needs: Needs,
    /// The word is known here: outside of closures, in a body that is compiled for each.
    known: bool,
    in_closure: bool,
    mode: Mode,
}

/// What a rewritten body needs to know.
#[derive(Clone, Copy, Default)]
pub(crate) struct Needs {
    /// The context word.
    pub(crate) word: bool,
    /// Where it runs, for what may ask: a closure, a call of what is in here by its ordinary name, a macro that may have one of these.
    pub(crate) place: bool,
    /// It calls vthread code, in a closure perhaps.
    pub(crate) calls: bool,
}

/// Rewrites the body of `node` and says what it needs.
pub(crate) fn body(
    expander: &Expander<'_>,
    node: Option<NodeId>,
    mode: Mode,
    scope: Scope<'_>,
    sig: &Signature,
    block: &mut Block,
) -> Needs {
    let mut rewriter = Rewriter {
        expander,
        node,
        scope: Scope { world: expander.world, ..scope }.with_generics(&sig.generics),
        locals: Locals::default(),
        needs: Needs::default(),
        known: mode == Mode::Vthread && node.is_some_and(|n| expander.plan.knows_word(expander.world, n)),
        in_closure: false,
        mode,
    };
    rewriter.locals.open();
    rewriter.locals.bind_inputs(sig, rewriter.scope.module);
    rewriter.visit_block_mut(block);
    if mode == Mode::Fixed {
        let private = &expander.private;
        let mark = rewriter.needs.calls.then(|| quote!(#private::by_others!();));
        let read = rewriter.needs.word.then(|| rewriter.read_word());
        let first = mark.into_iter().chain(read).map(|statement| -> Stmt { parse_quote!(#statement) });
        block.stmts.splice(..0, first);
    }
    rewriter.needs
}

impl<'w> Rewriter<'_, 'w> {
    /// `let is_concurrent = current_here();`
    fn read_word(&self) -> TokenStream {
        let (word, private) = (names::flag(), &self.expander.private);
        quote!(let #word: i64 = #private::current_here!();)
    }

    fn hint(&self) -> Reader<'_> {
        Reader { scope: &self.scope, locals: &self.locals }
    }

    fn within<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        self.locals.open();
        let result = f(self);
        self.locals.close();
        result
    }

    fn bind(&mut self, pattern: &Pat, hint: Option<Hint>) {
        self.locals.bind(pattern, hint, self.scope.module);
    }

    fn closure(&mut self, c: &mut ExprClosure) {
        if let Some(token) = &c.asyncness {
            self.expander.problem(token.span, ASYNC);
        }
        self.needs.place = true;
        let outer = std::mem::replace(&mut self.needs.word, false);
        let known = std::mem::replace(&mut self.known, false);
        let in_closure = std::mem::replace(&mut self.in_closure, true);
        self.within(|this| {
            let inputs: Vec<Pat> = c.inputs.iter().cloned().collect();
            c.inputs.iter_mut().for_each(|p| this.visit_pat_mut(p));
            for input in &inputs {
                this.bind(input, None);
            }
            this.visit_return_type_mut(&mut c.output);
            this.visit_expr_mut(&mut c.body);
        });
        if self.needs.word {
            let (read, body) = (self.read_word(), &c.body);
            // The braces are where the user's are, or the body: messages about the closure point from its beginning to there.
            let (mut block, brace): (syn::ExprBlock, _) = match &**body {
                Expr::Block(b) if b.label.is_none() && b.attrs.is_empty() => {
                    let statements = &b.block.stmts;
                    (parse_quote!({ #read #(#statements)* }), b.block.brace_token)
                }
                body => (parse_quote!({ #read #body }), syn::token::Brace(body.span())),
            };
            block.block.brace_token = brace;
            *c.body = Expr::Block(block);
        }
        self.needs.word = outer;
        self.known = known;
        self.in_closure = in_closure;
    }

    /// A macro whose tokens are not parsed may call everything that it names.
    fn opaque(&mut self, m: &mut Macro) {
        m.tokens = objects::dyn_tokens(&self.scope, std::mem::take(&mut m.tokens));
        let names = tokens::words(m.tokens.clone());
        self.needs.place = true;
        self.may_call(&names);
        let Some(from) = self.node else { return };
        for (id, node) in self.scope.world.nodes.iter().enumerate() {
            if names.contains(&node.name) {
                self.expander.call(from, id, false, Leads::Anywhere);
            }
        }
    }

    /// Notes that what has these words may call what they name, by ordinary names.
    fn may_call(&mut self, names: &HashSet<String>) {
        let world = self.scope.world;
        for node in names.iter().flat_map(|name| world.named(name)) {
            self.needs.place = true;
            self.needs.calls |= world.nodes[node].mode == Mode::Vthread;
        }
    }

    fn own_macro(&self, m: &Macro) -> Option<&'w OwnMacro> {
        m.path.get_ident().and_then(|name| self.scope.own_macro(&name.to_string()))
    }

    fn statement(&mut self, statement: &mut Stmt) {
        match statement {
            Stmt::Item(item) => {
                let taken = std::mem::replace(item, Item::Verbatim(TokenStream::new()));
                *item = Item::Verbatim(self.expander.item(taken, self.scope.module));
            }
            Stmt::Macro(m) => {
                self.visit_macro_mut(&mut m.mac);
                if !is_std_macro(&m.mac) && !self.own_macro(&m.mac).is_some_and(|own| own.takes_values) {
                    self.locals.bind_tokens(m.mac.tokens.clone());
                }
            }
            other => self.visit_stmt_mut(other),
        }
    }
}

const ASYNC: &str =
    "#[vthread] cannot take `async` code: a virtual thread waits like ordinary code; spawn one instead";

impl VisitMut for Rewriter<'_, '_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        let mut problems = self.expander.problems.borrow_mut();
        DynTypes { scope: &self.scope, problems: &mut problems }.one(ty);
        drop(problems);
        visit_mut::visit_type_mut(self, ty);
    }

    /// The length is a constant, which calls no vthread function.
    fn visit_type_array_mut(&mut self, array: &mut syn::TypeArray) {
        self.visit_type_mut(&mut array.elem);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let module = scan::take_block_marker(block);
        let outer = self.scope.module;
        if let Some(module) = module {
            self.scope.module = module;
        }
        self.within(|this| block.stmts.iter_mut().for_each(|s| this.statement(s)));
        self.scope.module = outer;
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        let hint = local.init.as_ref().and_then(|init| self.hint().initialiser(&init.expr));
        // A hint for a pattern that takes things apart says nothing about the parts.
        let hint = hint.filter(|_| local.init.as_ref().is_some_and(|i| i.diverge.is_none()));
        let pattern = local.pat.clone();
        visit_mut::visit_local_mut(self, local);
        self.bind(&pattern, hint);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_mut(&mut self, e: &mut Expr) {
        match e {
            Expr::MethodCall(m) => self.method_call(m),
            Expr::Call(c) => {
                let by_pointer = self.mode != Mode::Plain && self.hint().is_called_by_pointer(&c.func);
                self.call(c);
                if by_pointer {
                    *e = pointers::with_room(c, &self.expander.private);
                }
            }
            Expr::Closure(c) => self.closure(c),
            Expr::Path(path) => {
                self.value(path);
                visit_mut::visit_expr_path_mut(self, path);
            }
            Expr::Async(a) => {
                self.expander.problem(a.async_token.span, ASYNC);
            }
            // Constants are made by the compiler; nothing in them takes the context word.
            Expr::Const(_) => {}
            Expr::Repeat(r) => self.visit_expr_mut(&mut r.expr),
            Expr::Let(l) => {
                self.visit_expr_mut(&mut l.expr);
                let pattern = (*l.pat).clone();
                self.visit_pat_mut(&mut l.pat);
                // Bound to the end of the block around, which is longer than it lives: a name that is taken for a variable
                // is left alone.
                self.bind(&pattern, None);
            }
            Expr::ForLoop(f) => {
                let hint = self.hint().iterated(&f.expr);
                self.visit_expr_mut(&mut f.expr);
                self.within(|this| {
                    this.bind(&f.pat.clone(), hint);
                    this.visit_pat_mut(&mut f.pat);
                    this.visit_block_mut(&mut f.body);
                });
            }
            Expr::Match(m) => {
                self.visit_expr_mut(&mut m.expr);
                for arm in &mut m.arms {
                    self.within(|this| {
                        this.bind(&arm.pat.clone(), None);
                        this.visit_arm_mut(arm);
                    });
                }
            }
            other => visit_mut::visit_expr_mut(self, other),
        }
    }

    fn visit_attributes_mut(&mut self, _: &mut Vec<Attribute>) {}

    fn visit_macro_mut(&mut self, m: &mut Macro) {
        let known = match self.own_macro(m) {
            Some(own) => {
                // If it takes values alone, it writes no closure.
                self.may_call(&own.words);
                own.takes_values && std_macros::visit_values(m, |e| self.visit_expr_mut(e))
            }
            None => std_macros::visit_arguments(m, |argument| match argument {
                Argument::Value(e) => self.visit_expr_mut(e),
                Argument::Pattern(p) => self.bind(p, None),
            }),
        };
        if !known {
            self.opaque(m);
        }
    }
}

fn is_std_macro(m: &Macro) -> bool {
    std_macros::visit_arguments(&mut m.clone(), |_| {})
}
