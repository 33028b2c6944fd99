//! Random programs: trees of operations, loops, branches and transformations over vectors of float64, which can be printed, counted and made smaller.

use std::fmt;

/// Numbers that depend on a seed.
pub struct Random(u64);
impl Random {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x57ac_6b5e)
    }
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A number from 0 to before `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    /// A number of two digits between -1 and 1, not 0, so that a printed program is the program.
    pub fn number(&mut self) -> f64 {
        let n = 1 + self.below(100);
        (if self.below(2) == 0 { n as f64 } else { -(n as f64) }) / 100.0
    }
    fn numbers(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.number()).collect()
    }
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// How a derivative along a direction is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Forward {
    /// `jvp`.
    Jvp,
    /// `linearize`.
    Linearize,
    /// `jacfwd`, times the direction.
    Jacobian,
}
/// How a cotangent is pulled back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reverse {
    /// `vjp`.
    Vjp,
    /// `grad` of the inner product with the cotangent.
    Grad,
    /// The cotangent times `jacrev`.
    Jacobian,
    /// The transpose of what `linearize` returned.
    Transpose,
}

/// How a function is mapped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mapper {
    /// `vmap`.
    Vmap,
    /// `pmap`.
    Pmap,
    /// `lax::map`, so many at once.
    Loop(usize),
}
/// Operations on one vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// Elementwise.
    Sin,
    /// Elementwise.
    Cos,
    /// Elementwise.
    Tanh,
    /// The sum of the elements, repeated.
    Sum,
    /// Each element moves one place to the left, the first to the end.
    Roll,
    /// Backwards.
    Rev,
    /// The sums of all elements up to each.
    Cumsum,
}
/// Operations on two vectors, elementwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Binary {
    /// The sum.
    Add,
    /// The difference.
    Sub,
    /// The product.
    Mul,
    /// `a / (2.5 + tanh(b))`.
    Div,
}

/// What a node does. Every value is a vector of the program's one extent. `arguments` and `bodies` of a node are what [`Op::form`] says: its operands, and functions
/// whose parameters are new variables.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A variable, counted from the outermost.
    Var(usize),
    /// A constant.
    Const(Vec<f64>),
    /// Of one vector.
    Unary(Unary),
    /// Of two vectors.
    Binary(Binary),
    /// The matrix `outer(a, b)` times `c`.
    Outer,
    /// A body with a value that is used more than once.
    Let,
    /// `jit`.
    Jit,
    /// `checkpoint`.
    Checkpoint {
        /// Are products of matrices kept, or nothing?
        dots: bool,
    },
    /// A map over lanes `argument * factor`, of which a sum with weights is the value; the second argument is shared by all lanes.
    Map {
        /// By what.
        by: Mapper,
        /// The factors of the lanes.
        lanes: Vec<f64>,
        /// Their weights.
        weights: Vec<f64>,
        /// Along which axis lanes lie: of the argument, of the result. A loop has them in front.
        axes: [i32; 2],
    },
    /// `scan` with two carries and elements `argument * factor`; the value is the sum of the carries and of the results with weights.
    Scan {
        /// The factors of the elements.
        elements: Vec<f64>,
        /// The weights of the results.
        weights: Vec<f64>,
        /// From the last to the first.
        reverse: bool,
        /// So many turns at once.
        unroll: usize,
    },
    /// `fori_loop` with two carries, whose sum is the value, and a counter (a tenth of it, repeated).
    Fori {
        /// The first number.
        lower: i32,
        /// The number before which it ends.
        upper: i32,
        /// Are both known only when the loop runs?
        late: bool,
    },
    /// `while_loop` with two carries, whose sum is the value, as long as the first is large and turns are left.
    While {
        /// At most so many turns.
        turns: usize,
        /// The square of the first carry must be above.
        above: f64,
    },
    /// `cond`: is the sum of the first argument above a number?
    Cond {
        /// The number.
        above: f64,
    },
    /// `switch` by the sum of the first argument.
    Switch,
    /// `custom_jvp` of a function of two arguments that captures nothing: the tangent is the true one times a factor.
    CustomJvp {
        /// The factor.
        factor: f64,
    },
    /// `custom_vjp` of the same kind.
    CustomVjp {
        /// The factor.
        factor: f64,
    },
    /// The derivative of the body at the first argument along the second.
    Forward(Forward),
    /// The second argument pulled back through the body at the first.
    Reverse(Reverse),
}
impl Op {
    /// The number of arguments, and of the parameters of each body.
    pub fn form(&self) -> (usize, Vec<usize>) {
        use Op::*;
        match self {
            Var(_) | Const(_) => (0, vec![]),
            Unary(_) => (1, vec![]),
            Binary(_) => (2, vec![]),
            Outer => (3, vec![]),
            Let | Jit | Checkpoint { .. } => (1, vec![1]),
            Map { .. } => (2, vec![2]),
            Scan { .. } => (3, vec![3; 3]),
            Fori { .. } => (2, vec![3; 2]),
            While { .. } => (2, vec![2; 2]),
            Cond { .. } => (2, vec![1; 2]),
            Switch => (2, vec![1; 3]),
            CustomJvp { .. } | CustomVjp { .. } => (2, vec![2]),
            Forward(_) | Reverse(_) => (2, vec![1]),
        }
    }
    /// Do the bodies see nothing but their parameters?
    pub fn closed(&self) -> bool {
        matches!(self, Op::CustomJvp { .. } | Op::CustomVjp { .. })
    }
    fn derives(&self) -> bool {
        matches!(self, Op::Forward(_) | Op::Reverse(_))
    }
}

/// A program: an operation with its arguments and bodies.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// Its operands.
    pub arguments: Vec<Node>,
    /// Its functions.
    pub bodies: Vec<Node>,
}

/// What may occur in a program.
#[derive(Clone, Copy)]
pub struct Limits {
    /// The extent of every value.
    pub extent: usize,
    /// So many derivatives within one another.
    pub orders: usize,
    /// Are the rules of custom functions their true derivatives?
    pub honest: bool,
}

fn node(op: Op, arguments: Vec<Node>, bodies: Vec<Node>) -> Node {
    let form = op.form();
    assert_eq!((arguments.len(), bodies.len()), (form.0, form.1.len()), "{op:?}");
    Node { op, arguments, bodies }
}

impl Node {
    /// A random program of one variable and of this depth.
    pub fn random(r: &mut Random, depth: usize, limits: Limits) -> Node {
        Node::of(r, depth, 1, limits)
    }
    fn leaf(r: &mut Random, variables: usize, limits: Limits) -> Node {
        if r.below(5) == 0 {
            return node(Op::Const(r.numbers(limits.extent)), vec![], vec![]);
        }
        // the newest ones twice as often
        let k = r.below(variables).max(r.below(variables));
        node(Op::Var(k), vec![], vec![])
    }
    fn of(r: &mut Random, depth: usize, variables: usize, limits: Limits) -> Node {
        use self::{Binary::*, Unary::*};
        use Op::*;
        if depth == 0 {
            return Node::leaf(r, variables, limits);
        }
        let lanes = 1 + r.below(3);
        let turns = r.below(4);
        let factor = if limits.honest { 1.0 } else { r.pick(&[-1.5, 0.5, 2.0]) };
        let op = match r.below(42) {
            0..3 => Unary(r.pick(&[Sin, Cos, Tanh])),
            3..8 => Binary(r.pick(&[Add, Sub, Mul, Mul, Div])),
            8 => Unary(r.pick(&[Sum, Roll, Rev, Cumsum])),
            9 => Outer,
            10 => Let,
            11..14 => Jit,
            14..18 => Map {
                by: r.pick(&[Mapper::Vmap, Mapper::Vmap, Mapper::Pmap, Mapper::Loop(1), Mapper::Loop(2)]),
                lanes: r.numbers(lanes),
                weights: r.numbers(lanes),
                axes: [r.below(2) as i32, r.below(2) as i32 - 1],
            },
            18..21 => Scan {
                elements: r.numbers(turns),
                weights: r.numbers(turns),
                reverse: r.below(2) == 0,
                unroll: 1 + r.below(3),
            },
            21..23 => {
                let lower = r.below(3) as i32 - 1;
                Fori { lower, upper: lower + turns as i32, late: r.below(2) == 0 }
            }
            23..26 => While { turns: r.below(5), above: r.below(40) as f64 / 100.0 },
            26..28 => Cond { above: r.number() },
            28 => Switch,
            29..31 => CustomJvp { factor },
            31..33 => CustomVjp { factor },
            33..36 if limits.orders > 0 => {
                Op::Forward(r.pick(&[self::Forward::Jvp, self::Forward::Linearize, self::Forward::Jacobian]))
            }
            36..40 if limits.orders > 0 => {
                use self::Reverse::*;
                Op::Reverse(r.pick(&[Vjp, Grad, Grad, Jacobian, Transpose]))
            }
            40..42 => Checkpoint { dots: r.below(2) == 0 },
            _ => Binary(Mul),
        };
        let (n, parameters) = op.form();
        // one of the children is deep, or programs would grow with a power of the depth
        let deep = if parameters.is_empty() { r.below(n) } else { n + r.below(parameters.len()) };
        let depths: Vec<usize> =
            (0..n + parameters.len()).map(|i| if i == deep { depth - 1 } else { r.below(depth.min(3)) }).collect();
        let arguments = (0..n).map(|i| Node::of(r, depths[i], variables, limits)).collect();
        let orders = limits.orders - op.derives() as usize;
        let bodies = parameters.iter().enumerate().map(|(i, p)| {
            let visible = if op.closed() { *p } else { variables + p };
            let body = Node::of(r, depths[n + i], visible, Limits { orders, ..limits });
            // carries stay small, however often they are carried
            let carry = i < 2 && matches!(op, Scan { .. } | Fori { .. } | While { .. });
            if carry { node(Unary(r.pick(&[Sin, Cos, Tanh])), vec![body], vec![]) } else { body }
        });
        let bodies = bodies.collect();
        node(op, arguments, bodies)
    }

    /// All nodes.
    pub fn any(&self, holds: &dyn Fn(&Op) -> bool) -> bool {
        holds(&self.op) || self.arguments.iter().chain(&self.bodies).any(|n| n.any(holds))
    }
    /// The number of nodes.
    pub fn size(&self) -> usize {
        1 + self.arguments.iter().chain(&self.bodies).map(Node::size).sum::<usize>()
    }
    /// The variables under other numbers.
    fn renumbered(&self, number: &dyn Fn(usize) -> usize) -> Node {
        let inside = |n: &Node| if self.op.closed() { n.clone() } else { n.renumbered(number) };
        Node {
            op: if let Op::Var(k) = self.op { Op::Var(number(k)) } else { self.op.clone() },
            arguments: self.arguments.iter().map(|n| n.renumbered(number)).collect(),
            bodies: self.bodies.iter().map(inside).collect(),
        }
    }
    /// A leaf instead of variable `k`, which is gone.
    fn put(&self, k: usize, leaf: &Node) -> Node {
        if self.op == Op::Var(k) {
            return leaf.clone();
        }
        let mut n = self.renumbered(&|v| v);
        if let Op::Var(v) = &mut n.op {
            *v -= (*v > k) as usize
        }
        n.arguments.iter_mut().for_each(|n| *n = n.put(k, leaf));
        if !n.op.closed() {
            n.bodies.iter_mut().for_each(|n| *n = n.put(k, leaf))
        }
        n
    }
    /// A body as it is without what its operation does to it: its parameters are the arguments.
    fn bare(&self, body: usize, variables: usize) -> Node {
        let parameters = self.op.form().1[body];
        let visible = if self.op.closed() { 0 } else { variables };
        let inner = self.bodies[body].renumbered(&|k| k + variables - visible);
        let last = self.arguments.len() - 1;
        (0..parameters).rev().fold(inner, |inner, p| {
            let branch = matches!(self.op, Op::Cond { .. } | Op::Switch);
            let argument = &self.arguments[if branch { last } else { p.min(last) }];
            // what the argument itself binds is now bound further inside
            let moved = argument.renumbered(&|k| if k < variables { k } else { k + p });
            node(Op::Let, vec![moved], vec![inner])
        })
    }
    /// Programs that are a little smaller, and of which one may still show what this one shows. `variables` are in scope.
    pub fn smaller(&self, variables: usize) -> Vec<Node> {
        use Op::*;
        let leaf = |n: &Node| matches!(n.op, Var(_) | Const(_));
        let mut out = vec![];
        if !leaf(self) {
            out.push(node(Var(0), vec![], vec![]))
        }
        out.extend(self.arguments.iter().cloned());
        match &self.op {
            Let if leaf(&self.arguments[0]) => out.push(self.bodies[0].put(variables, &self.arguments[0])),
            Let => {}
            _ => out.extend((0..self.bodies.len()).map(|b| self.bare(b, variables))),
        }
        let fewer = |v: &[f64]| v[..v.len() - 1].to_vec();
        let op = match &self.op {
            Map { by, lanes, weights, axes } if lanes.len() > 1 => {
                Some(Map { by: *by, lanes: fewer(lanes), weights: fewer(weights), axes: *axes })
            }
            Scan { elements, weights, reverse, unroll } if *unroll > 1 => {
                Some(Scan { elements: elements.clone(), weights: weights.clone(), reverse: *reverse, unroll: 1 })
            }
            Scan { elements, weights, reverse, .. } if !elements.is_empty() => {
                Some(Scan { elements: fewer(elements), weights: fewer(weights), reverse: *reverse, unroll: 1 })
            }
            Fori { lower, upper, late } if lower < upper => Some(Fori { lower: *lower, upper: upper - 1, late: *late }),
            While { turns, above } if *turns > 0 => Some(While { turns: turns - 1, above: *above }),
            _ => None,
        };
        out.extend(op.map(|op| Node { op, ..self.clone() }));
        for (i, a) in self.arguments.iter().enumerate() {
            out.extend(a.smaller(variables).into_iter().map(|s| {
                let mut n = self.clone();
                n.arguments[i] = s;
                n
            }))
        }
        for (i, (b, p)) in self.bodies.iter().zip(self.op.form().1).enumerate() {
            let visible = if self.op.closed() { p } else { variables + p };
            out.extend(b.smaller(visible).into_iter().map(|s| {
                let mut n = self.clone();
                n.bodies[i] = s;
                n
            }))
        }
        out
    }

    /// The text of a program of which `variables` are in scope; inside of a closed body names are capitals.
    fn write(&self, f: &mut fmt::Formatter, variables: usize, closed: bool) -> fmt::Result {
        use Op::*;
        match &self.op {
            Var(k) => return f.write_str(&name(*k, closed)),
            Const(c) => return write!(f, "{c:?}"),
            Binary(b) => {
                f.write_str("(")?;
                self.arguments[0].write(f, variables, closed)?;
                f.write_str(match b {
                    self::Binary::Add => " + ",
                    self::Binary::Sub => " - ",
                    self::Binary::Mul => " * ",
                    self::Binary::Div => " / 2.5 + tanh ",
                })?;
                self.arguments[1].write(f, variables, closed)?;
                return f.write_str(")");
            }
            Unary(u) => write!(f, "{}(", format!("{u:?}").to_lowercase())?,
            op => write!(f, "{op:?}(")?,
        }
        for (i, a) in self.arguments.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            a.write(f, variables, closed)?
        }
        for (b, p) in self.bodies.iter().zip(self.op.form().1) {
            let closes = self.op.closed();
            let first = if closes { 0 } else { variables };
            let names: Vec<String> = (first..first + p).map(|k| name(k, closed || closes)).collect();
            write!(f, ", |{}| ", names.join(", "))?;
            b.write(f, first + p, closed || closes)?
        }
        f.write_str(")")
    }
}
/// x, y, z, a, b, ..
fn name(k: usize, capital: bool) -> String {
    let letter = (b'a' + (k % 26 + 23) as u8 % 26) as char;
    let letter = if capital { letter.to_ascii_uppercase() } else { letter };
    if k < 26 { letter.to_string() } else { format!("{letter}{}", k / 26) }
}
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("|x| ")?;
        self.write(f, 1, false)
    }
}
