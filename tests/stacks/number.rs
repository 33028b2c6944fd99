//! Real numbers with independent infinitesimals: what the reference computes with. This is the only place here that knows a derivative, four of them,
//! and the test compares all that follows from them with differences.

/// A number `sum over S of c[S] * product of e_k for k in S`, where the bits of S are the k and every `e_k * e_k` is 0. The length is a power of two; higher
/// infinitesimals do not occur in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Number(pub Vec<f64>);

impl Number {
    /// A number as such.
    pub fn of(x: f64) -> Number {
        Number(vec![x])
    }
    /// Without infinitesimals.
    pub fn real(&self) -> f64 {
        self.0[0]
    }
    /// `self + e_k * direction`, for a k that occurs in neither.
    pub fn moved(&self, direction: &Number, k: usize) -> Number {
        let mut c = padded(&self.0, 1 << k);
        c.extend(padded(&direction.0, 1 << k));
        Number(c)
    }
    /// What stands beside `e_k`, the highest that may occur.
    pub fn beside(&self, k: usize) -> Number {
        if self.0.len() <= 1 << k {
            return Number::of(0.0);
        }
        let mut c = self.0[1 << k..].to_vec();
        while c.len() > 1 && c[c.len() / 2..].iter().all(|c| *c == 0.0) {
            c.truncate(c.len() / 2)
        }
        Number(c)
    }
    /// What stands without `e_k`, the highest that may occur.
    pub fn without(&self, k: usize) -> Number {
        Number(self.0[..self.0.len().min(1 << k)].to_vec())
    }
    /// Their sum.
    pub fn plus(&self, other: &Number) -> Number {
        Number(sum(&self.0, &other.0))
    }
    /// Their product.
    pub fn times(&self, other: &Number) -> Number {
        Number(product(&self.0, &other.0))
    }
    /// This many of it.
    pub fn scaled(&self, by: f64) -> Number {
        Number(self.0.iter().map(|c| c * by).collect())
    }
    /// The sine.
    pub fn sin(&self) -> Number {
        Number(wave(&self.0, 0))
    }
    /// The cosine.
    pub fn cos(&self) -> Number {
        Number(wave(&self.0, 1))
    }
    /// The hyperbolic tangent.
    pub fn tanh(&self) -> Number {
        Number(tanh(&self.0))
    }
    /// One by it.
    pub fn inverse(&self) -> Number {
        Number(inverse(&self.0))
    }
}

fn padded(c: &[f64], n: usize) -> Vec<f64> {
    let mut c = c.to_vec();
    assert!(c.len() <= n, "an infinitesimal is used twice");
    c.resize(n, 0.0);
    c
}
fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let mut c = long.to_vec();
    c.iter_mut().zip(short).for_each(|(c, s)| *c += s);
    c
}
fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    let (a, b) = if a.len() < b.len() { (b, a) } else { (a, b) };
    if a.len() == 1 {
        return vec![a[0] * b[0]];
    }
    let (lo, hi) = a.split_at(a.len() / 2);
    if b.len() < a.len() {
        let mut c = padded(&product(lo, b), lo.len());
        c.extend(padded(&product(hi, b), lo.len()));
        return c;
    }
    let (b_lo, b_hi) = b.split_at(lo.len());
    let mut c = product(lo, b_lo);
    c.extend(sum(&product(lo, b_hi), &product(hi, b_lo)));
    c
}
/// `f(lo + e * hi) = f(lo) + e * df(lo) * hi`, where `f` is known for what has one infinitesimal less.
fn chain(x: &[f64], f: fn(f64) -> f64, step: impl Fn(&[f64]) -> (Vec<f64>, Vec<f64>)) -> Vec<f64> {
    if x.len() == 1 {
        return vec![f(x[0])];
    }
    let (lo, hi) = x.split_at(x.len() / 2);
    let (mut y, slope) = step(lo);
    y.extend(product(&slope, hi));
    y
}
/// The sine a number of quarters of a turn later.
fn wave(x: &[f64], quarters: usize) -> Vec<f64> {
    let f = [f64::sin, f64::cos, |x: f64| -x.sin(), |x: f64| -x.cos()][quarters];
    chain(x, f, |lo| (wave(lo, quarters), wave(lo, (quarters + 1) % 4)))
}
fn tanh(x: &[f64]) -> Vec<f64> {
    chain(x, f64::tanh, |lo| {
        let y = tanh(lo);
        let mut slope: Vec<f64> = product(&y, &y).iter().map(|c| -c).collect();
        slope[0] += 1.0;
        (y, slope)
    })
}
fn inverse(x: &[f64]) -> Vec<f64> {
    let reciprocal = |x: f64| 1.0 / x;
    chain(x, reciprocal, |lo| {
        let y = inverse(lo);
        let slope = product(&y, &y).iter().map(|c| -c).collect();
        (y, slope)
    })
}
