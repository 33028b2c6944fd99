//! From an index and a shape to the operations that read or write what the index names.

use super::Mode;
use super::items::{Item, Stretch};
use crate::array::{Array, broadcast_shapes};
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::broadcast_to;
use crate::prim::{self, GatherDimensionNumbers, GatherOptions, GatherScatterMode};

/// One part of an index as far as the array's shape decides about it.
pub(super) enum Entry {
    /// A new dimension.
    New,
    /// One index, known and inside.
    Int(usize),
    /// An array of indices of the type `index_type`, none of them to be counted from the end.
    Array(Array),
    Stretch(Stretch),
    /// A scalar truth value: a new dimension of extent 1, which an index keeps or not.
    Flag(bool),
}
impl Entry {
    fn is_advanced(&self) -> bool {
        matches!(self, Entry::Int(_) | Entry::Array(_) | Entry::Flag(_))
    }
}

/// The integers of an array, if they are known.
pub(in crate::np) fn integers(a: &Array) -> Option<Vec<i64>> {
    let a = a.try_concrete().ok()?;
    macro_rules! read { ($($T:ident $t:ty),*) => {
        match a.dtype() {
            $(DType::$T => a.with_slice(|x: &[$t]| x.iter().map(|i| i64::try_from(*i).unwrap_or(i64::MAX)).collect()),)*
            _ => return None,
        }
    } }
    Some(read!(Int8 i8, Int16 i16, Int32 i32, Int64 i64, Uint8 u8, Uint16 u16, Uint32 u32, Uint64 u64))
}
/// The type of indices into an array of this shape.
pub(in crate::np) fn index_type(shape: &[usize]) -> DType {
    if shape.iter().any(|n| *n > i32::MAX as usize) { DType::Int64 } else { DType::Int32 }
}
/// These indices as an array.
pub(in crate::np) fn indices(values: impl IntoIterator<Item = i64>, shape: &[usize], dtype: DType) -> Array {
    if dtype == DType::Int64 {
        return Array::from_slice(&values.into_iter().collect::<Vec<_>>(), shape);
    }
    // one that no int32 holds stays outside
    let few = |i: i64| i.clamp(i32::MIN as i64, i32::MAX as i64) as i32;
    Array::from_slice(&values.into_iter().map(few).collect::<Vec<_>>(), shape)
}

/// Where a mask that is known holds: for each of its dimensions the indices of all places, in row-major order.
fn places_in(mask: &Array, t: DType) -> Vec<Array> {
    let shape = mask.shape();
    let places: Vec<usize> =
        mask.with_slice(|x: &[bool]| x.iter().enumerate().filter(|(_, b)| **b).map(|(i, _)| i).collect());
    let along = |(stride, extent): (&i64, &usize)| {
        let index = places.iter().map(|p| (p / *stride as usize % extent) as i64);
        indices(index, &[places.len()], t)
    };
    cotangent_cpu::row_major(shape).iter().zip(shape).map(along).collect()
}
/// The same of any mask.
#[track_caller]
pub(in crate::np) fn places(mask: &Array) -> Vec<Array> {
    places_in(mask.concrete("the places where a mask holds"), index_type(mask.shape()))
}

/// Indices along one dimension of an array of this shape, checked where they are known, and counted from the start.
#[track_caller]
pub(in crate::np) fn counted(name: &str, shape: &[usize], indices: &Array, d: usize) -> Array {
    let mut p = Parsed { name, shape, entries: vec![], contiguous: true };
    p.array(indices, d, None);
    match p.entries.pop() {
        Some(Entry::Array(counted)) => counted,
        _ => unreachable!("an array of indices is one part"),
    }
}

/// An index that fits the array it is for.
pub(super) struct Parsed<'a> {
    name: &'a str,
    /// The array's shape.
    shape: &'a [usize],
    pub entries: Vec<Entry>,
    /// Do the advanced parts stand side by side?
    contiguous: bool,
}

impl<'a> Parsed<'a> {
    /// Checks that the parts fit the shape. Where no mode says what happens outside, indices that are known have to be inside.
    #[track_caller]
    pub fn new(name: &'a str, shape: &'a [usize], items: &[Item], mode: Option<Mode>) -> Parsed<'a> {
        let takes = |i: &Item| match i {
            Item::At(_) | Item::Slice(_) => 1,
            Item::Array(a) if a.dtype().is_bool() => a.ndim(),
            Item::Array(_) => 1,
            Item::Ellipsis | Item::NewAxis => 0,
        };
        let named: usize = items.iter().map(takes).sum();
        if named > shape.len() {
            fail(
                ErrorKind::Shape,
                format!(
                    "{name}: {named} dimensions are indexed in an array of shape {}, which has {}",
                    tuple(shape),
                    shape.len()
                ),
            )
        }
        if items.iter().filter(|i| matches!(i, Item::Ellipsis)).count() > 1 {
            fail(ErrorKind::Shape, format!("{name}: an index has one Ellipsis at most"))
        }
        let mut p = Parsed { name, shape, entries: vec![], contiguous: true };
        // what comes between the first and the last advanced part
        let (mut begun, mut parted) = (false, false);
        let mut axis = 0;
        for item in items {
            let before = p.entries.len();
            match item {
                Item::NewAxis => p.entries.push(Entry::New),
                Item::Slice(s) => p.entries.push(Entry::Stretch(s.of(shape[axis]))),
                Item::Ellipsis => p.full(axis, shape.len() - named),
                Item::At(i) => p.at(*i, axis, mode),
                Item::Array(a) if a.dtype().is_bool() => p.mask(a, axis),
                Item::Array(a) => p.array(a, axis, mode),
            }
            let advanced = matches!(item, Item::At(_) | Item::Array(_));
            p.contiguous &= !(advanced && parted);
            parted |= begun && !advanced;
            begun |= advanced;
            axis += p.entries[before..].iter().filter(|e| !matches!(e, Entry::New | Entry::Flag(_))).count();
        }
        p.full(axis, shape.len() - axis);
        p
    }
    fn full(&mut self, from: usize, count: usize) {
        let whole = |len: &usize| Entry::Stretch(Stretch { low: 0, step: 1, len: *len, reversed: false });
        self.entries.extend(self.shape[from..from + count].iter().map(whole))
    }
    #[track_caller]
    fn outside(&self, i: i64, axis: usize) -> ! {
        fail(
            ErrorKind::Value,
            format!(
                "{}: index {i} is out of bounds for axis {axis} of an array of shape {}; a mode says what an index outside means",
                self.name,
                tuple(self.shape)
            ),
        )
    }
    /// The index counted from the start; outside, where it lies outside.
    fn counted(&self, i: i64, axis: usize, mode: Option<Mode>) -> i64 {
        let n = self.shape[axis] as i64;
        match mode {
            Some(Mode::Wrap) if n > 0 => i.rem_euclid(n),
            _ if i < 0 => i + n,
            _ => i,
        }
    }
    #[track_caller]
    fn at(&mut self, i: i64, axis: usize, mode: Option<Mode>) {
        let (c, n) = (self.counted(i, axis, mode), self.shape[axis] as i64);
        let entry = match mode {
            _ if (0..n).contains(&c) => Entry::Int(c as usize),
            _ if n == 0 => self.outside(i, axis),
            None | Some(Mode::PromiseInBounds) => self.outside(i, axis),
            Some(Mode::Clip) => Entry::Int(c.clamp(0, n - 1) as usize),
            _ => Entry::Array(indices([c.max(-1)], &[], index_type(self.shape))),
        };
        self.entries.push(entry)
    }
    #[track_caller]
    fn array(&mut self, a: &Array, axis: usize, mode: Option<Mode>) {
        let (n, t) = (self.shape[axis], index_type(self.shape));
        if !a.dtype().is_integer() {
            fail(
                ErrorKind::Type,
                format!(
                    "{}: an index of type {}, but indices are integers or booleans: convert it with astype",
                    self.name,
                    a.aval()
                ),
            )
        }
        let known = integers(a);
        if n == 0 && a.size() > 0 {
            self.outside(known.map_or(0, |v| v[0]), axis)
        }
        if let (None, Some(values)) = (mode, &known)
            && let Some(i) = values.iter().find(|i| !(-(n as i64)..n as i64).contains(i))
        {
            self.outside(*i, axis)
        }
        let counted = match known.filter(|_| !a.is_tracer()) {
            // one below all stays so
            Some(values) => indices(values.into_iter().map(|i| self.counted(i, axis, mode).max(-1)), a.shape(), t),
            None => {
                let i = prim::convert_element_type(a, t, false);
                let extent = prim::lit(&i, n as f64);
                match mode {
                    Some(Mode::Wrap) => crate::np::remainder(&i, &extent),
                    _ if a.dtype().is_unsigned() => i,
                    _ => prim::select_n(&prim::lt(&i, &prim::lit(&i, 0.0)), &[&i, &prim::add(&i, &extent)]),
                }
            }
        };
        self.entries.push(Entry::Array(counted))
    }
    /// A mask is the list of the places where it holds.
    #[track_caller]
    fn mask(&mut self, a: &Array, axis: usize) {
        let shape = a.shape();
        if shape != &self.shape[axis..axis + shape.len()] {
            fail(
                ErrorKind::Shape,
                format!(
                    "{}: a mask of shape {} for dimensions {} of an array of shape {}",
                    self.name,
                    tuple(shape),
                    tuple(&(axis..axis + shape.len()).collect::<Vec<_>>()),
                    tuple(self.shape)
                ),
            )
        }
        let Ok(known) = a.try_concrete() else {
            fail(
                ErrorKind::Concrete,
                format!(
                    "{}: a mask {} whose values are abstract: how many elements it picks, and so the shape of the result, is not known here; \
                     choose with np::where_, or index by integers",
                    self.name,
                    a.aval()
                ),
            )
        };
        if shape.is_empty() {
            return self.entries.push(Entry::Flag(known.to_bool()));
        }
        for place in places_in(known, index_type(self.shape)) {
            self.entries.push(Entry::Array(place))
        }
    }

    /// Only what is known and lies in a box with steps: nothing needs arrays of indices.
    pub fn is_static(&self) -> bool {
        !self.entries.iter().any(|e| matches!(e, Entry::Array(_) | Entry::Flag(_)))
    }
    /// One box of neighbors, whose place may be computed.
    pub fn is_box(&self) -> bool {
        self.entries.iter().all(|e| match e {
            Entry::Array(a) => a.ndim() == 0,
            Entry::Stretch(s) => s.step == 1,
            Entry::Flag(_) => false,
            Entry::New | Entry::Int(_) => true,
        })
    }
    /// The dimensions of the box that turn around, those that go, and those of the result that are new.
    pub fn dims(&self) -> (Shape, Shape, Shape) {
        let (mut reversed, mut gone, mut new) = (Shape::new(), Shape::new(), Shape::new());
        let (mut axis, mut kept) = (0, 0);
        for e in &self.entries {
            match e {
                Entry::New => new.push(kept),
                Entry::Stretch(s) if s.reversed => reversed.push(axis),
                Entry::Int(_) | Entry::Array(_) => gone.push(axis),
                Entry::Stretch(_) | Entry::Flag(_) => {}
            }
            kept += matches!(e, Entry::New | Entry::Stretch(_)) as usize;
            axis += !matches!(e, Entry::New) as usize;
        }
        (reversed, gone, new)
    }
    /// The parts that are about dimensions, as stretches.
    pub fn stretches(&self) -> Vec<Stretch> {
        let of = |e: &Entry| match e {
            Entry::Stretch(s) => Some(*s),
            Entry::Int(i) => Some(Stretch { low: *i, step: 1, len: 1, reversed: false }),
            Entry::Array(_) => Some(Stretch { low: 0, step: 1, len: 1, reversed: false }),
            Entry::New | Entry::Flag(_) => None,
        };
        self.entries.iter().filter_map(of).collect()
    }
    /// The first corner of a box whose place may be computed.
    pub fn starts(&self) -> Vec<Array> {
        let t = index_type(self.shape);
        let of = |e: &Entry| match e {
            Entry::Stretch(s) => Some(indices([s.low as i64], &[], t)),
            Entry::Int(i) => Some(indices([*i as i64], &[], t)),
            Entry::Array(a) => Some(a.clone()),
            Entry::New | Entry::Flag(_) => None,
        };
        self.entries.iter().filter_map(of).collect()
    }
    /// What a box in the array's terms is in the user's.
    #[track_caller]
    pub fn shown(&self, x: &Array) -> Array {
        let (reversed, gone, new) = self.dims();
        let x = prim::squeeze(&prim::rev(x, &reversed), &gone);
        if new.is_empty() { x } else { prim::expand_dims(&x, &new) }
    }
    /// Everything as one gather, or one scatter.
    #[track_caller]
    pub fn plan(&self) -> Plan {
        Plan::new(self)
    }
}

/// A gather, or the scatter that is its mirror image, and what is done before and behind.
pub(super) struct Plan {
    /// New dimensions of the array, which scalar truth values index.
    pub flags: Shape,
    /// The index vectors; `None` takes everything.
    pub indices: Option<Array>,
    pub dims: GatherDimensionNumbers,
    pub sizes: Shape,
    /// The shape that the user sees.
    pub shape: Shape,
    /// Those of its dimensions that are new.
    pub new: Shape,
    /// The dimensions of the gather's result that turn around.
    pub reversed: Shape,
    /// No element is named twice, and the index vectors ascend.
    pub unique: bool,
}
impl Plan {
    #[track_caller]
    fn new(p: &Parsed) -> Plan {
        let t = index_type(p.shape);
        let one = |i: i64| indices([i], &[], t);
        // advanced parts, with their axes, counting those of truth values
        let mut advanced: Vec<(Array, usize)> = vec![];
        let (mut flags, mut extents, mut axis) = (Shape::new(), Shape::new(), 0);
        let mut old = p.shape.iter();
        for e in &p.entries {
            match e {
                Entry::New => continue,
                Entry::Flag(b) => {
                    flags.push(axis);
                    advanced.push((indices((*b).then_some(0), &[*b as usize], t), axis))
                }
                Entry::Int(i) => advanced.push((one(*i as i64), axis)),
                Entry::Array(a) => advanced.push((a.clone(), axis)),
                Entry::Stretch(_) => {}
            }
            extents.push(if matches!(e, Entry::Flag(_)) {
                1
            } else {
                *old.next().expect("an extent for each dimension")
            });
            axis += 1;
        }
        let shapes: Vec<&[usize]> = advanced.iter().map(|(a, _)| a.shape()).collect();
        let Some(block) = broadcast_shapes(&shapes) else {
            let shapes: Vec<String> = shapes.iter().map(|s| tuple(s)).collect();
            fail(ErrorKind::Shape, format!("{}: index arrays of shapes {} do not broadcast", p.name, shapes.join(", ")))
        };
        let first = p.entries.iter().position(Entry::is_advanced).filter(|_| p.contiguous).unwrap_or(0);
        let mut plan = Plan {
            flags,
            indices: None,
            dims: GatherDimensionNumbers::default(),
            sizes: Shape::from_slice(&extents),
            shape: Shape::new(),
            new: Shape::new(),
            reversed: Shape::new(),
            unique: block.iter().product::<usize>() <= 1,
        };
        // components of index vectors, with the dimension of the indices at which theirs begin
        let (mut parts, mut counts): (Vec<(Array, usize)>, Shape) = (vec![], Shape::new());
        let (mut axis, mut seen) = (0, 0);
        for (k, e) in p.entries.iter().enumerate() {
            if k == first && !advanced.is_empty() {
                for (a, d) in &advanced {
                    parts.push((a.clone(), counts.len() + block.len() - a.ndim()));
                    plan.dims.start_index_map.push(*d)
                }
                counts.extend_from_slice(&block);
                plan.shape.extend_from_slice(&block);
                seen += block.len()
            }
            match e {
                Entry::New => {
                    plan.new.push(plan.shape.len());
                    plan.shape.push(1);
                    continue;
                }
                Entry::Int(_) | Entry::Array(_) | Entry::Flag(_) => {
                    plan.sizes[axis] = 1;
                    plan.dims.collapsed_slice_dims.push(axis)
                }
                Entry::Stretch(s) => {
                    if s.reversed {
                        plan.reversed.push(seen)
                    }
                    if s.step == 1 {
                        if s.len != extents[axis] {
                            parts.push((one(s.low as i64), counts.len()));
                            plan.dims.start_index_map.push(axis)
                        }
                        plan.sizes[axis] = s.len;
                        plan.dims.offset_dims.push(seen)
                    } else {
                        let each = (0..s.len).map(|k| (s.low + k * s.step) as i64);
                        parts.push((indices(each, &[s.len], t), counts.len()));
                        plan.dims.start_index_map.push(axis);
                        plan.dims.collapsed_slice_dims.push(axis);
                        plan.sizes[axis] = 1;
                        counts.push(s.len)
                    }
                    plan.shape.push(s.len);
                    seen += 1
                }
            }
            axis += 1
        }
        let rank = counts.len();
        counts.push(1);
        let component = |(a, from): &(Array, usize)| {
            if *from == 0 && a.ndim() == rank && a.shape() == &counts[..rank] {
                return prim::reshape(a, &counts);
            }
            prim::broadcast_in_dim(a, &counts, &(*from..from + a.ndim()).collect::<Vec<_>>())
        };
        let parts: Vec<Array> = parts.iter().map(component).collect();
        if !parts.is_empty() {
            plan.indices = Some(prim::concatenate(&parts.iter().collect::<Vec<_>>(), rank))
        }
        plan
    }
    /// The array as the gather sees it.
    #[track_caller]
    pub fn seen(&self, x: &Array) -> Array {
        if self.flags.is_empty() { x.clone() } else { prim::expand_dims(x, &self.flags) }
    }
    /// What the index names.
    #[track_caller]
    pub fn get(&self, x: &Array, options: &GatherOptions) -> Array {
        if self.shape.contains(&0) {
            return prim::zeros_of(&x.aval().with_shape(self.shape.iter().copied()));
        }
        let mut y = self.seen(x);
        if let Some(i) = &self.indices {
            let (unique, sorted) = (self.unique || options.unique_indices, self.unique || options.indices_are_sorted);
            let options = GatherOptions { unique_indices: unique, indices_are_sorted: sorted, ..*options };
            y = prim::gather(&y, i, &self.dims, &self.sizes, &options)
        }
        y = prim::rev(&y, &self.reversed);
        if self.new.is_empty() { y } else { prim::expand_dims(&y, &self.new) }
    }
    /// Values for what the index names as the scatter wants them.
    #[track_caller]
    pub fn updates(&self, v: &Array) -> Array {
        prim::rev(&prim::squeeze(&broadcast_to(v, &self.shape), &self.new), &self.reversed)
    }
}

/// What the primitives call a mode. An index that wraps is inside.
pub(super) fn gather_mode(mode: Option<Mode>) -> GatherScatterMode {
    match mode {
        None | Some(Mode::Fill | Mode::Drop) => GatherScatterMode::FillOrDrop,
        Some(Mode::Clip) => GatherScatterMode::Clip,
        Some(Mode::PromiseInBounds | Mode::Wrap) => GatherScatterMode::PromiseInBounds,
    }
}
