//! More products: of batches of vectors and matrices, of Kronecker, and across.

use crate::array::Array;
use crate::aval::{Shape, tuple};
use crate::error::{ErrorKind, fail};
use crate::np::dims::{axis_of, here, in_one_type, refs};
use crate::np::{matmul, multiply, subtract};
use crate::prim;

fn conjugated(x: &Array) -> Array {
    if x.dtype().is_complex() { prim::conj(x) } else { x.clone() }
}
#[track_caller]
fn ranks(name: &str, x: &Array, y: &Array, least: (usize, usize)) {
    if x.ndim() < least.0 || y.ndim() < least.1 {
        fail(
            ErrorKind::Shape,
            format!(
                "{name}: shapes {} and {}, of which {} and {} dimensions are needed",
                tuple(x.shape()),
                tuple(y.shape()),
                least.0,
                least.1
            ),
        )
    }
}
/// The sums of products along an axis of both, the elements of `x` conjugated; all other dimensions broadcast. As `jax.numpy.vecdot`, which has the last axis by default.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(np::vecdot(&x, &array![1., 10.], -1).to_string(), "[21. 43.]");
/// assert_eq!(np::matvec(&x, &array![1., 10.]).to_string(), "[21. 43.]");
/// assert_eq!(np::vecmat(&array![1., 10.], &x).to_string(), "[31. 42.]");
/// ```
///
/// # Panics
/// If there is no such axis, if it has different extents, or if other dimensions do not broadcast.
#[track_caller]
pub fn vecdot(x: &Array, y: &Array, axis: i32) -> Array {
    let _line = here();
    let last = |a: &Array| prim::move_axis(a, axis_of("vecdot", axis, a.ndim(), a.shape()), a.ndim() - 1);
    ranks("vecdot", x, y, (1, 1));
    let (x, y) = (conjugated(&last(x)), last(y));
    let (m, n) = (x.ndim(), y.ndim());
    let z = matmul(&prim::expand_dims(&x, &[m - 1]), &prim::expand_dims(&y, &[n]));
    prim::squeeze(&z, &[z.ndim() - 2, z.ndim() - 1])
}
/// Matrices times vectors: the last two dimensions and the last one; others broadcast. As `jax.numpy.matvec`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::matvec(&np::ones(&[4, 2, 3]), &array![1., 2., 3.]).shape(), [4, 2]);
/// ```
///
/// # Panics
/// If extents do not fit, or other dimensions do not broadcast.
#[track_caller]
pub fn matvec(x: &Array, y: &Array) -> Array {
    let _line = here();
    ranks("matvec", x, y, (2, 1));
    let z = matmul(x, &prim::expand_dims(y, &[y.ndim()]));
    prim::squeeze(&z, &[z.ndim() - 1])
}
/// Conjugated vectors times matrices: the last dimension and the last two; others broadcast. As `jax.numpy.vecmat`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::vecmat(&array![1., 2.], &array![[1., 2.], [3., 4.]]).to_string(), "[ 7. 10.]");
/// ```
///
/// # Panics
/// If extents do not fit, or other dimensions do not broadcast.
#[track_caller]
pub fn vecmat(x: &Array, y: &Array) -> Array {
    let _line = here();
    ranks("vecmat", x, y, (1, 2));
    let z = matmul(&prim::expand_dims(&conjugated(x), &[x.ndim() - 1]), y);
    prim::squeeze(&z, &[z.ndim() - 2])
}
/// Kronecker's product: `y` in place of each element of `x`, multiplied by it. The shape with fewer dimensions has ones in front. As `jax.numpy.kron`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::kron(&array![1, 10], &array![1, 2]).to_string(), "[ 1  2 10 20]");
/// ```
#[track_caller]
pub fn kron(x: &Array, y: &Array) -> Array {
    let _line = here();
    let rank = x.ndim().max(y.ndim());
    // every dimension becomes two: that of one operand, and that of the other
    let spread = |a: &Array, behind: bool| -> Array {
        let full = std::iter::repeat_n(1, rank - a.ndim()).chain(a.shape().iter().copied());
        let pairs: Shape = full.flat_map(|n| if behind { [1, n] } else { [n, 1] }).collect();
        prim::reshape(a, &pairs)
    };
    let z = multiply(&spread(x, false), &spread(y, true));
    let shape: Shape = (0..rank).map(|d| z.shape()[2 * d] * z.shape()[2 * d + 1]).collect();
    prim::reshape(&z, &shape)
}

/// Which axes hold the vectors of a cross product: `jax.numpy.cross` with options.
///
/// ```
/// use cotangent::{np::Cross, prelude::*};
/// // vectors as columns
/// let (x, y) = (array![[1., 0.], [0., 0.], [0., 2.]], array![[0., 1.], [3., 0.], [0., 0.]]);
/// assert_eq!(Cross::new().axes(0, 0, 0).of(&x, &y).to_string(), "[[0. 0.]\n [0. 2.]\n [3. 0.]]");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cross {
    axes: [i32; 3],
}
impl Default for Cross {
    fn default() -> Cross {
        Cross::new()
    }
}
impl Cross {
    /// The last ones.
    ///
    /// ```
    /// use cotangent::{np::Cross, prelude::*};
    /// assert_eq!(Cross::new().of(&array![0, 0, 1], &array![2, 0, 0]).to_string(), "[0 2 0]");
    /// ```
    pub fn new() -> Cross {
        Cross { axes: [-1; 3] }
    }
    /// Those of the first operand, the second operand and the result.
    ///
    /// ```
    /// use cotangent::{np::Cross, prelude::*};
    /// let (x, y) = (array![[1], [0], [0]], array![[0, 1, 0]]); // a column and a row
    /// assert_eq!(Cross::new().axes(0, 1, 1).of(&x, &y).to_string(), "[[0 0 1]]");
    /// ```
    pub fn axes(mut self, x: i32, y: i32, z: i32) -> Cross {
        self.axes = [x, y, z];
        self
    }
    /// The vectors at right angles to those of both; of two vectors in the plane only the third component. Other dimensions broadcast.
    ///
    /// ```
    /// use cotangent::{np::Cross, prelude::*};
    /// assert_eq!(Cross::new().of(&array![[1, 0], [2, 5]], &array![0, 3]).to_string(), "[3 6]");
    /// ```
    ///
    /// # Panics
    /// If vectors do not have two or three components, or if other dimensions do not broadcast.
    #[track_caller]
    pub fn of(&self, x: &Array, y: &Array) -> Array {
        let _line = here();
        let both = in_one_type("cross", &[x, y]);
        let last = |a: &Array, axis: i32| prim::move_axis(a, axis_of("cross", axis, a.ndim(), a.shape()), a.ndim() - 1);
        let (x, y) = (last(&both[0], self.axes[0]), last(&both[1], self.axes[1]));
        let of = |a: &Array| a.shape()[a.ndim() - 1];
        let (m, n) = (of(&x), of(&y));
        if ![2, 3].contains(&m) || ![2, 3].contains(&n) {
            fail(ErrorKind::Shape, format!("cross: vectors of {m} and {n} components; two or three are needed"))
        }
        // the component of a vector; one in the plane has no third
        let part = |a: &Array, i: usize| (i < of(a)).then(|| a.i((crate::np::Ellipsis, i)));
        let product = |i: usize, j: usize| Some(multiply(&part(&x, i)?, &part(&y, j)?));
        let minor = |i: usize, j: usize| match (product(i, j), product(j, i)) {
            (Some(a), Some(b)) => subtract(&a, &b),
            (Some(a), None) => a,
            (None, Some(b)) => prim::neg(&b),
            (None, None) => unreachable!("one of the vectors has three components"),
        };
        if (m, n) == (2, 2) {
            return minor(0, 1);
        }
        let parts = [minor(1, 2), minor(2, 0), minor(0, 1)];
        let z = prim::stack(&refs(&crate::np::broadcast_arrays(&refs(&parts))), parts[2].ndim());
        let d = axis_of("cross", self.axes[2], z.ndim(), z.shape());
        prim::move_axis(&z, z.ndim() - 1, d)
    }
}
/// The vectors at right angles to those along the last axes of both; of two vectors in the plane only the third component. Options: [`Cross`]. As `jax.numpy.cross`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::cross(&array![1., 0., 0.], &array![0., 1., 0.]).to_string(), "[0. 0. 1.]");
/// ```
///
/// # Panics
/// If vectors do not have two or three components, or if other dimensions do not broadcast.
#[track_caller]
pub fn cross(x: &Array, y: &Array) -> Array {
    Cross::new().of(x, y)
}
