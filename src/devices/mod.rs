//! Devices, meshes of them, and how arrays are laid out over a mesh.
//!
//! The devices that exist are threads of this process: [`cpu`] gives as many as are asked for. [`Pmap`](crate::Pmap) and
//! [`shard_map`](crate::shard_map()) run a function on each. What members of an axis say to each other goes through [`Collectives`].

mod member;
pub(crate) mod team;

pub use member::{Collectives, Fold, Site};

use crate::aval::tuple;
use crate::error::{ErrorKind, fail};
use std::sync::Arc;

/// A place where a program runs: a thread of this process.
///
/// ```
/// let device = &cotangent::devices::cpu(4)[3];
/// assert_eq!((device.id(), device.to_string()), (3, "cpu:3".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    id: usize,
}
impl Device {
    /// Its number.
    ///
    /// ```
    /// assert_eq!(cotangent::devices::cpu(3).iter().map(|d| d.id()).collect::<Vec<_>>(), [0, 1, 2]);
    /// ```
    pub fn id(&self) -> usize {
        self.id
    }
}
impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cpu:{}", self.id)
    }
}
/// `n` devices, each a thread of this process. There may be more of them than the machine has processors. As JAX with
/// `jax_num_cpu_devices`.
///
/// ```
/// let devices = cotangent::devices::cpu(2);
/// assert_eq!(devices[1].to_string(), "cpu:1");
/// ```
pub fn cpu(n: usize) -> Vec<Device> {
    (0..n).map(|id| Device { id }).collect()
}

/// How many threads one program may use: what [`set_threads`] said last; before that the environment variable `COTANGENT_THREADS`; without it, as
/// many as the machine runs at once.
///
/// ```
/// use cotangent::devices;
/// assert!(devices::threads() >= 1);
/// devices::set_threads(2);
/// assert_eq!(devices::threads(), 2);
/// ```
pub fn threads() -> usize {
    cotangent_cpu::pool::threads()
}

/// Sets how many threads one program may use, the one that runs it among them. Work that is too small to be worth a hand-over stays on its thread
/// in any case, and so does all work of devices that keep the machine busy. No result depends on it.
///
/// ```
/// use cotangent::{devices, prelude::*, prim::iota};
/// let x = iota(DType::Float32, &[300, 300], 1).sin();
/// devices::set_threads(1);
/// let alone = x.matmul(&x);
/// devices::set_threads(3);
/// assert_eq!(devices::threads(), 3);
/// assert_eq!(x.matmul(&x).to_vec::<f32>(), alone.to_vec::<f32>());
/// ```
///
/// # Panics
/// If `n` is 0.
pub fn set_threads(n: usize) {
    cotangent_cpu::pool::set_threads(n)
}

/// Devices as a grid whose axes have names. As `jax.sharding.Mesh`.
///
/// ```
/// use cotangent::devices::{Mesh, cpu};
/// let mesh = Mesh::new(cpu(8), [("data", 4), ("model", 2)]);
/// assert_eq!(mesh.to_string(), "Mesh('data': 4, 'model': 2)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mesh {
    devices: Arc<[Device]>,
    axes: Arc<[(Arc<str>, usize)]>,
}
impl Mesh {
    /// The devices in row-major order of these axes: the last axis changes fastest.
    ///
    /// ```
    /// use cotangent::{catch, devices::{Mesh, cpu}};
    /// assert_eq!(Mesh::new(cpu(6), [("x", 2), ("y", 3)]).to_string(), "Mesh('x': 2, 'y': 3)");
    /// let e = catch(|| Mesh::new(cpu(5), [("x", 2), ("y", 3)])).unwrap_err();
    /// assert_eq!(e.message(), "Mesh: axes of sizes (2, 3) have 6 places, for 5 devices");
    /// ```
    ///
    /// # Panics
    /// If the axes have not as many places as there are devices, or if two have one name.
    #[track_caller]
    pub fn new<N: Into<String>>(devices: Vec<Device>, axes: impl IntoIterator<Item = (N, usize)>) -> Mesh {
        let axes: Arc<[(Arc<str>, usize)]> = axes.into_iter().map(|(n, size)| (n.into().into(), size)).collect();
        let sizes: Vec<usize> = axes.iter().map(|a| a.1).collect();
        let places: usize = sizes.iter().product();
        if places != devices.len() || places == 0 {
            let text =
                format!("Mesh: axes of sizes {} have {places} places, for {} devices", tuple(&sizes), devices.len());
            fail(ErrorKind::Axis, text)
        }
        for (i, (name, _)) in axes.iter().enumerate() {
            if axes[..i].iter().any(|a| a.0 == *name) {
                fail(ErrorKind::Axis, format!("Mesh: two axes have the name {name}"))
            }
        }
        Mesh { devices: devices.into(), axes }
    }
    /// The devices.
    ///
    /// ```
    /// use cotangent::devices::{Mesh, cpu};
    /// let mesh = Mesh::new(cpu(4), [("x", 2), ("y", 2)]);
    /// assert_eq!(mesh.devices()[2].to_string(), "cpu:2"); // at place (1, 0)
    /// ```
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }
    /// Names and sizes of the axes.
    ///
    /// ```
    /// use cotangent::devices::{Mesh, cpu};
    /// let mesh = Mesh::new(cpu(6), [("rows", 3), ("columns", 2)]);
    /// assert_eq!(mesh.axes().collect::<Vec<_>>(), [("rows", 3), ("columns", 2)]);
    /// ```
    pub fn axes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.axes.iter().map(|(n, size)| (&**n, *size))
    }
}
impl std::fmt::Display for Mesh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let axes: Vec<String> = self.axes().map(|(name, size)| format!("'{name}': {size}")).collect();
        write!(f, "Mesh({})", axes.join(", "))
    }
}

/// How an array lies over a mesh: for each dimension the axes along which it is split, which may be none. Made by [`P()`].
///
/// ```
/// use cotangent::{devices::{Mesh, P, cpu}, prelude::*, shard_map};
/// let mesh = Mesh::new(cpu(2), [("i", 2)]);
/// let sums = shard_map(|x: &Array| x.sum().reshape(&[1]), &mesh, P((None, "i")), P("i"));
/// assert_eq!(sums(&array![[1., 2.], [3., 4.]]).to_string(), "[4. 6.]"); // a column each
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct P {
    pub(crate) along: Vec<Vec<String>>,
}

/// How an array lies over a mesh: one entry for each dimension, each the name of a mesh axis along which the dimension is split, several names (the
/// first one outermost), or `None`. Dimensions without an entry are not split; over axes that are not named every device has the
/// same. As `jax.sharding.PartitionSpec`.
///
/// ```
/// use cotangent::devices::P;
/// assert_eq!(P(()).to_string(), "P()"); // the same on every device
/// assert_eq!(P("data").to_string(), "P('data',)"); // rows are split
/// assert_eq!(P((None, "model")).to_string(), "P(None, 'model')"); // columns are split
/// assert_eq!(P((["data", "model"],)).to_string(), "P(('data', 'model'),)"); // rows are split over both
/// ```
#[allow(non_snake_case)]
pub fn P(dimensions: impl Dimensions) -> P {
    P { along: dimensions.entries() }
}
impl std::fmt::Display for P {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quoted = |names: &Vec<String>| names.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>();
        let entry = |names: &Vec<String>| match &quoted(names)[..] {
            [] => "None".to_string(),
            [name] => name.clone(),
            names => tuple(names),
        };
        match &self.along[..] {
            [] => f.write_str("P()"),
            entries => write!(f, "P{}", tuple(&entries.iter().map(entry).collect::<Vec<_>>())),
        }
    }
}

/// The axes along which one dimension is split.
///
/// ```
/// use cotangent::devices::P;
/// assert_eq!(P(("x", None, ["y", "z"])).to_string(), "P('x', None, ('y', 'z'))");
/// let split = |by: Option<&str>| P((by,)).to_string(); // as a program decides
/// assert_eq!((split(Some("x")), split(None)), ("P('x',)".into(), "P(None,)".into()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say along which mesh axes a dimension is split",
    label = "expected the name of an axis, an array of names, or `None`"
)]
pub trait Dimension {
    #[doc(hidden)]
    fn entry(&self) -> Vec<String>;
}
impl Dimension for &str {
    fn entry(&self) -> Vec<String> {
        vec![self.to_string()]
    }
}
impl Dimension for Option<&str> {
    fn entry(&self) -> Vec<String> {
        self.iter().map(|n| n.to_string()).collect()
    }
}
impl<const N: usize> Dimension for [&str; N] {
    fn entry(&self) -> Vec<String> {
        self.iter().map(|n| n.to_string()).collect()
    }
}
/// What [`P()`] takes: nothing, what splits the first dimension, or a tuple with one entry for each dimension.
///
/// ```
/// use cotangent::devices::{Dimensions, P};
/// let text = |entries: &dyn Fn() -> P| entries().to_string();
/// assert_eq!([text(&|| P("x")), text(&|| P(("x", "y")))], ["P('x',)", "P('x', 'y')"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how an array lies over a mesh",
    label = "expected `()`, the name of a mesh axis, or a tuple with one entry per dimension",
    note = "an entry is the name of an axis, an array of names, or `None`: `P((None, \"model\"))`"
)]
pub trait Dimensions {
    #[doc(hidden)]
    fn entries(&self) -> Vec<Vec<String>>;
}
impl Dimensions for () {
    fn entries(&self) -> Vec<Vec<String>> {
        vec![]
    }
}
impl Dimensions for &str {
    fn entries(&self) -> Vec<Vec<String>> {
        vec![self.entry()]
    }
}
macro_rules! tuples {
    ($(($($T:ident $X:ident $x:ident $i:tt),*) $n:literal;)*) => { $(
        impl<$($T: Dimension),*> Dimensions for ($($T,)*) {
            fn entries(&self) -> Vec<Vec<String>> {
                vec![$(self.$i.entry()),*]
            }
        }
    )* };
}
for_tuples! { tuples }
