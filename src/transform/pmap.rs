//! `pmap` and `shard_map`: a function on every device of a mesh.
//!
//! The function is staged, as that of a loop is: its program runs on the devices. Both bind one operation, [`ShardMap`].

use super::jvp::paths;
use super::vmap::{described, resolve, size, stacked};
use crate::array::{Array, Repr};
use crate::aval::Aval;
use crate::axes::AxisList;
use crate::devices::{Device, Mesh, P, cpu};
use crate::error::{ErrorKind, Loc, fail_at};
use crate::prim::shard_map::{ShardMap, Spec, named, piece};
use crate::prim::{expand_dims, squeeze};
use crate::trace::axis::{Axis, bits, fresh_mesh};
use crate::trace::stage::stage_flat;
use crate::trace::{Kind, Trace, current, enter};
use crate::{ArgAxes, Arguments, Axes, Function, Pytree, tree};
use std::panic::Location;

/// `f` on several devices at once: each has one element of every argument's leading axis, and the results are stacked along a new leading
/// axis.
///
/// It is [`vmap`](crate::vmap()) with a device for each lane. The devices are threads, as many as there are elements. `f` is staged, so that host
/// `if`s on values are errors. As `jax.pmap`.
///
/// ```
/// use cotangent::prelude::*;
/// let squares = cotangent::pmap(|x: &Array| x * x);
/// assert_eq!(squares(&array![1., 2., 3.]).to_string(), "[1. 4. 9.]");
/// ```
///
/// # Panics
/// When called: as `vmap`; with a device's error, if one fails.
#[track_caller]
pub fn pmap<'f, S, F>(f: F) -> F::With<'f, F::Out>
where
    F: Function<S, Out: Pytree> + 'f,
{
    Pmap::new().of(f)
}

/// `pmap` with options.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{Pmap, lax};
/// let share = Pmap::new().axis_name("i").of(|x: &Array| x / lax::psum(x, "i"));
/// assert_eq!(share(&array![1., 3.]).to_string(), "[0.25 0.75]");
/// ```
#[derive(Clone, Debug)]
pub struct Pmap<I = i32, O = i32> {
    in_axes: I,
    out_axes: O,
    axis_name: Option<String>,
    axis_size: Option<usize>,
    devices: Option<Vec<Device>>,
}
impl Default for Pmap {
    fn default() -> Pmap {
        Pmap::new()
    }
}
impl Pmap {
    /// Every argument on axis 0, every result on axis 0, as many devices as lanes.
    ///
    /// ```
    /// use cotangent::{Pmap, prelude::*};
    /// assert_eq!(Pmap::new().of(|x: &Array| x.sum())(&array![[1., 2.], [3., 4.]]).to_string(), "[3. 7.]");
    /// ```
    pub fn new() -> Pmap {
        Pmap { in_axes: 0, out_axes: 0, axis_name: None, axis_size: None, devices: None }
    }
}
impl<I, O> Pmap<I, O> {
    /// Which axes of the arguments are mapped: see [`vmap_axes`](crate::vmap_axes). What is not mapped every device has.
    ///
    /// ```
    /// use cotangent::{Pmap, prelude::*};
    /// let scale = Pmap::new().in_axes((None, 0)).of(|w: &Array, x: &Array| w * x);
    /// assert_eq!(scale(&array(10.0), &array![1., 2.]).to_string(), "[10. 20.]");
    /// ```
    pub fn in_axes<J>(self, in_axes: J) -> Pmap<J, O> {
        let Pmap { out_axes, axis_name, axis_size, devices, .. } = self;
        Pmap { in_axes, out_axes, axis_name, axis_size, devices }
    }
    /// Along which axes results are stacked: see [`vmap_axes`](crate::vmap_axes). `None` for a result that is the same on every device, such as a sum
    /// over all of them.
    ///
    /// ```
    /// use cotangent::{Pmap, lax, prelude::*};
    /// let columns = Pmap::new().out_axes(1).of(|x: &Array| x * 2.0);
    /// assert_eq!(columns(&array![[1., 2.], [3., 4.]]).to_string(), "[[2. 6.]\n [4. 8.]]");
    /// let total = Pmap::new().axis_name("i").out_axes(None).of(|x: &Array| lax::psum(x, "i"));
    /// assert_eq!(total(&array![1., 2., 4.]).to_f64(), 7.0);
    /// ```
    pub fn out_axes<Q>(self, out_axes: Q) -> Pmap<I, Q> {
        let Pmap { in_axes, axis_name, axis_size, devices, .. } = self;
        Pmap { in_axes, out_axes, axis_name, axis_size, devices }
    }
    /// A name for the axis, by which collectives inside refer to it.
    ///
    /// ```
    /// use cotangent::{Pmap, lax, prelude::*};
    /// let above = Pmap::new().axis_name("i").of(|x: &Array| x - lax::pmean(x, "i"));
    /// assert_eq!(above(&array![1., 2., 6.]).to_string(), "[-2. -1.  3.]");
    /// ```
    pub fn axis_name(mut self, name: impl Into<String>) -> Pmap<I, O> {
        self.axis_name = Some(name.into());
        self
    }
    /// The number of devices: needed where no argument is mapped, checked where one is.
    ///
    /// ```
    /// use cotangent::{Pmap, lax, prelude::*};
    /// let numbered = Pmap::new().in_axes(None).axis_name("i").axis_size(3);
    /// let f = numbered.of(|x: &Array| x * lax::axis_index("i"));
    /// assert_eq!(f(&array(5.0)).to_string(), "[ 0.  5. 10.]");
    /// ```
    pub fn axis_size(mut self, size: usize) -> Pmap<I, O> {
        self.axis_size = Some(size);
        self
    }
    /// The devices, one for each element of the mapped axes. Without this they are made as they are needed.
    ///
    /// ```
    /// use cotangent::{Pmap, devices::cpu, prelude::*};
    /// let f = Pmap::new().devices(cpu(2)).of(|x: &Array| x + 1.0);
    /// assert_eq!(f(&array![1., 2.]).to_string(), "[2. 3.]");
    /// let e = catch(|| f(&array![1., 2., 3.])).unwrap_err();
    /// assert!(e.message().contains("3 lanes are mapped over 2 devices"));
    /// ```
    pub fn devices(mut self, devices: Vec<Device>) -> Pmap<I, O> {
        self.devices = Some(devices);
        self
    }
    /// The mapped function.
    ///
    /// ```
    /// use cotangent::{Pmap, prelude::*};
    /// let products = Pmap::new().of(|x: &Array, y: &Array| x.dot(y));
    /// let x = array![[1., 2.], [3., 4.]];
    /// assert_eq!(products(&x, &x).to_string(), "[ 5. 25.]");
    /// ```
    #[track_caller]
    pub fn of<'f, S, F>(self, f: F) -> F::With<'f, F::Out>
    where
        F: Function<S, Out: Pytree> + 'f,
        I: ArgAxes<F::Args> + 'f,
        O: Axes<F::Out> + 'f,
    {
        let at = Location::caller();
        F::with(move |args| {
            let lent = F::lend(&args);
            let x = F::Args::flatten(lent).leaves;
            let axes = described(AxisList::of_args::<F::Args>("pmap", &self.in_axes, lent), at).axes;
            let paths = || paths::<F::Args>(lent);
            let dims: Vec<Option<usize>> =
                (0..x.len()).map(|i| axes[i].map(|a| resolve(("pmap", at), a, &x[i], i, paths))).collect();
            let n = size(("pmap", at), &x, &dims, self.axis_size, paths);
            let devices = self.devices.clone().unwrap_or_else(|| cpu(n));
            if devices.len() != n {
                let text = format!("pmap: {n} lanes are mapped over {} devices; there must be as many", devices.len());
                fail_at(at, ErrorKind::Axis, text)
            }
            if n == 0 {
                fail_at(at, ErrorKind::Axis, "pmap: the mapped axes are empty, so there is no device to run on")
            }
            let name = self.axis_name.as_deref().unwrap_or("<no name>");
            let map = Map { who: "pmap", axes: fresh_mesh([(name, n)].into_iter()), at };
            let ins: Vec<Spec> = dims.iter().map(|d| d.map_or(vec![], along)).collect();
            let mut out = None;
            let mut run = |x: &[Array]| {
                // what is done here and not by the function is done for the line of the map
                let ours = || enter(current(), Some(at));
                let one = |(x, d): (&Array, &Option<usize>)| d.map_or(x.clone(), |d| squeeze(x, &[d]));
                let mine: Vec<Array> = {
                    let _g = ours();
                    x.iter().zip(&dims).map(one).collect()
                };
                let out = out.insert(f.call(F::Args::rebuild_refs(lent, &mut mine.into_iter())));
                let _g = ours();
                let axes = described(AxisList::of_result("pmap", &self.out_axes, out), at).axes;
                let paths = || tree::paths(out);
                let place = |(i, y): (usize, Array)| match axes[i] {
                    Some(a) => {
                        let d = stacked(("pmap", at), a, y.ndim() + 1, i, paths);
                        (expand_dims(&y, &[d]), along(d))
                    }
                    None => (y, vec![]),
                };
                let said = |i: usize| if axes[i].is_none() { "out_axes says None".to_string() } else { String::new() };
                map.results(tree::leaves(out).into_iter().enumerate().map(place).collect(), said, paths)
            };
            let y = map.bind(&mut run, &x, ins);
            out.expect("the function was called").rebuild(&mut y.into_iter())
        })
    }
}
/// Split along dimension `d` over the only axis.
fn along(d: usize) -> Spec {
    let mut spec = vec![vec![]; d];
    spec.push(vec![0]);
    spec
}

/// `f` on every device of a mesh, each on its piece of the arguments.
///
/// `in_specs` says how each argument lies over the mesh: one [`P()`] for all arguments, or one entry for each: a layout or a prefix of the
/// argument's structure. `P(())` is what every device has. `out_specs` says how the pieces of the results make whole arrays. Inside, the axes of
/// the mesh have names by which collectives refer to them, and shapes are those of a piece.
///
/// A result that `out_specs` does not split over an axis must be the same along it, and that must follow from types: a sum over the axis does not
/// vary over it, what is computed from split arguments does. Gradients that are taken *inside* are those of each device, as under `vmap`: sum them with
/// `psum` or `pmean`, or with [`Grad::reduce_axes`](crate::Grad::reduce_axes); gradients *of* the mapped function are those of the whole. As
/// `jax.shard_map`, which sums the former by itself.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::devices::{Mesh, P, cpu};
/// use cotangent::{lax, shard_map};
/// let mesh = Mesh::new(cpu(4), [("data", 2), ("model", 2)]);
/// let matmul = |x: &Array, w: &Array| lax::psum(x.matmul(w), "model");
/// let f = shard_map(matmul, &mesh, (P(("data", "model")), P("model")), P("data"));
/// let (x, w) = (array![[1., 2.], [3., 4.]], array![[5., 6.], [7., 8.]]);
/// assert_eq!(f(&x, &w).to_string(), x.matmul(&w).to_string());
/// ```
///
/// # Panics
/// When called: if a layout does not fit an argument or the mesh, or if a result varies over an axis along which it should be the same; with a
/// device's error, if one fails.
#[track_caller]
pub fn shard_map<'f, S, F, I, O>(f: F, mesh: &Mesh, in_specs: I, out_specs: O) -> F::With<'f, F::Out>
where
    F: Function<S, Out: Pytree> + 'f,
    I: ArgAxes<F::Args> + 'f,
    O: Axes<F::Out> + 'f,
{
    let at = Location::caller();
    let mesh = mesh.clone();
    F::with(move |args| {
        let lent = F::lend(&args);
        let x = F::Args::flatten(lent).leaves;
        let specs = laid(AxisList::specs_of_args::<F::Args>("shard_map", &in_specs, lent), at);
        let map = Map { who: "shard_map", axes: fresh_mesh(mesh.axes()), at };
        let ins: Vec<Spec> = (0..x.len())
            .map(|i| map.input(&mesh, &specs[i], &x[i], || paths::<F::Args>(lent).swap_remove(i)))
            .collect();
        let mut out = None;
        let mut run = |x: &[Array]| {
            let out = out.insert(f.call(F::Args::rebuild_refs(lent, &mut x.iter().cloned())));
            let specs = laid(AxisList::specs_of_result("shard_map", &out_specs, out), at);
            let paths = || tree::paths(out);
            let lay = |(i, y): (usize, Array)| {
                let spec = map.output(&mesh, &specs[i], &y, || paths().swap_remove(i));
                (y, spec)
            };
            let said = |i: usize| format!("out_specs says {}", specs[i]);
            map.results(tree::leaves(out).into_iter().enumerate().map(lay).collect(), said, paths)
        };
        let y = map.bind(&mut run, &x, ins);
        out.expect("the function was called").rebuild(&mut y.into_iter())
    })
}
fn laid(specs: Result<Vec<P>, String>, at: Loc) -> Vec<P> {
    specs.unwrap_or_else(|why| fail_at(at, ErrorKind::Structure, why))
}

/// What both share, on flat lists.
struct Map {
    who: &'static str,
    axes: Vec<Axis>,
    at: Loc,
}
/// Results of a device and their layouts.
type Results = Vec<(Array, Spec)>;

impl Map {
    /// A layout with numbers for names.
    fn numbered(&self, mesh: &Mesh, p: &P, what: impl Fn() -> String) -> Spec {
        let mut seen = vec![];
        let mut number = |name: &String| {
            let Some(k) = self.axes.iter().position(|a| *a.name == **name) else {
                let text = format!("{}: {}, but {mesh} has no axis {name}", self.who, what());
                fail_at(self.at, ErrorKind::Axis, text)
            };
            if seen.contains(&k) {
                let text = format!("{}: {}, which names axis {name} twice", self.who, what());
                fail_at(self.at, ErrorKind::Axis, text)
            }
            seen.push(k);
            k
        };
        p.along.iter().map(|names| names.iter().map(&mut number).collect()).collect()
    }
    fn input(&self, mesh: &Mesh, p: &P, x: &Array, path: impl Fn() -> String) -> Spec {
        let what = || format!("in_specs says {p} for argument {}", path());
        let spec = self.numbered(mesh, p, what);
        if let Err(why) = piece(x.aval(), &spec, &self.axes) {
            fail_at(self.at, ErrorKind::Shape, format!("{}: {}: {why}", self.who, what()))
        }
        spec
    }
    fn output(&self, mesh: &Mesh, p: &P, y: &Array, path: impl Fn() -> String) -> Spec {
        let what = || format!("out_specs says {p} for result {}", path());
        let spec = self.numbered(mesh, p, what);
        if spec.len() > y.ndim() {
            let text = format!("{}: {}, of which a device's piece has type {}", self.who, what(), y.aval());
            fail_at(self.at, ErrorKind::Shape, text)
        }
        spec
    }
    /// The results, if none varies over an axis of the mesh over which it should be the same.
    fn results(&self, y: Results, said: impl Fn(usize) -> String, paths: impl Fn() -> Vec<String>) -> Results {
        for (i, (y, spec)) in y.iter().enumerate() {
            let extra = y.aval().varying & bits(&self.axes) & !named(spec, &self.axes);
            if extra == 0 {
                continue;
            }
            let over: Vec<&Axis> = self.axes.iter().filter(|a| a.bit & extra != 0).collect();
            let names = over.iter().map(|a| format!("'{}'", a.name)).collect::<Vec<_>>().join(", ");
            let made = match &y.0 {
                Repr::Tracer(n) => format!(" (it was made at {})", n.loc),
                _ => String::new(),
            };
            let text = format!(
                "{}: {} for result {}, which is to be the same on every device along {names}, but it differs from device to device \
                 there{made}; split it over that axis, or make it the same with a collective such as psum, pmean or pmax",
                self.who,
                said(i),
                paths()[i]
            );
            fail_at(self.at, ErrorKind::Axis, text)
        }
        y
    }
    /// Stages the function for pieces of the arguments, and binds the operation that runs its program on the devices.
    fn bind(&self, run: &mut dyn FnMut(&[Array]) -> Results, x: &[Array], ins: Vec<Spec>) -> Vec<Array> {
        let fits = |(x, s): (&Array, &Spec)| piece(x.aval(), s, &self.axes).expect("a layout that fits");
        let avals: Vec<Aval> = x.iter().zip(&ins).map(fits).collect();
        let mut outs = vec![];
        let (body, captured) = {
            let mesh = Trace::new(current(), Kind::Mesh(self.axes.clone()), self.at);
            let _g = enter(Some(mesh), None);
            let mut f = |x: &[Array]| {
                let (y, specs) = run(x).into_iter().unzip();
                outs = specs;
                y
            };
            stage_flat(&mut f, &avals, self.at)
        };
        // what the function captures every device has
        let ins = std::iter::repeat_n(vec![], captured.len()).chain(ins).collect();
        let prim = ShardMap { body, axes: self.axes.clone().into(), ins, outs };
        let args: Vec<&Array> = captured.iter().chain(x).collect();
        crate::trace::bind_at(self.at, &prim, &args).into_vec()
    }
}
