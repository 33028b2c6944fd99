//! What is refused, and in what words; and that what is accepted can be run.

use crate::*;
use smallvec::smallvec;
use std::sync::Arc;

fn f(dims: &[usize]) -> Ty {
    Ty::new(Dt::F32, dims)
}
fn plain(v: ValId) -> Use {
    Use::plain(v)
}

/// A program of these arguments and one node that reads all of them as they are.
fn one(kind: Kind, args: &[Ty], results: &[Ty]) -> Program {
    let mut p = Program::default();
    let uses: Vec<Use> = args.iter().map(|ty| plain(p.arg(ty.clone()))).collect();
    let v = p.push(kind, &uses, results);
    p.outs = vec![v];
    p
}
#[track_caller]
fn fails(p: &Program, words: &str) {
    let e = p.check().expect_err("accepted");
    assert!(e.contains(words), "{e}\n  does not say: {words}");
}
#[track_caller]
fn refused(kind: Kind, args: &[Ty], result: Ty, words: &str) {
    fails(&one(kind, args, &[result]), words);
}
#[track_caller]
fn accepted(kind: Kind, args: &[Ty], result: Ty) {
    one(kind, args, &[result]).check().unwrap();
}

#[test]
fn the_message_names_node_kind_and_types() {
    let e = one(Kind::Reduce { op: Fold::And, first: 0, count: 1 }, &[f(&[3])], &[f(&[])]).check().unwrap_err();
    assert_eq!(e, "node 1: reduce (f32[3]) -> f32[]: And is not defined on f32");
}

#[test]
fn the_skeleton() {
    let good = one(Kind::View, &[f(&[3])], &[f(&[3])]);
    good.check().unwrap();
    let broken = |change: &dyn Fn(&mut Program), words: &str| {
        let mut p = good.clone();
        change(&mut p);
        fails(&p, words);
    };
    broken(&|p| p.uses[0].val = 1, "%1 is not made before");
    broken(&|p| p.uses[0].val = 9, "%9 is not made before");
    broken(&|p| p.uses[0].view = Some(0), "view 0 of 0");
    broken(&|p| p.uses[0].part = Part::Re, "f32[3] has no parts");
    broken(&|p| p.nodes[1].uses = (0, 2), "operands (0, 2) of 1");
    broken(&|p| p.nodes[1].uses = (u32::MAX, u32::MAX), "of 1");
    broken(&|p| p.nodes[1].uses = (0, 0), "0 operands, not 1");
    broken(&|p| p.nodes[1].vals = (1, 2), "results (1, 2) of 2");
    broken(&|p| p.nodes[1].vals = (0, 1), "its results begin at %0, not at %1");
    broken(&|p| p.nodes[1].vals = (1, 0), "0 results, not one");
    broken(&|p| p.vals[1].node = 0, "says that node 0 makes it");
    broken(&|p| p.vals.push(Val { node: 1, ty: f(&[]) }), "3 values, but the nodes make 2");
    broken(&|p| p.outs = vec![2], "result 0 is %2");
    broken(&|p| p.args[0].dt = Dt::I32, "argument 0 is i32[3]");
    broken(&|p| p.args.clear(), "argument 0 of 0");
    broken(&|p| p.vals[1].ty.dt = Dt::I32, "another element type");
    broken(&|p| p.vals[1].ty.dims = smallvec![2], "extents [3] where [2] are needed");
    let twice = one(Kind::Arg(0), &[f(&[])], &[f(&[])]);
    fails(
        &Program { nodes: vec![twice.nodes[0].clone(), Node { uses: (0, 0), ..twice.nodes[1].clone() }], ..twice },
        "a second node",
    );
}

#[test]
fn sizes_that_overflow() {
    let huge = [1 << 40, 1 << 40];
    let mut p = Program::default();
    p.arg(f(&huge));
    fails(&p, "too large");
    // An extent of 0 does not make the strides small.
    let mut p = Program::default();
    p.arg(f(&[0, 1 << 40, 1 << 40]));
    fails(&p, "too large");
    let mut p = Program::default();
    let x = p.arg(f(&[3]));
    p.views.push(View::splat(&huge));
    p.push(Kind::View, &[Use { view: Some(0), ..plain(x) }], &[f(&huge)]);
    fails(&p, "too large");
    refused(Kind::Map(Arc::default()), &[], f(&[usize::MAX]), "too large");
    accepted(Kind::View, &[f(&[1 << 30, 0])], f(&[1 << 30, 0]));
}

#[test]
fn views() {
    let through = |v: View| {
        let mut p = Program::default();
        let x = p.arg(f(&[2, 3]));
        let ty = f(&v.dims);
        p.views.push(v);
        p.push(Kind::View, &[Use { view: Some(0), ..plain(x) }], &[ty]);
        p
    };
    let v = |dims: &[usize], offset, strides: &[i64]| View { offset, strides: strides.into(), ..View::splat(dims) };
    let guard = |lo, hi, step| View { guards: smallvec![Guard { dim: 0, lo, hi, step }], ..v(&[4], 0, &[2]) };
    through(v(&[3, 2], 0, &[1, 3])).check().unwrap();
    fails(&through(v(&[3, 2], 1, &[1, 3])), "reads elements 1 to 6 of f32[2,3]");
    fails(&through(v(&[3, 2], 1, &[-1, 3])), "reads elements -1 to 4");
    fails(&through(v(&[7], 0, &[1])), "reads elements 0 to 6");
    through(v(&[7, 0], 99, &[1, 1])).check().unwrap();
    fails(&through(v(&[3], 0, &[1, 1])), "2 strides for 1 dimensions");
    fails(&through(v(&[3], i64::MAX, &[1])), "beyond any address");
    fails(&through(v(&[3], 0, &[i64::MIN])), "beyond any address");
    fails(&through(v(&[3, 3], i64::MAX - 2, &[1, 1])), "beyond any address");
    through(guard(1, 4, 1)).check().unwrap();
    fails(&through(guard(0, 4, 1)), "reads elements 0 to 6");
    through(guard(0, 4, 2)).check().unwrap();
    fails(&through(guard(-3, 4, 1)), "reads elements 6 to 12");
    through(guard(3, 2, 1)).check().unwrap();
    fails(&through(guard(0, 4, -1)), "step -1");
    // around: nothing is outside, and as much is read as goes around
    through(guard(-7, -4, Guard::AROUND)).check().unwrap();
    fails(&through(guard(0, 4, Guard::AROUND)), "reads elements 0 to 6");
    fails(&through(guard(4, 4, Guard::AROUND)), "step 0");
    fails(&through(guard(0, 1 << 62, Guard::AROUND)), "out of all bounds");
    fails(&through(guard(i64::MIN, 4, 1)), "out of all bounds");
    fails(&through(guard(0, i64::MAX, 1)), "out of all bounds");
    fails(&through(guard(-(1 << 61), 1 << 61, 4)), "reads elements");
    fails(
        &through(View { guards: smallvec![Guard { dim: 1, lo: 0, hi: 1, step: 1 }], ..v(&[3], 0, &[1]) }),
        "dimension 1 of 1",
    );
    let g = |dim| Guard { dim, lo: 0, hi: 1, step: 1 };
    fails(&through(View { guards: smallvec![g(1), g(0)], ..v(&[1, 1], 0, &[0, 0]) }), "ascending");
    fails(&through(View { guards: smallvec![g(0), g(0)], ..v(&[1, 1], 0, &[0, 0]) }), "ascending");
    fails(&through(View { fill: [1 << 40, 0], ..guard(1, 4, 1) }), "not the bits of a f32");
    fails(&through(View { fill: [0, 1], ..guard(1, 4, 1) }), "not the bits of a f32");
    // Nothing can be read from nothing, but behind a guard.
    let mut p = Program::default();
    let x = p.arg(f(&[0]));
    p.views.push(View::splat(&[2]));
    p.push(Kind::View, &[Use { view: Some(0), ..plain(x) }], &[f(&[2])]);
    fails(&p, "reads elements 0 to 0 of f32[0]");
    p.views[0].guards.push(Guard { dim: 0, lo: 0, hi: 0, step: 1 });
    p.check().unwrap();
}

#[test]
fn constants() {
    let constant = |dt, bits| {
        let mut p = Program::default();
        p.constant(dt, bits);
        p
    };
    constant(Dt::I8, [0xff, 0]).check().unwrap();
    constant(Dt::C128, [u64::MAX; 2]).check().unwrap();
    fails(&constant(Dt::Bool, [2, 0]), "not the bits of a bool");
    fails(&constant(Dt::I8, [u64::MAX, 0]), "not the bits of a i8");
    fails(&constant(Dt::C64, [0, 1 << 32]), "not the bits of a c64");
    fails(&constant(Dt::U64, [0, 1]), "not the bits of a u64");
    refused(Kind::Const([0; 2]), &[], f(&[1]), "a constant is a scalar");
}

/// A map of `f32[3]`, `c64[3]` (both parts) and `bool[3]`.
fn map(body: Body, results: &[Ty]) -> Program {
    let mut p = Program::default();
    let (x, z, b) = (p.arg(f(&[3])), p.arg(Ty::new(Dt::C64, &[3])), p.arg(Ty::new(Dt::Bool, &[3])));
    let part = |part| Use { part, ..plain(z) };
    p.push(Kind::Map(Arc::new(body)), &[plain(x), part(Part::Re), part(Part::Im), plain(b)], results);
    p
}

#[test]
fn bodies() {
    let inputs = || {
        let mut b = Body::default();
        b.input(0, Dt::F32);
        b.input(1, Dt::F32);
        b.input(2, Dt::F32);
        b.input(3, Dt::Bool);
        b
    };
    let after = |op, dt, a, b, c| {
        let mut body = inputs();
        let out = body.push(op, dt, a, b, c);
        body.outs = vec![out];
        map(body, &[Ty::new(dt, &[3])])
    };
    after(Op::Add, Dt::F32, 0, 1, 0).check().unwrap();
    after(Op::Select, Dt::F32, 3, 1, 0).check().unwrap();
    after(Op::Select, Dt::Bool, 3, 3, 3).check().unwrap();
    after(Op::Le, Dt::Bool, 0, 2, 0).check().unwrap();
    after(Op::Cast, Dt::Bf16, 3, 0, 0).check().unwrap();
    after(Op::Bitcast, Dt::I32, 0, 0, 0).check().unwrap();
    after(Op::Bitcast, Dt::U8, 3, 0, 0).check().unwrap();
    after(Op::Index, Dt::I8, 0, 0, 0).check().unwrap();
    after(Op::Max, Dt::Bool, 3, 3, 0).check().unwrap();
    after(Op::Math(M::Pow), Dt::F32, 0, 1, 0).check().unwrap();
    let e = after(Op::Add, Dt::F32, 0, 3, 0).check().unwrap_err();
    assert_eq!(
        e,
        "node 3: map (f32[3], c64[3], c64[3], bool[3]) -> f32[3]: instruction 4 (Add f32): operands of types f32 and bool"
    );
    fails(&after(Op::Add, Dt::F64, 0, 1, 0), "instruction 4 (Add f64): not defined for operands f32");
    fails(&after(Op::Add, Dt::Bool, 3, 3, 0), "not defined for operands bool");
    fails(&after(Op::Add, Dt::F32, 0, 4, 0), "uses 4, which is not before it");
    fails(&after(Op::MulAdd, Dt::F32, 0, 0, u32::MAX), "not before it");
    fails(&after(Op::And, Dt::F32, 0, 0, 0), "not defined");
    fails(&after(Op::Sqrt, Dt::Bool, 3, 0, 0), "not defined");
    fails(&after(Op::Lt, Dt::F32, 0, 0, 0), "not defined");
    fails(&after(Op::Lt, Dt::Bool, 0, 3, 0), "operands of types");
    fails(&after(Op::Select, Dt::F32, 0, 1, 1), "the predicate is f32");
    fails(&after(Op::Select, Dt::F32, 3, 1, 3), "operands of types");
    fails(&after(Op::Bitcast, Dt::F64, 0, 0, 0), "not defined");
    fails(&after(Op::Cast, Dt::C64, 0, 0, 0), "no complex value in a body");
    fails(&after(Op::In, Dt::F32, 4, 0, 0), "operand 4 of 4");
    fails(&after(Op::In, Dt::F32, 3, 0, 0), "operand 3 is bool");
    fails(&after(Op::In, Dt::C64, 1, 0, 0), "no complex value");
    fails(&after(Op::Index, Dt::I32, 1, 0, 0), "dimension 1 of 1");
    fails(&after(Op::Index, Dt::F32, 0, 0, 0), "an index is an integer");
    fails(&after(Op::Const, Dt::Bool, 2, 0, 0), "not the bits of a bool");
    fails(&after(Op::Const, Dt::F32, 0, 1, 0), "not the bits of a f32");
    // 1 byte is a truth value only if it is 0 or 1.
    let mut body = inputs();
    let byte = body.un(Op::Cast, Dt::U8, 3);
    let out = body.un(Op::Bitcast, Dt::Bool, byte);
    body.outs = vec![out];
    fails(&map(body, &[Ty::new(Dt::Bool, &[3])]), "instruction 5 (Bitcast bool): not defined for operands u8");
}

#[test]
fn results_of_maps() {
    let body = |outs: &[u32]| {
        let mut b = Body::default();
        b.input(0, Dt::F32);
        b.input(3, Dt::Bool);
        b.outs = outs.to_vec();
        b
    };
    let c = Ty::new(Dt::C64, &[3]);
    map(body(&[0, 0, 1]), &[c.clone(), Ty::new(Dt::Bool, &[3])]).check().unwrap();
    fails(&map(body(&[0]), std::slice::from_ref(&c)), "only 1 results");
    fails(&map(body(&[0, 0, 0]), std::slice::from_ref(&c)), "1 results too many");
    fails(&map(body(&[0, 1]), std::slice::from_ref(&c)), "gives bool for a result c64[3]");
    fails(&map(body(&[2]), &[f(&[3])]), "result 2 of a body of 2");
    fails(&map(body(&[0]), &[f(&[4])]), "operand 0: extents [3] where [4]");
    fails(&map(body(&[0, 0]), &[f(&[3]), f(&[3, 1])]), "extents [3, 1] where [3]");
    fails(&map(body(&[]), &[]), "no results");
    let whole = one(Kind::Map(Arc::new(body(&[]))), &[c], &[f(&[3])]);
    fails(&whole, "operand 0: a map reads c64[3] by parts");
    let mut p = Program::default();
    let z = p.arg(Ty::new(Dt::C64, &[3]));
    p.push(Kind::View, &[Use { part: Part::Im, ..plain(z) }], &[f(&[3])]);
    fails(&p, "only a map reads parts");
}

#[test]
fn folds() {
    let reduce = |op, first, count| Kind::Reduce { op, first, count };
    accepted(reduce(Fold::Sum, 1, 2), &[f(&[2, 3, 4])], f(&[2]));
    refused(reduce(Fold::Sum, 1, 2), &[f(&[2, 3, 4])], f(&[4]), "extents");
    refused(reduce(Fold::Sum, 2, 2), &[f(&[2, 3, 4])], f(&[2]), "dimensions 2..4");
    refused(reduce(Fold::Sum, 0, 0), &[f(&[2])], f(&[2]), "dimensions 0..0");
    refused(reduce(Fold::Sum, u32::MAX, u32::MAX), &[f(&[2])], f(&[]), "dimensions");
    refused(reduce(Fold::Sum, 0, 1), &[f(&[2])], Ty::new(Dt::F64, &[]), "another element type than f32[2]");
    refused(reduce(Fold::LogAddExp, 0, 1), &[f(&[2])], f(&[]), "Prefix only");
    refused(reduce(Fold::Max, 0, 1), &[Ty::new(Dt::C64, &[2])], Ty::new(Dt::C64, &[]), "Max is not defined on c64");
    let arg = |dim| Kind::ArgReduce { max: true, dim };
    let index = |dims: &[usize]| Ty::new(Dt::I32, dims);
    accepted(arg(0), &[f(&[2, 3])], index(&[3]));
    refused(arg(2), &[f(&[2, 3])], index(&[3]), "dimensions 2..3");
    refused(arg(0), &[f(&[0, 3])], index(&[3]), "no elements to choose from");
    refused(arg(0), &[f(&[2])], f(&[]), "an index of type f32");
    refused(arg(0), &[Ty::new(Dt::C128, &[2])], index(&[]), "no order");
    let prefix = |op, dim| Kind::Prefix { op, dim, reverse: false };
    accepted(prefix(Fold::LogAddExp, 1), &[f(&[2, 3])], f(&[2, 3]));
    refused(prefix(Fold::Sum, 2), &[f(&[2, 3])], f(&[2, 3]), "dimension 2 of 2");
    refused(prefix(Fold::Sum, 0), &[f(&[2, 3])], f(&[3, 2]), "extents");
    refused(prefix(Fold::LogAddExp, 0), &[index(&[2])], index(&[2]), "LogAddExp is not defined on i32");
}

#[test]
fn pieces() {
    let i = Ty::new(Dt::I32, &[]);
    accepted(Kind::DynSlice, &[f(&[4]), i.clone()], f(&[3]));
    refused(Kind::DynSlice, &[f(&[4]), i.clone()], f(&[5]), "a piece [5] does not fit into [4]");
    refused(Kind::DynSlice, &[f(&[4])], f(&[3]), "0 start indices for 1 dimensions");
    refused(Kind::DynSlice, &[f(&[4]), f(&[])], f(&[3]), "the start index f32[] is not a scalar integer");
    refused(Kind::DynSlice, &[f(&[4]), Ty::new(Dt::I32, &[1])], f(&[3]), "the start index i32[1]");
    refused(Kind::DynSlice, &[], f(&[3]), "no operand");
    accepted(Kind::Update, &[f(&[4]), f(&[3]), i.clone()], f(&[4]));
    refused(Kind::Update, &[f(&[4]), f(&[5]), i.clone()], f(&[4]), "does not fit");
    refused(Kind::Update, &[f(&[4]), f(&[]), i.clone()], f(&[4]), "does not fit");
    refused(Kind::Update, &[f(&[4]), Ty::new(Dt::I32, &[3]), i.clone()], f(&[4]), "a piece i32[3]");
    refused(Kind::Update, &[f(&[4]), f(&[3])], f(&[4]), "0 start indices");
    refused(Kind::Update, &[f(&[4])], f(&[4]), "1 operands");
    let concat = |dim| Kind::Concat { dim };
    accepted(concat(1), &[f(&[2, 1]), f(&[2, 3])], f(&[2, 4]));
    refused(concat(1), &[f(&[2, 1]), f(&[2, 3])], f(&[2, 5]), "the pieces have 4");
    refused(concat(0), &[f(&[2, 1]), f(&[2, 3])], f(&[4, 1]), "a piece [2, 3]");
    refused(concat(2), &[f(&[2, 1])], f(&[2, 1]), "dimension 2");
    refused(concat(0), &[], f(&[0]), "no operands");
    refused(concat(0), &[f(&[1]), i], f(&[1]), "a piece i32[] of another element type");
}

#[test]
fn products() {
    let dot = |n, acc| Kind::Dot(DotSpec::for_sizes(n, 4, acc));
    let tree = Kind::Dot(DotSpec { order: DotOrder::Tree, acc: Dt::F32 });
    accepted(dot(5, Dt::F32), &[f(&[2, 3, 4]), f(&[2, 4, 5])], f(&[2, 3, 5]));
    accepted(dot(1, Dt::F32), &[f(&[2, 3, 4]), f(&[2, 4, 1])], f(&[2, 3, 1]));
    refused(tree, &[f(&[2, 3, 4]), f(&[2, 4, 5])], f(&[2, 3, 5]), "the order Tree, where n = 5 has Chain");
    refused(dot(5, Dt::F32), &[f(&[2, 3, 4]), f(&[2, 3, 5])], f(&[2, 3, 5]), "do not multiply");
    refused(dot(5, Dt::F32), &[f(&[2, 3, 4]), f(&[1, 4, 5])], f(&[2, 3, 5]), "do not multiply");
    refused(dot(5, Dt::F32), &[f(&[3, 4]), f(&[4, 5])], f(&[3, 5]), "are not [batch, m, k]");
    refused(dot(5, Dt::F32), &[f(&[2, 3, 4]), f(&[2, 4, 5])], f(&[2, 5, 3]), "extents");
    refused(dot(5, Dt::C64), &[f(&[2, 3, 4]), f(&[2, 4, 5])], f(&[2, 3, 5]), "f32 and sums of c64 do not mix");
    refused(dot(5, Dt::F16), &[f(&[2, 3, 4]), f(&[2, 4, 5])], f(&[2, 3, 5]), "not in f16");
}

#[test]
fn gathers() {
    let good = GatherSpec {
        below: 0,
        offset_dims: smallvec![1],
        collapsed_slice_dims: smallvec![0],
        start_index_map: smallvec![0],
        operand_batching_dims: smallvec![2],
        start_indices_batching_dims: smallvec![0],
        slice_sizes: smallvec![1, 2, 1],
        bounds: Bounds::Fill,
        fill: [0; 2],
    };
    let types = [f(&[4, 3, 5]), Ty::new(Dt::I32, &[5, 7, 1])];
    let result = f(&[5, 2, 7]);
    accepted(Kind::Gather(Arc::new(good.clone())), &types, result.clone());
    let broken = |change: &dyn Fn(&mut GatherSpec), words: &str| {
        let mut s = good.clone();
        change(&mut s);
        refused(Kind::Gather(Arc::new(s)), &types, result.clone(), words);
    };
    broken(&|s| s.offset_dims = smallvec![3], "offset_dims [3]");
    broken(&|s| s.offset_dims = smallvec![0], "extents");
    broken(&|s| s.offset_dims = smallvec![], "a window of 0 dimensions for the dimensions [1]");
    broken(&|s| s.collapsed_slice_dims = smallvec![9], "collapsed_slice_dims [9]");
    broken(&|s| s.collapsed_slice_dims = smallvec![0, 0], "one dimension twice");
    broken(&|s| s.collapsed_slice_dims = smallvec![1, 0], "not ascending");
    broken(&|s| s.collapsed_slice_dims = smallvec![0, 2], "meet collapsed_slice_dims");
    broken(&|s| s.start_index_map = smallvec![3], "start_index_map [3]");
    broken(&|s| s.start_index_map = smallvec![2], "meet");
    broken(&|s| s.start_index_map = smallvec![0, 1], "indices [5, 7, 1] for start_index_map");
    broken(&|s| s.start_indices_batching_dims = smallvec![1], "batching dims [2] of [4, 3, 5] against [1]");
    broken(&|s| s.start_indices_batching_dims = smallvec![2], "indices' batching dims [2]");
    broken(&|s| s.start_indices_batching_dims = smallvec![], "against []");
    broken(&|s| s.slice_sizes = smallvec![1, 4, 1], "slices [1, 4, 1] of [4, 3, 5]");
    broken(&|s| s.slice_sizes = smallvec![2, 2, 1], "is collapsed");
    broken(&|s| s.slice_sizes = smallvec![1, 2, 2], "is a batching dimension");
    broken(&|s| s.slice_sizes = smallvec![1, 2], "slice_sizes [1, 2] for");
    broken(&|s| s.slice_sizes = smallvec![1, 1, 1], "extents");
    broken(&|s| s.fill = [0, 1], "not the bits");
    let k = || Kind::Gather(Arc::new(good.clone()));
    refused(k(), &[f(&[4, 3, 5]), f(&[5, 7, 1])], result.clone(), "indices f32[5,7,1] are not integers");
    refused(k(), &[f(&[4, 3, 5]), Ty::new(Dt::I32, &[])], result.clone(), "without the dimension of the index vector");
    refused(k(), &[f(&[4, 3, 5])], result.clone(), "1 operands, not 2");
    refused(k(), &[Ty::new(Dt::I8, &[4, 3, 5]), types[1].clone()], result, "another element type");
}

#[test]
fn scatters() {
    let good = ScatterSpec {
        below: 0,
        update_window_dims: smallvec![1],
        inserted_window_dims: smallvec![0],
        scatter_dims_to_operand_dims: smallvec![0],
        operand_batching_dims: smallvec![2],
        scatter_indices_batching_dims: smallvec![0],
        put: Put::Add,
        bounds: Bounds::Fill,
    };
    let types = [f(&[4, 3, 5]), Ty::new(Dt::I32, &[5, 7, 1]), f(&[5, 2, 7])];
    let result = f(&[4, 3, 5]);
    accepted(Kind::Scatter(Arc::new(good.clone())), &types, result.clone());
    let broken = |change: &dyn Fn(&mut ScatterSpec), words: &str| {
        let mut s = good.clone();
        change(&mut s);
        refused(Kind::Scatter(Arc::new(s)), &types, result.clone(), words);
    };
    broken(&|s| s.update_window_dims = smallvec![3], "update_window_dims [3]");
    broken(&|s| s.update_window_dims = smallvec![0], "larger than the array");
    broken(&|s| s.update_window_dims = smallvec![], "a window of 0");
    broken(&|s| s.inserted_window_dims = smallvec![0, 1], "a window of 1 dimensions for the dimensions []");
    broken(&|s| s.inserted_window_dims = smallvec![7], "inserted_window_dims [7]");
    broken(&|s| s.scatter_dims_to_operand_dims = smallvec![2], "meet");
    broken(&|s| s.scatter_indices_batching_dims = smallvec![1], "batching dims");
    let k = |put| Kind::Scatter(Arc::new(ScatterSpec { put, ..good.clone() }));
    let with = |i: usize, ty: Ty| {
        let mut t = types.clone();
        t[i] = ty;
        t
    };
    refused(k(Put::Set), &with(2, f(&[5, 2, 8])), result.clone(), "updates [5, 2, 8] for indices [5, 7, 1]");
    refused(k(Put::Set), &with(2, f(&[5, 4, 7])), result.clone(), "larger than the array");
    refused(k(Put::Set), &with(2, Ty::new(Dt::I32, &[5, 2, 7])), result.clone(), "updates i32[5,2,7]");
    refused(k(Put::Set), &with(1, f(&[5, 7, 1])), result.clone(), "not integers");
    refused(k(Put::Set), &types, f(&[4, 3, 6]), "extents");
    let of = |dt| types.clone().map(|ty| if ty.dt == Dt::F32 { Ty { dt, ..ty } } else { ty });
    refused(k(Put::Max), &of(Dt::C64), Ty::new(Dt::C64, &[4, 3, 5]), "Max is not defined on c64");
    refused(k(Put::Add), &of(Dt::Bool), Ty::new(Dt::Bool, &[4, 3, 5]), "Add is not defined on bool");
    accepted(k(Put::Mul), &of(Dt::C64), Ty::new(Dt::C64, &[4, 3, 5]));
}
