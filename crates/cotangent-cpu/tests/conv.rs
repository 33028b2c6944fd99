//! Convolutions that are larger than those of random programs, against the reference, bit for bit, on every instruction set.

use cotangent_cpu::exec::Options;
use cotangent_cpu::isa::Isa;
use cotangent_cpu::*;
use std::sync::Arc;

fn slide(size: usize, stride: usize, lo: i64) -> Slide {
    Slide { size, stride, dilation: 1, base: 1, lo }
}

/// Bytes of numbers between -2 and 2.
fn data(ty: &Ty, seed: u64) -> Vec<u8> {
    let mut s = seed;
    let mut next = || {
        s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (s >> 40) as f64 / (1u64 << 22) as f64 - 2.0
    };
    let parts = ty.len() * if ty.dt.is_complex() { 2 } else { 1 };
    let of = |x: f64| match ty.dt.part() {
        Dt::F64 => x.to_le_bytes().to_vec(),
        Dt::F32 => (x as f32).to_le_bytes().to_vec(),
        Dt::Bf16 => half::bf16::from_f64(x).to_le_bytes().to_vec(),
        Dt::I8 => vec![(x * 50.0) as i8 as u8],
        dt => panic!("{dt}"),
    };
    (0..parts).flat_map(|_| of(next())).collect()
}

/// One convolution: types of operands and result, extents of `[groups, batch, spatial.., channels]`, features of a group, windows.
struct Conv<'a> {
    types: [Dt; 2],
    array: &'a [usize],
    features: usize,
    windows: &'a [usize],
    slides: &'a [Slide],
    batch_last: bool,
    /// The array's dimensions in the order in which they are in memory.
    stored: &'a [usize],
    /// Do the groups of the filter lie side by side?
    lanes: bool,
    order: ConvOrder,
}

fn check(name: &str, c: Conv) {
    let [src, out] = c.types;
    let (d, g, n) = (c.slides.len(), c.array[0], c.array[1]);
    let channels = c.array[d + 2];
    let sizes: Vec<usize> = c.slides.iter().map(|s| s.size).collect();
    let filter = [&[g][..], &sizes, &[channels, c.features]].concat();
    let windows = if c.batch_last { [c.windows, &[n]].concat() } else { [&[n], c.windows].concat() };
    let mut p = Program::default();
    // an operand whose dimensions are in memory in another order
    let mut stored = |dims: &[usize], order: &[usize]| {
        let extents: Vec<usize> = order.iter().map(|d| dims[*d]).collect();
        let mut view = View::identity(dims);
        for (d, s) in order.iter().zip(&row_major(&extents)) {
            view.strides[*d] = *s;
        }
        let x = p.arg(Ty::new(src, &extents));
        p.through(x, view)
    };
    let natural: Vec<usize> = (0..d + 3).collect();
    let x = stored(c.array, if c.stored.is_empty() { &natural } else { c.stored });
    let lanes: Vec<usize> = (1..d + 3).chain([0]).collect();
    let f = stored(&filter, if c.lanes { &lanes } else { &natural });
    let spec = ConvSpec { slides: c.slides.into(), batch_last: c.batch_last, acc: src.acc(), order: c.order };
    let result = Ty::new(out, &[&windows[..], &[g, c.features]].concat());
    let y = p.push(Kind::Conv(Arc::new(spec)), &[x, f], &[result]);
    p.outs = vec![y];
    let args: Vec<Vec<u8>> = p.args.iter().enumerate().map(|(i, ty)| data(ty, i as u64 + 7)).collect();
    let want = reference::evaluate(&p, &args).unwrap();
    for isa in Isa::ALL.into_iter().filter(|i| i.available()) {
        let e = Executable::compile_with(&p, Options { isa, ..Options::default() }).unwrap();
        // alone, and with the panels shared out
        for threads in [1, 3] {
            pool::set_threads(threads);
            pool::share_everything(threads > 1);
            let got = fuzz::run(&e, &p, &args);
            fuzz::same(out, &got[0], &want[0])
                .unwrap_or_else(|e| panic!("{name}, {isa:?}, {threads} threads: {e}\n{p}"));
        }
    }
}

const F32: [Dt; 2] = [Dt::F32; 2];

/// What most of them are.
const PLAIN: Conv = Conv {
    types: F32,
    array: &[],
    features: 1,
    windows: &[],
    slides: &[],
    batch_last: false,
    stored: &[],
    lanes: false,
    order: ConvOrder::Chain,
};

#[test]
fn several_panels_of_whole_patches() {
    let c = Conv {
        array: &[1, 1, 26, 26, 28],
        features: 2,
        windows: &[26, 26],
        slides: &[slide(3, 1, 1), slide(3, 1, 1)],
        ..PLAIN
    };
    check("channels last", Conv { ..c });
    check("channels first", Conv { stored: &[0, 1, 4, 2, 3], ..c });
    check("half precision", Conv { types: [Dt::Bf16; 2], features: 3, ..c });
}

#[test]
fn copies_in_parts() {
    // Places of the innermost dimension are copied by several threads; what lies between the elements of an outer one is nobody's but a place's own.
    let c = Conv {
        types: [Dt::F64; 2],
        array: &[1, 1, 3, 1, 2, 130],
        features: 2,
        windows: &[9, 3, 2],
        slides: &[Slide { base: 3, ..slide(1, 1, 1) }, slide(1, 1, 0), slide(3, 1, 2)],
        batch_last: true,
        stored: &[0, 1, 5, 2, 3, 4],
        ..PLAIN
    };
    check("room between elements", Conv { ..c });
    check(
        "elements side by side",
        Conv { array: &[1, 1, 9, 3, 2, 130], slides: &[slide(1, 1, 0), slide(1, 1, 1), slide(3, 1, 2)], ..c },
    );
}

#[test]
fn long_sums_chunk_by_chunk() {
    let c = Conv {
        array: &[1, 2, 17, 10, 130],
        features: 2,
        windows: &[17, 10],
        slides: &[slide(3, 1, 1), slide(3, 1, 2)],
        ..PLAIN
    };
    check("one panel", Conv { ..c });
    let one_more = [slide(1, 1, 0), slide(1, 1, 0)];
    check(
        "a chunk of one element",
        Conv { types: [Dt::Bf16; 2], array: &[1, 2, 30, 40, 513], windows: &[30, 40], slides: &one_more, ..c },
    );
    check("channels first", Conv { stored: &[0, 1, 4, 2, 3], ..c });
    check("a result of another type", Conv { types: [Dt::F32, Dt::F64], ..c });
    check("several panels", Conv { array: &[1, 1, 50, 50, 65], windows: &[50, 50], features: 1, ..c });
    check("complex", Conv { types: [Dt::C64; 2], array: &[1, 2, 12, 13, 130], windows: &[12, 13], ..c });
    let groups = Conv { array: &[2, 2, 13, 11, 130], windows: &[13, 11], ..c };
    check("groups", groups);
    check("integers", Conv { types: [Dt::I8; 2], array: &[1, 2, 9, 8, 130], windows: &[9, 8], ..c });
}

/// As in the gradient of a filter: few windows of many elements, the batch side by side.
#[test]
fn sums_of_several_super_chunks() {
    let c = Conv {
        array: &[1, 2, 130, 130, 1],
        features: 2,
        windows: &[3, 2],
        slides: &[slide(129, 1, 1), slide(130, 1, 0)],
        batch_last: true,
        ..PLAIN
    };
    check("floats", Conv { ..c });
    check("with groups", Conv { array: &[2, 2, 130, 130, 1], features: 1, ..c });
    check("doubles", Conv { types: [Dt::F64; 2], features: 1, ..c });
}

/// What is read through a table: in the array itself, from copies of bands, and from a copy of all of it.
#[test]
fn windows_are_read_where_they_lie() {
    let c = Conv {
        array: &[1, 3, 15, 17, 12],
        features: 19,
        windows: &[15, 17],
        slides: &[slide(3, 1, 1), slide(3, 1, 1)],
        ..PLAIN
    };
    check("one band", Conv { features: 70, ..c });
    check("several bands", Conv { array: &[1, 2, 40, 30, 48], windows: &[40, 30], features: 3, ..c });
    check("a band is a part of a row", Conv { array: &[1, 1, 3, 900, 40], windows: &[3, 900], features: 1, ..c });
    check("channels first", Conv { stored: &[0, 1, 4, 2, 3], ..c });
    check("the batch inside", Conv { stored: &[2, 3, 0, 4, 1], batch_last: true, ..c });
    check("few windows in a row", Conv { array: &[1, 20, 4, 3, 12], windows: &[4, 3], ..c });
    let valid = [slide(3, 1, 0), slide(3, 1, 0)];
    check("no padding", Conv { windows: &[13, 15], slides: &valid, ..c });
    check("cut off", Conv { windows: &[10, 11], slides: &[slide(3, 1, -2), slide(3, 1, -1)], ..c });
    check("a page apart", Conv { array: &[1, 1, 6, 10, 512], windows: &[6, 8], slides: &valid, features: 2, ..c });
    let strided = [slide(3, 2, 1), slide(3, 3, 0)];
    check("strides", Conv { windows: &[9, 7], slides: &strided, ..c });
    let steps =
        [(1, 2, 1, 2), (1, 1, 2, 1)].map(|(stride, dilation, base, lo)| Slide { size: 3, stride, dilation, base, lo });
    check("dilated", Conv { windows: &[13, 31], slides: &steps, ..c });
    check("groups", Conv { array: &[3, 2, 15, 17, 5], features: 6, ..c });
    check("doubles", Conv { types: [Dt::F64; 2], ..c });
    check("a result of another type", Conv { types: [Dt::F32, Dt::F64], ..c });
    let apart = Slide { size: 2, stride: 1, dilation: 30, base: 1, lo: 30 };
    check("more would be copied than patches have", Conv { windows: &[24, 26], slides: &[apart, apart], ..c });
    // As in the gradient of a filter.
    let few = Conv {
        array: &[1, 20, 34, 33, 5],
        features: 17,
        windows: &[2, 3],
        slides: &[slide(34, 1, 1), slide(33, 1, 1)],
        batch_last: true,
        stored: &[0, 4, 2, 3, 1],
        ..c
    };
    check("few windows", Conv { ..few });
    check("few windows of groups", Conv { array: &[2, 20, 34, 33, 1], stored: &[4, 2, 3, 0, 1], features: 40, ..few });
    check("sums of several super-chunks", Conv { array: &[1, 9, 34, 33, 16], features: 2, ..few });
    check(
        "of a row",
        Conv {
            array: &[1, 20, 1, 700, 2],
            slides: &[slide(1, 1, 0), slide(699, 1, 1)],
            windows: &[1, 3],
            features: 3,
            ..few
        },
    );
    let volume = [slide(2, 1, 0), slide(2, 1, 1), slide(3, 1, 1)];
    check("volumes", Conv { array: &[1, 2, 5, 4, 9, 3], windows: &[4, 5, 9], slides: &volume, ..c });
    check("a line", Conv { array: &[1, 1, 500, 3], windows: &[498], slides: &[slide(3, 1, 0)], ..c });
    check(
        "a padded line",
        Conv { array: &[1, 1, 5000, 3], windows: &[5000], slides: &[slide(3, 1, 1)], features: 2, ..c },
    );
}

#[test]
fn windows_of_one_element_are_a_product() {
    for (stride, windows) in [(1, 9), (2, 5)] {
        let c = Conv {
            array: &[1, 2, 9, 9, 33],
            features: 5,
            windows: &[windows, windows],
            slides: &[slide(1, stride, 0), slide(1, stride, 0)],
            ..PLAIN
        };
        check("channels last", Conv { ..c });
        check("channels first", Conv { stored: &[0, 1, 4, 2, 3], ..c });
        check("cut off", Conv { windows: &[2, 2], slides: &[slide(1, stride, -3), slide(1, stride, 0)], ..c });
    }
}

/// Each channel for itself: in memory batch, spatial dimensions, channels.
#[test]
fn groups_that_lie_side_by_side() {
    for groups in [8, 33, 96] {
        let c = Conv {
            array: &[groups, 2, 7, 6, 1],
            windows: &[7, 3],
            slides: &[slide(3, 1, 1), slide(2, 2, 1)],
            stored: &[1, 2, 3, 0, 4],
            lanes: true,
            ..PLAIN
        };
        check("short sums", Conv { ..c });
        check("doubles", Conv { types: [Dt::F64; 2], ..c });
        check("half precision", Conv { types: [Dt::Bf16; 2], ..c });
        check(
            "several chunks",
            Conv {
                array: &[groups, 1, 30, 6, 1],
                windows: &[2, 2],
                slides: &[slide(29, 1, 0), slide(12, 1, 3)],
                batch_last: true,
                ..c
            },
        );
    }
    let long = Conv {
        array: &[9, 1, 130, 130, 1],
        windows: &[2, 1],
        slides: &[slide(129, 1, 1), slide(130, 1, 0)],
        batch_last: true,
        stored: &[1, 2, 3, 0, 4],
        lanes: true,
        ..PLAIN
    };
    check("several super-chunks", long);
}

/// Three by three elements, and three by three windows: with and without padding, odd and even extents, cut off, more than a block.
#[test]
fn tiles() {
    let c = Conv {
        array: &[1, 3, 14, 14, 20],
        features: 19,
        windows: &[14, 14],
        slides: &[slide(3, 1, 1), slide(3, 1, 1)],
        order: ConvOrder::Winograd,
        ..PLAIN
    };
    check("even", Conv { ..c });
    check("channels first", Conv { stored: &[0, 1, 4, 2, 3], ..c });
    check("the batch inside", Conv { stored: &[2, 3, 0, 4, 1], batch_last: true, ..c });
    let valid = [slide(3, 1, 0), slide(3, 1, 0)];
    check("odd", Conv { array: &[1, 2, 9, 7, 5], windows: &[7, 5], slides: &valid, ..c });
    check("odd and even", Conv { array: &[1, 2, 9, 8, 5], windows: &[7, 6], slides: &valid, features: 33, ..c });
    check("cut off", Conv { windows: &[5, 4], slides: &[slide(3, 1, -2), slide(3, 1, -1)], ..c });
    check(
        "far outside",
        Conv { array: &[1, 1, 4, 3, 2], windows: &[9, 12], slides: &[slide(3, 1, 5), slide(3, 1, 6)], ..c },
    );
    check("one window", Conv { windows: &[1, 1], slides: &valid, ..c });
    check("groups", Conv { array: &[3, 2, 8, 9, 5], windows: &[8, 9], features: 6, ..c });
    check(
        "groups inside",
        Conv { array: &[3, 2, 8, 9, 5], windows: &[8, 9], features: 6, stored: &[1, 2, 3, 0, 4], lanes: true, ..c },
    );
    check("several chunks", Conv { array: &[1, 1, 6, 6, 300], windows: &[6, 6], features: 2, ..c });
    check("several blocks", Conv { array: &[1, 5, 20, 22, 64], windows: &[20, 22], features: 48, ..c });
    check("a result of another type", Conv { types: [Dt::F32, Dt::Bf16], ..c });
    // As in the gradient of a filter.
    let few = Conv {
        array: &[1, 20, 14, 15, 7],
        windows: &[3, 3],
        slides: &[slide(14, 1, 1), slide(15, 1, 1)],
        batch_last: true,
        stored: &[0, 4, 2, 3, 1],
        ..c
    };
    check("few windows", Conv { ..few });
    check("of arrays as they are", Conv { stored: &[], batch_last: false, ..few });
    check("of groups", Conv { array: &[2, 6, 14, 15, 3], stored: &[4, 2, 3, 0, 1], features: 5, ..few });
    check("of several sets", Conv { array: &[1, 3, 14, 15, 70], features: 2, ..few });
    check("cut off", Conv { array: &[1, 4, 20, 21, 3], slides: &[slide(13, 1, -2), slide(15, 1, -1)], ..few });
    check(
        "of many sets",
        Conv { array: &[1, 1, 131, 8, 70], slides: &[slide(131, 1, 1), slide(8, 1, 1)], features: 2, ..few },
    );
    check(
        "of a long row",
        Conv { array: &[1, 2, 4, 602, 2], slides: &[slide(4, 1, 1), slide(602, 1, 1)], features: 3, ..few },
    );
    check(
        "of few elements",
        Conv { array: &[1, 2, 2, 1, 2], slides: &[slide(2, 1, 1), slide(1, 1, 1)], features: 3, ..few },
    );
}
