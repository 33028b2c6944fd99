//! The functions that tests/data/arrays.py records, under the same names.

use cotangent::np::{self, BitOrder, Cross, Diagonal, Meshgrid, Mode, Pad, Polyfit, Spaced, Trim, s};
use cotangent::{prelude::*, prim};

/// Cases whose values decide about shapes, so that they have to be known.
pub const VALUES: &[&str] = &["trim_zeros", "roots", "mask_indices"];
/// Cases whose results jump or are NaN, so that derivatives are no differences.
pub const ROUGH: &[&str] = &["roots", "at converted", "trim_zeros", "i outside", "take modes"];

type Case = (&'static str, fn(&[Array]) -> Vec<Array>);

/// The mask that the generator drew.
fn mask34() -> Array {
    let (f, t) = (false, true);
    array![[f, t, t, f], [f, f, f, t], [t, f, t, f]]
}
fn twice(pad: Pad, x: &Array) -> Vec<Array> {
    vec![pad.of(x, [(2, 1), (0, 3)]), pad.of(x, [(7, 9), (1, 0)])]
}
fn einsum(spec: &str, x: &[Array]) -> Vec<Array> {
    vec![np::einsum(spec, &x.iter().collect::<Vec<_>>())]
}
fn ordered(z: &Array) -> Array {
    np::sort(z, 0)
}
/// Two columns of values.
fn both(y: &Array) -> Array {
    np::stack(&[y, &(y * y)], 1)
}

pub const TABLE: &[Case] = &[
    ("i int", |x| vec![x[0].i(1)]),
    ("i negative", |x| vec![x[0].i((Ellipsis, -1, 2))]),
    ("i slices", |x| vec![x[0].i((.., 1.., -3..-1))]),
    ("i steps", |x| vec![x[0].i((s(..).step(-1), s(2..).step(-2), s(..).step(3)))]),
    ("i newaxis", |x| vec![x[0].i((NewAxis, Ellipsis, NewAxis, 1, .., NewAxis))]),
    ("i empty", |x| vec![x[0].i((.., 2..2))]),
    ("i array", |x| vec![x[0].i(&x[1])]),
    ("i array second", |x| vec![x[0].i((.., &x[1]))]),
    ("i pair", |x| vec![x[0].i((&x[1], &x[2]))]),
    ("i pair broadcast", |x| vec![x[0].i((&x[1], .., &x[2]))]),
    ("i apart", |x| vec![x[0].i((0, .., &x[1]))]),
    ("i apart newaxis", |x| vec![x[0].i((0, NewAxis, &x[1]))]),
    ("i beside", |x| vec![x[0].i((.., 1, &x[1]))]),
    ("i behind newaxis", |x| vec![x[0].i((.., NewAxis, &x[1], 1))]),
    ("i ellipsis array", |x| vec![x[0].i((Ellipsis, &x[1]))]),
    ("i array steps", |x| vec![x[0].i((&x[1], s(..).step(-2), 1..3))]),
    ("i array reversed", |x| vec![x[0].i((s(..).step(-1), &x[1], s(..).step(-1)))]),
    ("i negative array", |x| vec![x[0].i(&x[1])]),
    ("i scalar array", |x| vec![x[0].i(&x[1])]),
    ("i scalar array inside", |x| vec![x[0].i((.., &x[1], 1..))]),
    ("i scalar array steps", |x| vec![x[0].i((s(..).step(2), &x[1], s(..).step(2)))]),
    ("i outside", |x| vec![x[0].at(&x[1]).mode(Mode::Fill).get()]),
    ("i outside value", |x| vec![x[0].at((.., &x[1])).fill_value(-7.).get()]),
    ("i clip", |x| vec![x[0].at((&x[1], 1)).mode(Mode::Clip).get()]),
    ("i wrap", |x| vec![x[0].at(&x[1]).mode(Mode::Wrap).get()]),
    ("i mask", |x| vec![x[0].i(mask34())]),
    ("i mask first", |x| vec![x[0].i([true, false, true])]),
    ("i mask second", |x| vec![x[0].i((.., [true, false, true]))]),
    ("i mask and array", |x| vec![x[0].i((.., [true, false, true], [0, 3]))]),
    ("i mask of two", |x| vec![x[0].i((Ellipsis, mask34()))]),
    ("i true", |x| vec![x[0].i(true)]),
    ("i false", |x| vec![x[0].i(false)]),
    ("i true newaxis", |x| vec![x[0].i((.., true, NewAxis))]),
    ("at set box", |x| vec![x[0].at((1, 1..3)).set(&x[1])]),
    ("at add box", |x| vec![x[0].at((.., 1..3)).add(&x[1])]),
    ("at mul box", |x| vec![x[0].at(-1).mul(&x[1])]),
    ("at min box", |x| vec![x[0].at(0).min(&x[1])]),
    ("at max box", |x| vec![x[0].at(0).max(&x[1])]),
    ("at reversed", |x| vec![x[0].at((s(..).step(-1), 0)).set(&x[1])]),
    ("at steps", |x| vec![x[0].at((s(..).step(2), s(..).step(-3))).set(&x[1])]),
    ("at steps add", |x| vec![x[0].at((s(..).step(2), NewAxis, s(1..).step(2))).add(&x[1])]),
    ("at array", |x| vec![x[0].at(&x[2]).set(&x[1])]),
    ("at array add", |x| vec![x[0].at((&x[2], 1..)).add(&x[1])]),
    ("at array sub", |x| vec![x[0].at((.., &x[2])).sub(&x[1])]),
    ("at array mul", |x| vec![x[0].at(&x[2]).unique_indices().mul(&x[1])]),
    ("at array div", |x| vec![x[0].at(&x[2]).unique_indices().div(&x[1])]),
    ("at pow", |x| vec![x[0].at(1..3).pow(2)]),
    ("at array min", |x| vec![x[0].at(&x[2]).min(&x[1])]),
    ("at array max", |x| vec![x[0].at(&x[2]).max(&x[1])]),
    ("at scalar", |x| vec![x[0].at((&x[2], 2)).set(&x[1])]),
    ("at apart", |x| vec![x[0].at((0, .., &x[2])).set(&x[1])]),
    ("at dropped", |x| vec![x[0].at(&x[2]).mode(Mode::Drop).add(&x[1])]),
    ("at clip", |x| vec![x[0].at(&x[2]).mode(Mode::Clip).add(&x[1])]),
    ("at mask", |x| vec![x[0].at(mask34()).set(&x[1])]),
    ("at apply", |x| vec![x[0].at(&x[1]).apply(|x| x.sin())]),
    ("at apply box", |x| vec![x[0].at(1..4).apply(|x| x.exp())]),
    ("at integers", |x| vec![x[0].at(&x[1]).add(1)]),
    ("at converted", |x| vec![x[0].at(0).add(&x[1])]),
    ("arange", |_| {
        vec![
            np::arange(4),
            np::arange((1.0, 2.0, 0.25)),
            np::arange((5, 0, -2)),
            np::arange(2..5),
            np::arange(3.5),
            np::arange_dtype((0., 1., 0.25), DType::Float16),
            np::arange((3, 3)),
        ]
    }),
    ("linspace", |x| {
        vec![
            np::linspace(&x[0], &x[1], 5),
            Spaced::new(4).open().linspace(&x[0], &x[1]),
            Spaced::new(3).axis(-1).linspace(&x[0], &x[1]),
            np::linspace(&x[0], &x[1], 1),
        ]
    }),
    ("linspace integers", |_| {
        vec![
            Spaced::new(4).dtype(DType::Int32).linspace(0, 10),
            np::linspace(0, 1, 0),
            Spaced::new(7).dtype(DType::Int32).linspace(-1, -2),
        ]
    }),
    ("linspace step", |x| {
        let (y, step) = Spaced::new(5).linspace_and_step(&x[0], &x[1]);
        vec![y, step]
    }),
    ("logspace", |x| vec![np::logspace(&x[0], &x[1], 4), Spaced::new(3).base(2.).open().logspace(&x[0], &x[1])]),
    ("geomspace", |x| vec![np::geomspace(&x[0], &x[1], 4), Spaced::new(3).axis(1).geomspace(&x[0], &x[1])]),
    ("full", |x| {
        vec![
            np::full(&[2, 3], &x[0]),
            np::full_like(&x[0], 7),
            np::zeros_like(&x[0]),
            np::ones_like(&x[0]),
            np::full(&[2], 3),
        ]
    }),
    ("eye", |_| {
        vec![
            np::eye(2, 3, 1),
            np::eye(3, 3, -1),
            np::identity(2),
            np::tri(3, 4, 1),
            np::tri(2, 2, -1),
            np::eye(2, 2, 5),
        ]
    }),
    ("tril", |x| vec![np::tril(&x[0], 0), np::tril(&x[0], 1), np::triu(&x[0], 0), np::triu(&x[0], -1)]),
    ("diag", |x| {
        vec![np::diag(&x[0], 0), np::diag(&x[0], 2), np::diag(&x[0], -1), np::diagflat(&x[0].reshape(&[1, 5]), 1)]
    }),
    ("diagonal", |x| {
        vec![
            np::diagonal(&x[0]),
            Diagonal::new().offset(1).axes(1, 2).of(&x[0]),
            Diagonal::new().offset(-1).axes(-1, 0).of(&x[0]),
            np::diag(&x[0].i(0), -2),
            Diagonal::new().offset(9).of(&x[0]),
            Diagonal::new().offset(1).axes(2, 1).trace(&x[0]),
        ]
    }),
    ("fill_diagonal", |x| vec![np::fill_diagonal(&x[0], &x[1]), np::fill_diagonal(&x[0], 9.)]),
    ("tril_indices", |_| {
        let (a, b) = (np::tril_indices(3, 3, -1), np::triu_indices(3, 4, 1));
        vec![a.0, a.1, b.0, b.1]
    }),
    ("mask_indices", |_| {
        let (i, j) = np::mask_indices(3, np::triu, 1);
        vec![i, j]
    }),
    ("vander", |x| vec![np::vander(&x[0], 4, false), np::vander(&x[0], 3, false), np::vander(&x[0], 2, true)]),
    ("indices", |_| [vec![np::indices(&[2, 3])], np::indices_sparse(&[2, 3])].concat()),
    ("meshgrid", |x| {
        [
            np::meshgrid(&[&x[0], &x[1], &x[2]]),
            Meshgrid::new().ij().of(&[&x[0], &x[1]]),
            Meshgrid::new().sparse().of(&[&x[0], &x[1]]),
        ]
        .concat()
    }),
    ("ix_", |x| {
        let g = np::ix_(&[&array![1, 0], &array![true, false, true], &array![3]]);
        vec![x[0].i((&g[0], &g[1], &g[2]))]
    }),
    ("windows", |_| {
        let all: [fn(usize) -> Array; 4] = [np::bartlett, np::blackman, np::hamming, np::hanning];
        all.iter().flat_map(|w| [0, 1, 6].map(w)).collect()
    }),
    ("kaiser", |x| vec![np::kaiser(5, &x[0])]),
    ("expand_dims", |x| {
        let y = np::expand_dims(&np::expand_dims(&x[0], &[0]), &[2]);
        vec![np::expand_dims(&x[0], &[0, -1]), np::squeeze(&y), np::squeeze_axes(&y, &[-2])]
    }),
    ("moveaxis", |x| {
        vec![
            np::moveaxis(&x[0], &[0], &[-1]),
            np::moveaxis(&x[0], &[0, 2], &[1, 0]),
            np::swapaxes(&x[0], 0, -1),
            np::rollaxis(&x[0], 2, 0),
            np::rollaxis(&x[0], 0, 3),
            np::rollaxis(&x[0], 0, 2),
            np::matrix_transpose(&x[0]),
            np::permute_dims(&x[0], &[2, 0, 1]),
            np::transpose(&x[0]),
        ]
    }),
    ("flip", |x| vec![np::flip(&x[0]), np::flip_axes(&x[0], &[0, -1]), np::fliplr(&x[0]), np::flipud(&x[0])]),
    ("rot90", |x| (-1..4).map(|k| np::rot90(&x[0], k, (0, 2))).collect()),
    ("roll", |x| {
        vec![
            np::roll(&x[0], 5),
            np::roll_axes(&x[0], &[-1], &[1]),
            np::roll_axes(&x[0], &[1, 2], &[0, 2]),
            np::roll_axes(&x[0], &[1], &[1, 2]),
        ]
    }),
    ("roll by", |x| vec![np::roll_by(&x[0], &x[1], 1)]),
    ("tile", |x| vec![np::tile(&x[0], &[2]), np::tile(&x[0], &[2, 1, 3]), np::tile(&x[0], &[2, 1])]),
    ("repeat", |x| {
        vec![
            np::repeat(&x[0], 2, None),
            np::repeat(&x[0], 3, Some(1)),
            np::repeat_each(&x[0], &array![1, 0, 2], Some(0), None),
        ]
    }),
    ("repeat each", |x| [5, 3, 8].map(|n| np::repeat_each(&x[0], &x[1], Some(0), Some(n))).to_vec()),
    ("resize", |x| vec![np::resize(&x[0], &[2, 3]), np::resize(&x[0], &[4, 5])]),
    ("atleast", |x| {
        let all: [fn(&Array) -> Array; 3] = [np::atleast_1d, np::atleast_2d, np::atleast_3d];
        all.iter().flat_map(|f| [f(&x[0].i(0)), f(&x[0]), f(&x[1])]).collect()
    }),
    ("broadcast_arrays", |x| np::broadcast_arrays(&[&x[0], &x[1]])),
    ("packbits", |x| {
        vec![
            np::packbits(&x[0], None, BitOrder::Big),
            np::packbits(&x[0], Some(1), BitOrder::Big),
            np::packbits(&x[0], Some(0), BitOrder::Little),
        ]
    }),
    ("unpackbits", |x| {
        vec![
            np::unpackbits(&x[0], None, None, BitOrder::Big),
            np::unpackbits(&x[0], Some(0), None, BitOrder::Little),
            np::unpackbits(&x[0], Some(1), Some(10), BitOrder::Big),
            np::unpackbits(&x[0], Some(1), Some(-3), BitOrder::Big),
        ]
    }),
    ("trim_zeros", |x| {
        vec![np::trim_zeros(&x[0], Trim::Both), np::trim_zeros(&x[0], Trim::Front), np::trim_zeros(&x[0], Trim::Back)]
    }),
    ("concatenate", |x| {
        vec![
            np::concatenate(&[&x[0], &x[1]], 1),
            np::concatenate(&[&x[0], &x[0], &x[0]], -2),
            np::append(&x[0], &x[1], None),
            np::append(&x[0], &x[1], Some(1)),
        ]
    }),
    ("concatenate types", |x| {
        vec![np::concatenate(&[&x[0], &x[1]], 0), np::stack(&[&x[0], &x[0].astype(DType::Int32)], 0)]
    }),
    ("stack", |x| {
        vec![
            np::stack(&[&x[0], &x[0]], -1),
            np::hstack(&[&x[0], &x[0]]),
            np::vstack(&[&x[0], &x[0]]),
            np::dstack(&[&x[0], &x[0]]),
            np::column_stack(&[&x[0], &x[0]]),
        ]
    }),
    ("stack vectors", |x| {
        vec![
            np::hstack(&[&x[0], &x[0]]),
            np::vstack(&[&x[0], &x[0]]),
            np::dstack(&[&x[0], &x[0]]),
            np::column_stack(&[&x[0], &x[0]]),
            np::hstack(&[&x[0].i(0), &x[0].i(1)]),
        ]
    }),
    ("block", |x| {
        vec![
            np::block([[&x[0], &x[0]], [&x[0], &x[0]]]),
            np::block([&x[1], &x[1]]),
            np::block([[&x[1]], [&x[1]]]),
            np::block([[x[0].clone(), x[1].i((..3, NewAxis))]]),
        ]
    }),
    ("unstack", |x| np::unstack(&x[0], 1)),
    ("split", |x| {
        let x = &x[0];
        [np::split(x, 2, 1), np::split(x, [1, 3], 1), np::array_split(x, 3, 1), np::vsplit(x, 3), np::hsplit(x, 2)]
            .concat()
    }),
    ("dsplit", |x| np::dsplit(&x[0], [1])),
    ("insert", |x| {
        let three = x[1].i(..3);
        vec![
            np::insert(&x[0], 1, &x[1], Some(0)),
            np::insert(&x[0], [0, 3, 3], np::reshape(&three, &[3, 1]), Some(0)),
            np::insert(&x[0], 2, 9., None),
            np::insert(&x[0], -1, &three, Some(1)),
            np::insert(&x[0], [2, 0], 7., Some(1)),
        ]
    }),
    ("delete", |x| {
        vec![
            np::delete(&x[0], 1, Some(0)),
            np::delete(&x[0], [0, -1], Some(1)),
            np::delete(&x[0], s(1..).step(2), Some(1)),
            np::delete(&x[0], 5, None),
            np::delete(&x[0], [true, false, true], Some(0)),
        ]
    }),
    ("pad constant", |x| twice(Pad::constant(0.), &x[0])),
    ("pad constant values", |x| twice(Pad::constant(array![[1., 2.], [3., 4.]]), &x[0])),
    ("pad edge", |x| twice(Pad::edge(), &x[0])),
    ("pad linear_ramp", |x| twice(Pad::linear_ramp(array![[1., 2.], [3., 4.]]), &x[0])),
    ("pad maximum", |x| twice(Pad::maximum(), &x[0])),
    ("pad mean", |x| twice(Pad::mean(), &x[0])),
    ("pad median", |x| twice(Pad::median(), &x[0])),
    ("pad minimum", |x| twice(Pad::minimum().stat_length([(2, 1), (3, 2)]), &x[0])),
    ("pad reflect", |x| twice(Pad::reflect(), &x[0])),
    ("pad reflect odd", |x| twice(Pad::reflect().odd(), &x[0])),
    ("pad symmetric", |x| twice(Pad::symmetric(), &x[0])),
    ("pad symmetric odd", |x| twice(Pad::symmetric().odd(), &x[0])),
    ("pad wrap", |x| twice(Pad::wrap(), &x[0])),
    ("pad empty", |x| twice(Pad::empty(), &x[0])),
    ("pad one", |x| [Pad::reflect(), Pad::symmetric(), Pad::wrap(), Pad::edge()].map(|p| p.of(&x[0], 3)).to_vec()),
    ("pad integers", |x| [Pad::mean(), Pad::median(), Pad::linear_ramp(0)].map(|p| p.of(&x[0], 1)).to_vec()),
    ("take", |x| vec![np::take(&x[0], &x[1], Some(1)), np::take(&x[0], &x[1], None), x[0].take(&x[1], Some(-1))]),
    ("take modes", |x| [Mode::Fill, Mode::Clip, Mode::Wrap].map(|m| np::take_mode(&x[0], &x[1], Some(0), m)).to_vec()),
    ("take_along_axis", |x| {
        vec![
            np::take_along_axis(&x[0], &x[1], Some(1)),
            np::take_along_axis(&x[0], &x[2], Some(0)),
            np::take_along_axis(&x[0], &x[1], None),
        ]
    }),
    ("take_along_axis broadcast", |x| {
        vec![
            np::take_along_axis(&x[0].i((.., ..1)), &x[1], Some(2)),
            np::take_along_axis(&x[0], &x[1], Some(1)),
            np::take_along_axis(&x[0], &x[1].i(..1), Some(-1)),
        ]
    }),
    ("put_along_axis", |x| vec![np::put_along_axis(&x[0], &x[2], &x[1], Some(1))]),
    ("put", |x| {
        vec![
            np::put(&x[0], &x[2], &x[1], None),
            np::put(&x[0], &(&x[2] + 12), &x[1], Some(Mode::Wrap)),
            np::put(&x[0], &(&x[2] * 3), &x[1], Some(Mode::Clip)),
        ]
    }),
    ("place", |x| vec![np::place(&x[0], &mask34(), &x[1])]),
    ("compress", |x| {
        vec![
            np::compress(&array![false, true], &x[0], Some(1)),
            np::compress(&array![true, false, true], &x[0], Some(0)),
            np::compress(&array![true, false, true], &x[0], None),
        ]
    }),
    ("compress sized", |x| {
        vec![np::compress_sized(&x[1], &x[0], Some(0), 1, 0.), np::compress_sized(&x[1], &x[0], Some(0), 3, 7.)]
    }),
    ("choose", |x| [Mode::Wrap, Mode::Clip].map(|m| np::choose(&x[0], &[&x[1], &x[2]], Some(m))).to_vec()),
    ("unravel_index", |x| np::unravel_index(&x[0], &[2, 3, 4])),
    ("ravel_multi_index", |x| {
        [Mode::Wrap, Mode::Clip].map(|m| np::ravel_multi_index(&[&x[0], &x[1]], &[3, 4], Some(m))).to_vec()
    }),
    ("apply_along_axis", |x| {
        vec![
            np::apply_along_axis(|v: &Array| np::outer(v, v), 1, &x[0]),
            np::apply_along_axis(|v: &Array| v.sum(), -1, &x[0]),
            np::apply_along_axis(|v: &Array| v.i(s(..).step(2)), 0, &x[0]),
        ]
    }),
    ("apply_over_axes", |x| vec![np::apply_over_axes(|x, d| prim::reduce_sum(x, &[d as usize]), &x[0], &[0, -1])]),
    ("vectorize", |x| np::vectorize("(n,m),(m)->(n)", |x: &[Array]| vec![x[0].matmul(&x[1])])(&[&x[0], &x[1]])),
    ("einsum ij,jk->ik", |x| einsum("ij,jk->ik", x)),
    ("einsum ij,jk", |x| einsum("ij,jk", x)),
    ("einsum ba,cb", |x| einsum("ba,cb", x)),
    ("einsum ii->i", |x| einsum("ii->i", x)),
    ("einsum ii", |x| einsum("ii", x)),
    ("einsum iij->ji", |x| einsum("iij->ji", x)),
    ("einsum ...ij,...jk->...ik", |x| einsum("...ij,...jk->...ik", x)),
    ("einsum i,j,k->kij", |x| einsum("i,j,k->kij", x)),
    ("einsum ij,ij->", |x| einsum("ij,ij->", x)),
    ("einsum ijk->j", |x| einsum("ijk->j", x)),
    ("einsum ij,jk,kl,lm->im", |x| einsum("ij,jk,kl,lm->im", x)),
    ("einsum ...,...", |x| einsum("...,...", x)),
    ("einsum i...->...", |x| einsum("i...->...", x)),
    ("einsum ij->ji", |x| einsum("ij->ji", x)),
    ("einsum ij", |x| einsum("ij", x)),
    ("einsum ab,b", |x| einsum("ab,b", x)),
    ("einsum bij,bj->bi", |x| einsum("bij,bj->bi", x)),
    ("einsum ,i->i", |x| einsum(",i->i", x)),
    ("einsum iji,j->i", |x| einsum("iji,j->i", x)),
    ("einsum ij,ik,il,im->jklm", |x| einsum("ij,ik,il,im->jklm", x)),
    ("einsum a,a,a,a,a,a,a,a,a->a", |x| einsum("a,a,a,a,a,a,a,a,a->a", x)),
    ("einsum i,i,i,i,i,i,i,i,i,ij->j", |x| einsum("i,i,i,i,i,i,i,i,i,ij->j", x)),
    ("einsum complex", |x| vec![np::einsum("ij,jk->ik", &[&x[0], &x[1]])]),
    ("einsum integers", |x| vec![np::einsum("ij,jk->k", &[&x[0], &x[1]])]),
    ("vecdot", |x| vec![np::vecdot(&x[0], &x[1], -1), np::vecdot(&x[0], &x[1].i(0), 0)]),
    ("vecdot complex", |x| vec![np::vecdot(&x[0], &x[1], -1), np::vecmat(&x[0].i(0), &x[1].t())]),
    ("matvec", |x| vec![np::matvec(&x[0], &x[1]), np::vecmat(&x[1].i(..3), &x[0])]),
    ("kron", |x| vec![np::kron(&x[0], &x[1]), np::kron(&x[1], &x[0])]),
    ("cross", |x| {
        vec![
            np::cross(&x[0], &x[1]),
            Cross::new().axes(0, 0, 0).of(&x[0].t(), &x[1].t()),
            np::cross(&x[0], &x[1].i(0)),
            np::cross(&x[0].i((.., ..2)), &x[1]),
        ]
    }),
    ("cross plane", |x| vec![np::cross(&x[0], &x[1])]),
    ("polyval", |x| vec![np::polyval(&x[0], &x[1]), np::polyval(&x[0].i((.., NewAxis)), &x[1])]),
    ("polyval long", |x| vec![np::polyval(&x[0], &x[1])]),
    ("polyadd", |x| {
        vec![np::polyadd(&x[0], &x[1]), np::polyadd(&x[1], &x[0]), np::polysub(&x[0], &x[1]), np::polysub(&x[1], &x[0])]
    }),
    ("polymul", |x| vec![np::polymul(&x[0], &x[1]), np::polymul(&x[1], &x[0])]),
    ("polydiv", |x| {
        let (a, b) = (np::polydiv(&x[0], &x[1]), np::polydiv(&x[1], &x[0]));
        vec![a.0, a.1, b.0, b.1]
    }),
    ("polyder", |x| vec![np::polyder(&x[0], 1), np::polyder(&x[0], 3), np::polyder(&x[0], 0)]),
    ("polyint", |x| vec![np::polyint(&x[0], 1, 0.), np::polyint(&x[0], 3, &x[1]), np::polyint(&x[0], 2, 5)]),
    ("poly", |x| vec![np::poly(&x[0])]),
    ("roots", |x| vec![ordered(&np::roots(&x[0]))]),
    ("roots padded", |x| vec![ordered(&np::roots_padded(&x[0]))]),
    ("polyfit", |x| {
        vec![
            np::polyfit(&x[0], &x[1], 2),
            np::polyfit(&x[0], &both(&x[1]), 1),
            Polyfit::new(1).weights(&x[2]).of(&x[0], &x[1]),
        ]
    }),
    ("polyfit covariance", |x| {
        let (a, b, c) = (
            Polyfit::new(2).covariance(&x[0], &x[1]),
            Polyfit::new(1).covariance_unscaled(&x[0], &x[1]),
            Polyfit::new(1).covariance(&x[0], &both(&x[1])),
        );
        vec![a.0, a.1, b.0, b.1, c.0, c.1]
    }),
];
