//! Linear equations with triangular and tridiagonal matrices: linear in the right-hand side.

use super::matrix::*;
use super::*;
use crate::aval::Shape;
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::ValId;

/// The X with `op(A) X = B` (`left_side`) or `X op(A) = B`, for each pair of matrices in the last two dimensions of `a` and `b`. Of A only the `lower` or the
/// upper triangle is looked at; with `unit_diagonal` its diagonal counts as ones. op transposes or conjugates, or both. A zero on the diagonal divides by zero.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::prim::{TriangularSolve, triangular_solve};
/// let a = array![[2., 0.], [1., 4.]];
/// let x = triangular_solve(&a, &array![[2.], [9.]], &TriangularSolve { left_side: true, lower: true, ..Default::default() });
/// assert_eq!(x.to_vec::<f32>(), [1., 2.]);
/// ```
///
/// # Panics
/// If the shapes do not fit, or if elements are not all of one floating-point or complex type. (Half precision is solved in float32.)
#[track_caller]
pub fn triangular_solve(a: &Array, b: &Array, how: &TriangularSolve) -> Array {
    bind1(how, &[a, b])
}
/// Which equation [`triangular_solve`] solves; the default is `X A = B` with an upper triangular A.
///
/// ```
/// use cotangent::{prelude::*, prim::{TriangularSolve, triangular_solve}};
/// # #[cfg(feature = "linalg")] {
/// let how = TriangularSolve { left_side: true, lower: true, ..TriangularSolve::default() };
/// let x = triangular_solve(&array![[2., 0.], [1., 4.]], &array![[2.], [9.]], &how);
/// assert_eq!(x.to_string(), "[[1.]\n [2.]]");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TriangularSolve {
    /// Does A stand on the left of X?
    pub left_side: bool,
    /// Is it the lower triangle of A?
    pub lower: bool,
    /// Is A transposed?
    pub transpose_a: bool,
    /// Is A conjugated?
    pub conjugate_a: bool,
    /// Does the diagonal count as ones?
    pub unit_diagonal: bool,
}
fn python(b: bool) -> Param {
    if b { "True" } else { "False" }.into()
}
impl Primitive for TriangularSolve {
    fn name(&self) -> &'static str {
        "triangular_solve"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![
            ("conjugate_a", python(self.conjugate_a)),
            ("left_side", python(self.left_side)),
            ("lower", python(self.lower)),
            ("transpose_a", python(self.transpose_a)),
            ("unit_diagonal", python(self.unit_diagonal)),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        present()?;
        if !same_dtype(x)?.is_float() {
            takes(x)?;
        }
        let ((batch, n), (other, rows, columns)) = (square(x[0])?, matrices(x[1])?);
        if batch != other {
            return Err(format!("batch dimensions of {} differ", listed(x)));
        }
        if n != if self.left_side { rows } else { columns } {
            return Err(format!("shapes of {} do not fit", listed(x)));
        }
        Ok(one(Aval { weak: x[0].weak && x[1].weak, varying: varying(x), ..x[1].clone() }))
    }
    /// Beside the solution for the tangent of b, that for `-dA X`, in the order that costs less.
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        let solve = |b: &Array| bind1(self, &[x[0], b]);
        let of_a = dx[0].map(|d| {
            let k = self.unit_diagonal as i64;
            let d = neg(&if self.lower { tril(d, -k) } else { triu(d, k) });
            let d = if self.transpose_a { mt(&d) } else { d };
            let d = if self.conjugate_a { bar(&d) } else { d };
            let r = y[0].ndim();
            let (m, n) = (y[0].shape()[r - 2], y[0].shape()[r - 1]);
            match (self.left_side, m > n, m < n) {
                (true, true, _) => solve(&mm(&d, &y[0])),
                (true, false, _) => mm(&solve(&d), &y[0]),
                (false, _, true) => solve(&mm(&y[0], &d)),
                (false, _, false) => mm(&y[0], &solve(&d)),
            }
        });
        one(add_tangents(of_a, dx[1].map(solve)))
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        only(mask, 1)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let back = TriangularSolve { transpose_a: !self.transpose_a, ..self.clone() };
        let c = triangular_solve(io.known(0), ct[0].as_ref().expect("a cotangent"), &back);
        io.add(1, c)
    }
    /// Where all lanes have one matrix, their right-hand sides stand beside each other.
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let (None, Some(b)) = (dims[0], dims[1]) else { return batch_in_front(self, lanes, x, dims) };
        let at = x[1].ndim() - if self.left_side { 1 } else { 2 };
        one((beside(x[1], b, at, |b| triangular_solve(x[0], b, self)), Some(at)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let params = [self.left_side, self.lower, self.transpose_a, self.conjugate_a, self.unit_diagonal];
        let batch = ins[0].ndim() - 2;
        if !matches!(outs[0].dtype, DType::Float16 | DType::BFloat16) {
            return call_plain(l, routine!(TRIANGULAR_SOLVE), &params, &[x[1], x[0]], batch, outs);
        }
        let mut cast = |x: ValId, like: &Aval| {
            l.map(like, &[x], |b, x| lower::Num::Re(b.un(cotangent_cpu::Op::Cast, like.dtype.dt(), x[0].re())))
        };
        let wide = |a: &Aval| a.with_dtype(DType::Float32);
        let (a, b) = (cast(x[0], &wide(ins[0])), cast(x[1], &wide(ins[1])));
        let y = call_plain(l, routine!(TRIANGULAR_SOLVE), &params, &[b, a], batch, &[wide(&outs[0])]);
        let out = &outs[0];
        one(l.map(out, &[y[0]], |b, x| lower::Num::Re(b.un(cotangent_cpu::Op::Cast, out.dtype.dt(), x[0].re()))))
    }
}
/// Moves the lanes to dimension `at`, makes one dimension of them and the one before, and takes the result apart again.
fn beside(b: &Array, from: usize, at: usize, f: impl Fn(&Array) -> Array) -> Array {
    let b = move_axis(b, from, at);
    let mut flat: Shape = b.shape().into();
    flat[at - 1] *= flat[at];
    flat.remove(at);
    reshape(&f(&reshape(&b, &flat)), b.shape())
}

/// The X with `A X = B`, for tridiagonal matrices A given by the diagonals below, in the middle and above, each in the last dimension of an array: the first
/// element of `below` and the last one of `above` are not looked at. B is in the last two dimensions of `b`. If a matrix is singular, its result is NaN.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// // 2 x + y = 5 and x + 3 y = 10
/// let x = prim::tridiagonal_solve(&array![0., 1.], &array![2., 3.], &array![1., 0.], &array![[5.], [10.]]);
/// assert_eq!(x.to_string(), "[[1.]\n [3.]]");
/// # }
/// ```
///
/// # Panics
/// If the shapes do not fit, or if elements are not all float32, float64, complex64 or complex128.
#[track_caller]
pub fn tridiagonal_solve(below: &Array, middle: &Array, above: &Array, b: &Array) -> Array {
    bind1(&TridiagonalSolve, &[below, middle, above, b])
}
/// See [`tridiagonal_solve`].
///
/// ```
/// use cotangent::prim::{Primitive, TridiagonalSolve};
/// assert_eq!(TridiagonalSolve.name(), "tridiagonal_solve");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TridiagonalSolve;
/// A diagonal moved by one place, with a zero where nothing was.
fn moved(d: &Array, down: bool) -> Array {
    let r = d.ndim();
    let mut by = vec![(0, 0, 0); r];
    by[r - 1] = if down { (1, -1, 0) } else { (-1, 1, 0) };
    pad(d, &lit(d, 0.0), &by)
}
/// The product of a tridiagonal matrix and others.
fn tridiagonal_product(diagonals: [&Array; 3], x: &Array) -> Array {
    let (r, columns) = (x.ndim(), x.shape()[x.ndim() - 1]);
    let beside = |k: i64| {
        let mut by = vec![(0, 0, 0); r];
        by[r - 2] = (k, -k, 0);
        pad(x, &lit(x, 0.0), &by)
    };
    // what is not part of the matrix meets a zero: not a number times that would be one
    let [low, mid, high] = diagonals;
    let inside = |d: &Array, down: bool| moved(&moved(d, !down), down);
    let term = |d: &Array, x: &Array| mul(&along_columns(d, columns), x);
    add(&add(&term(mid, x), &term(&inside(low, true), &beside(1))), &term(&inside(high, false), &beside(-1)))
}
impl Primitive for TridiagonalSolve {
    fn name(&self) -> &'static str {
        "tridiagonal_solve"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("perturb_singular", "False".into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        takes(x)?;
        let (_, _, _) = matrices(x[3])?;
        let diagonal = &x[3].shape[..x[3].ndim() - 1];
        if x[..3].iter().any(|d| d.shape[..] != *diagonal) {
            return Err(format!("shapes of {} do not fit", listed(x)));
        }
        Ok(one(Aval { weak: x.iter().all(|x| x.weak), varying: varying(x), ..x[3].clone() }))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        let mut side = dx[3].cloned();
        if dx[..3].iter().any(|d| d.is_some()) {
            let d = [0, 1, 2].map(|k| materialize(dx[k], x[k]));
            let product = neg(&tridiagonal_product([&d[0], &d[1], &d[2]], &y[0]));
            side = add_tangents(side, Some(product));
        }
        one(side.map(|b| tridiagonal_solve(x[0], x[1], x[2], &b)))
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        only(mask, 3)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let (below, above) = (moved(io.known(2), true), moved(io.known(0), false));
        let c = tridiagonal_solve(&below, io.known(1), &above, ct[0].as_ref().expect("a cotangent"));
        io.add(3, c)
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let ([None, None, None], Some(b)) = (&dims[..3], dims[3]) else { return batch_in_front(self, lanes, x, dims) };
        let at = x[3].ndim() - 1;
        one((beside(x[3], b, at, |b| tridiagonal_solve(x[0], x[1], x[2], b)), Some(at)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        call_plain(l, routine!(TRIDIAGONAL_SOLVE), &[], &[x[3], x[0], x[1], x[2]], ins[3].ndim() - 2, outs)
    }
}

pub(super) const READ: &[Read] = &[
    ("triangular_solve", |p, x| {
        let how = TriangularSolve {
            left_side: p.bool("left_side")?,
            lower: p.bool("lower")?,
            transpose_a: p.bool("transpose_a")?,
            conjugate_a: p.bool("conjugate_a")?,
            unit_diagonal: p.bool("unit_diagonal")?,
        };
        Ok(one(triangular_solve(&x[0], &x[1], &how)))
    }),
    ("tridiagonal_solve", |p, x| {
        if p.bool("perturb_singular")? {
            return Err(p.error("perturb_singular", "true is not supported").into());
        }
        Ok(one(tridiagonal_solve(&x[0], &x[1], &x[2], &x[3])))
    }),
];
pub(super) fn cases() -> Vec<Case> {
    if cfg!(not(feature = "linalg")) {
        return vec![];
    }
    fn all(x: &[Array], left_side: bool) -> Vec<Array> {
        let mut ys = vec![];
        for k in 0..8 {
            let [lower, transpose_a, unit_diagonal] = [1, 2, 4].map(|bit| k & bit != 0);
            let how = TriangularSolve { left_side, lower, transpose_a, conjugate_a: false, unit_diagonal };
            ys.push(triangular_solve(&positive(&x[0]), &x[1], &how));
        }
        ys
    }
    vec![
        Case { name: "on the left", args: vec![sample(&[3, 3], 1), sample(&[3, 2], 2)], run: |x| all(x, true) },
        Case { name: "on the right", args: vec![sample(&[3, 3], 1), sample(&[2, 3], 2)], run: |x| all(x, false) },
        Case {
            name: "more columns than rows",
            args: vec![sample(&[2, 2], 1), sample(&[2, 4], 2), sample(&[4, 2], 2)],
            run: |x| [all(&x[..2], true), all(&[x[0].clone(), x[2].clone()], false)].concat(),
        },
        Case {
            name: "a batch",
            args: vec![sample(&[2, 3, 3], 3), sample(&[2, 3, 1], 4), sample(&[2, 0, 3], 0)],
            run: |x| [all(&x[..2], true), all(&[x[0].clone(), x[2].clone()], false)].concat(),
        },
        Case {
            name: "complex, conjugated and not",
            args: vec![sample(&[3, 3], 5), sample(&[3, 3], 6), sample(&[3, 2], 7)],
            run: |x| {
                let (a, b) = (positive(&complex(&x[0], &x[1])), complex(&x[2], &neg(&x[2])));
                let how = |transpose_a, conjugate_a| TriangularSolve {
                    left_side: true,
                    lower: true,
                    transpose_a,
                    conjugate_a,
                    ..Default::default()
                };
                let all = [how(false, false), how(true, true), how(false, true), how(true, false)];
                let ys = all.iter().map(|how| triangular_solve(&a, &b, how));
                ys.flat_map(|y| [real(&y), imag(&y)]).collect()
            },
        },
        Case {
            name: "in 32 bits and in half precision",
            args: vec![to(&positive(&sample(&[3, 3], 1)), DType::Float32), to(&sample(&[3, 2], 2), DType::Float32)],
            run: |x| {
                let how = TriangularSolve { left_side: true, ..Default::default() };
                let solve = |t: DType| triangular_solve(&to(&x[0], t), &to(&x[1], t), &how);
                [DType::Float32, DType::Float16, DType::BFloat16].map(solve).into()
            },
        },
        Case {
            name: "tridiagonal",
            args: vec![sample(&[4], 1), sample(&[4], 2), sample(&[4], 3), sample(&[4, 2], 4)],
            run: |x| vec![tridiagonal_solve(&x[0], &add(&x[1], &lit(&x[1], 3.0)), &x[2], &x[3])],
        },
        Case {
            name: "tridiagonal, with swapped rows, and small ones",
            args: vec![sample(&[2, 5], 1), sample(&[2, 5], 2), sample(&[2, 5], 3), sample(&[2, 5, 1], 4), sample(&[2], 8), sample(&[2, 1], 9)],
            run: |x| {
                let low = add(&x[0], &lit(&x[0], 3.0));
                let two = add(&x[4], &lit(&x[4], 2.0));
                let single = |x: &Array| slice_in_dim(x, 0, 1, 1, 0);
                vec![
                    tridiagonal_solve(&low, &x[1], &x[2], &x[3]),
                    tridiagonal_solve(&x[4], &two, &x[4], &x[5]),
                    tridiagonal_solve(&single(&x[4]), &single(&two), &single(&x[4]), &single(&x[5])),
                ]
            },
        },
    ]
}
