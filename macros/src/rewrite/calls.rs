//! Calls, and functions that are named as values: where they go, which name they get, and what they pass on.

use super::Rewriter;
use crate::attributes;
use crate::choose::{Choice, Evidence};
use crate::names;
use crate::world::{Def, Mode, NodeId};
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprCall, ExprMethodCall, ExprPath, Ident, PathArguments, parse_quote};

/// What a call becomes that passes the word on.
struct Target {
    name: Ident,
    /// What is passed, if anything is.
    word: Option<Word>,
}

/// The argument that is added.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Known,
    Read,
}

impl Word {
    fn expression(self) -> Expr {
        let word = match self {
            Self::Known => names::known(),
            Self::Read => names::flag(),
        };
        parse_quote!(#word)
    }
}

impl Rewriter<'_, '_> {
    /// Notes where a call goes and gives the name that it gets, if it passes the word on, with what it passes.
    fn target(&mut self, choice: &Choice, name: &Ident) -> Option<Target> {
        let passes_word = choice.passes_word && self.mode != Mode::Plain;
        self.note(choice, passes_word);
        if !passes_word {
            return None;
        }
        let (expander, nodes) = (self.expander, &choice.nodes);
        let wraps = self.node.is_some_and(|from| nodes.iter().any(|&to| expander.wraps(from, to)));
        let known = self.known
            && choice.closed
            && !nodes.is_empty()
            && nodes.iter().all(|&to| expander.plan.knows_word(expander.world, to));
        // The ordinary function asks where it runs, for the address to call. A closure that first makes a word of the answer, for one
        // wrapper alone, pays for both.
        if wraps
            && self.in_closure
            && choice.closed
            && nodes.iter().all(|&to| expander.plan.asks_well(expander.world, to))
        {
            self.needs.place = true;
            return Some(Target { name: names::same(name), word: None });
        }
        self.needs.word |= !known;
        let mut callee = match (known, wraps) {
            (true, true) => names::known_wrapper(name),
            (true, false) => names::known_body(name),
            (false, true) => names::wrapper(name),
            (false, false) => names::body(name),
        };
        // The call stays the user's, so that `#[track_caller]` finds its line.
        callee.set_span(name.span());
        Some(Target { name: callee, word: Some(if known { Word::Known } else { Word::Read }) })
    }

    fn note(&mut self, choice: &Choice, passes_word: bool) {
        let nodes = &self.expander.world.nodes;
        self.needs.calls |= choice.nodes.iter().any(|&to| nodes[to].mode == Mode::Vthread);
        self.needs.place |= !passes_word && !choice.nodes.is_empty();
        let Some(from) = self.node else { return };
        for &to in &choice.nodes {
            if choice.evidence == Evidence::Name && !passes_word {
                self.expander.guessed_call(from, to, choice.leads);
            } else {
                self.expander.call(from, to, passes_word, choice.leads);
            }
        }
    }

    /// A call that the user marked `#[plain]`: only what is inside of it is rewritten.
    fn leave(&mut self, choice: &Choice) {
        self.note(choice, false);
    }

    /// The same of functions, and of those that conditions tell from them.
    fn leave_all(&mut self, functions: &[NodeId]) {
        let nodes = functions.iter().flat_map(|&id| self.scope.world.twins(id)).collect();
        self.leave(&Choice { nodes, ..Choice::default() });
    }

    fn path_choice(&self, path: &ExprPath, count: usize) -> Choice {
        self.scope.path_call(path, count, |name| self.locals.has(name))
    }

    pub(super) fn method_call(&mut self, m: &mut ExprMethodCall) {
        let receiver = self.hint().receiver(&m.receiver);
        let unsure = receiver.is_none();
        let choice = self.scope.method(receiver, &m.method.to_string(), m.args.len());
        let plain = attributes::take_plain(&mut m.attrs);
        self.visit_expr_mut(&mut m.receiver);
        if let Some(turbofish) = &mut m.turbofish {
            self.visit_angle_bracketed_generic_arguments_mut(turbofish);
        }
        m.args.iter_mut().for_each(|a| self.visit_expr_mut(a));
        if plain {
            self.leave(&choice);
        } else if let Some(target) = self.target(&choice, &m.method) {
            if unsure && target.word.is_some() {
                self.expander.guess(self.scope.module, &m.method, &target.name);
            }
            if let Some(word) = target.word {
                m.args.insert(0, word.expression());
            }
            if let Some(turbofish) = m.turbofish.as_mut().filter(|_| target.word == Some(Word::Known)) {
                turbofish.args.push(parse_quote!(_));
            }
            m.method = target.name;
        }
    }

    pub(super) fn call(&mut self, c: &mut ExprCall) {
        let plain = attributes::take_plain(&mut c.attrs);
        let Expr::Path(path) = &mut *c.func else {
            return visit_mut::visit_expr_call_mut(self, c);
        };
        let choice = self.path_choice(path, c.args.len());
        for segment in &mut path.path.segments {
            self.visit_path_arguments_mut(&mut segment.arguments);
        }
        if let Some(qself) = &mut path.qself {
            self.visit_type_mut(&mut qself.ty);
        }
        c.args.iter_mut().for_each(|a| self.visit_expr_mut(a));
        if plain {
            return self.leave(&choice);
        }
        let Expr::Path(path) = &mut *c.func else { return };
        let Some(last) = path.path.segments.last_mut() else { return };
        if let Some(target) = self.target(&choice, &last.ident) {
            if let Some(word) = target.word {
                c.args.insert(usize::from(choice.has_self), word.expression());
            }
            if let (true, PathArguments::AngleBracketed(turbofish)) =
                (target.word == Some(Word::Known), &mut last.arguments)
            {
                turbofish.args.push(parse_quote!(_));
            }
            last.ident = target.name;
        }
    }

    /// A function as a value goes by its ordinary name, but it is a call as far as cycles go.
    pub(super) fn value(&mut self, path: &ExprPath) {
        if path.qself.is_none()
            && path.path.get_ident().is_some_and(|name| self.locals.has(&name.to_string()))
        {
            return;
        }
        match self.scope.resolve(&path.path) {
            Some(Def::Function(id)) if path.qself.is_none() => self.leave_all(&[id]),
            Some(Def::Named(ids)) if path.qself.is_none() => self.leave_all(&ids),
            Some(_) if path.qself.is_none() => {}
            _ if path.path.segments.len() > 1 || path.qself.is_some() => {
                let name = path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                let world = self.scope.world;
                let counts: std::collections::BTreeSet<usize> = world
                    .named(&name)
                    .map(|n| world.nodes[n].arity + usize::from(world.nodes[n].has_self))
                    .collect();
                for count in counts {
                    let choice = self.path_choice(path, count);
                    self.leave(&choice);
                }
            }
            _ => {}
        }
    }
}
