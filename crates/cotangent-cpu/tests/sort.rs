//! Sorted lines and greatest elements against the reference, bit for bit, on every instruction set: long lines of every type, which the random programs do not have.

use cotangent_cpu::exec::Options;
use cotangent_cpu::isa::Isa;
use cotangent_cpu::*;

struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 ^ self.0 >> 31
    }
}

/// Bytes of `n` elements: of `few` values (then equal ones are common), or of any; zeros of both signs, infinities and NaNs among them.
fn elements(r: &mut Rng, dt: Dt, n: usize, few: bool) -> Vec<u8> {
    let part = dt.part();
    let mut bytes = Vec::new();
    for _ in 0..n * dt.size() / part.size() {
        let x = if few { (r.next() >> 20) % 7 } else { r.next() };
        let bits = match part {
            Dt::Bool => x & 1,
            Dt::F32 if few => (x as f32 - 3.0).to_bits() as u64,
            Dt::F64 if few => (x as f64 - 3.0).to_bits(),
            // Any bits but those of NaNs, which are wanted seldom and plain.
            Dt::F16 | Dt::Bf16 | Dt::F32 | Dt::F64 => match (part, r.next() >> 40 & 63) {
                (Dt::F16, 0..4) => 0x7e00,
                (Dt::Bf16, 0..4) => 0x7fc0,
                (Dt::F32, 0..4) => 0x7fc0_0000,
                (Dt::F64, 0..4) => 0x7ff8 << 48,
                (_, 4..8) => 0,
                (_, 8..12) => 1 << (8 * part.size() - 1),
                (Dt::F16, _) => x & 0xbfff,
                (Dt::Bf16, _) => x & 0xbfff,
                (Dt::F32, 12) => 0x7f80_0000,
                (Dt::F32, _) => x & 0xbfff_ffff,
                (_, 12) => 0xfff0 << 48,
                _ => x & !(1 << 62),
            },
            _ => x,
        };
        bytes.extend_from_slice(&bits.to_le_bytes()[..part.size()]);
    }
    bytes
}

fn agree(p: &Program, args: &[Vec<u8>]) {
    let want = reference::evaluate(p, args).unwrap();
    for isa in Isa::ALL.into_iter().filter(|i| i.available()) {
        let e = Executable::compile_with(p, Options { isa, ..Options::default() }).unwrap();
        let got = fuzz::run(&e, p, args);
        for (k, v) in p.outs.iter().enumerate() {
            fuzz::same(p.ty(*v).dt, &got[k], &want[k]).unwrap_or_else(|e| panic!("{isa:?}, result {k}: {e}\n{p}"));
        }
    }
}

/// A sort of operands of these types, of which these results are read.
fn sorted(types: &[Dt], keys: u32, dims: &[usize], dim: u32, read: &[usize]) -> Program {
    let mut p = Program::default();
    let tys: Vec<Ty> = types.iter().map(|dt| Ty::new(*dt, dims)).collect();
    let uses: Vec<Use> = tys.iter().map(|ty| Use::plain(p.arg(ty.clone()))).collect();
    let first = p.push(Kind::Sort { dim, keys }, &uses, &tys);
    p.outs = read.iter().map(|k| first + *k as u32).collect();
    p
}
fn try_sort(r: &mut Rng, types: &[Dt], keys: u32, dims: &[usize], dim: u32, read: &[usize]) {
    let p = sorted(types, keys, dims, dim, read);
    for few in [false, true] {
        let args: Vec<Vec<u8>> = p.args.iter().map(|ty| elements(r, ty.dt, ty.len(), few)).collect();
        agree(&p, &args);
    }
}

/// Lengths around those where lines are compared, sorted by short digits, and by long ones.
const LENGTHS: [usize; 8] = [0, 1, 2, 37, 399, 401, 3000, 17000];

#[test]
fn keys_alone() {
    let mut r = Rng(1);
    for dt in Dt::ALL {
        for n in LENGTHS {
            try_sort(&mut r, &[dt], 1, &[n], 0, &[0]);
        }
        try_sort(&mut r, &[dt], 1, &[5, 410, 3], 1, &[0]);
        try_sort(&mut r, &[dt], 1, &[40, 9], 0, &[0]);
    }
}

#[test]
fn keys_with_what_goes_along() {
    let mut r = Rng(2);
    for dt in Dt::ALL {
        for (n, along) in
            [(17, Dt::F32), (398, Dt::I8), (2000, Dt::I32), (450, Dt::C128), (2100, Dt::F64), (500, Dt::F16)]
        {
            for read in [&[1][..], &[0, 1], &[0], &[1, 0, 1]] {
                try_sort(&mut r, &[dt, along], 1, &[2, n], 1, read);
            }
        }
        try_sort(&mut r, &[dt, Dt::I32], 1, &[17000], 0, &[0, 1]);
        try_sort(&mut r, &[dt, Dt::I32, Dt::Bool], 1, &[420, 3], 0, &[2, 1]);
    }
}

#[test]
fn several_keys() {
    let mut r = Rng(3);
    use Dt::*;
    for types in [
        &[I32, F32][..],
        &[Bool, U8, I16],
        &[F64, F64],
        &[C64, C128, F32],
        &[U64, I8, F64, F16],
        &[Bf16, C64],
        &[I64, Bool, I64],
        &[C128],
    ] {
        for n in [3, 60, 500, 1500] {
            for keys in 1..=types.len() {
                let all: Vec<usize> = (0..types.len()).collect();
                try_sort(&mut r, types, keys as u32, &[2, n], 1, &all);
                try_sort(&mut r, types, keys as u32, &[n, 2], 0, &all[..1]);
            }
        }
    }
}

/// Sorting moves elements and changes none, not even a NaN.
#[test]
fn nans_keep_their_bits_and_their_order() {
    let nans: Vec<u32> =
        (0..700u32).map(|i| if i % 3 == 0 { 0x3f80_0000 + i } else { 0x7fc0_0000 | i | i << 31 }).collect();
    let mut want: Vec<u32> = nans.clone();
    want.sort_by_key(|b| f32::from_bits(*b).is_nan());
    let mut numbers = want[..234].to_vec();
    numbers.sort_unstable();
    want.splice(..234, numbers);
    for n in [700, 300] {
        let p = sorted(&[Dt::F32, Dt::F32], 1, &[n], 0, &[0]);
        let x = Buffer::from_slice(&nans[..n]);
        let run = |p: &Program, args: &[Operand]| match &Executable::compile(p).unwrap().run(args)[0] {
            Output::Buffer(b) => b.as_slice::<u32>().to_vec(),
            _ => panic!("an array"),
        };
        let got = run(&p, &[Operand::Buffer(&x), Operand::Buffer(&x)]);
        let both = run(&sorted(&[Dt::F32, Dt::F32], 1, &[n], 0, &[0, 1]), &[Operand::Buffer(&x), Operand::Buffer(&x)]);
        assert_eq!(got, both);
        if n == 700 {
            assert_eq!(got, want);
        }
    }
}

#[test]
fn greatest_elements() {
    let mut r = Rng(4);
    for dt in Dt::ALL.into_iter().filter(|dt| !dt.is_complex()) {
        for (dims, dim, k) in [
            (&[5][..], 0, 0),
            (&[5], 0, 5),
            (&[3, 700], 1, 1),
            (&[9000], 0, 3),
            (&[9000], 0, 2500),
            (&[9000], 0, 9000),
            (&[1500, 3], 0, 7),
            (&[2, 6000, 2], 1, 1100),
        ] {
            let mut p = Program::default();
            let x = p.arg(Ty::new(dt, dims));
            let mut out = dims.to_vec();
            out[dim] = k;
            let types = [Ty::new(dt, &out), Ty::new(Dt::I32, &out)];
            let first = p.push(Kind::Top { dim: dim as u32 }, &[Use::plain(x)], &types);
            for outs in [vec![first, first + 1], vec![first + 1], vec![first]] {
                p.outs = outs;
                for few in [false, true] {
                    agree(&p, &[elements(&mut r, dt, p.args[0].len(), few)]);
                }
            }
        }
    }
}
