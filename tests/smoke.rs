//! temporary
use cotangent::prelude::*;
#[test]
fn smoke() {
    let f = |x: &Array| x.powi(3) + 2.0 * x.powi(2) - 3.0 * x + 1.0;
    assert_eq!(f(&array(2.0)).to_f64(), 11.0);
    assert_eq!(grad(f)(&array(1.0)).to_f64(), 4.0);
    assert_eq!(grad(grad(f))(&array(1.0)).to_f64(), 10.0);
    assert_eq!(grad(grad(grad(f)))(&array(1.0)).to_f64(), 6.0);
    let t = |x: &Array| x.tanh();
    println!("{} {} {}", grad(t)(&array(2.0)), grad(grad(t))(&array(2.0)), grad(grad(grad(t)))(&array(2.0)));
    let x = array![[1., 2.], [3., 4.]];
    println!("{:?}", &x * 2.0);
    println!("{:?}", grad(|x: &Array| (x * x).sum())(&x));
    println!("{:?}", jit(grad(|x: &Array| (x * x.sin()).sum()))(&x));
    println!("{:?}", grad(jit(|x: &Array| (x * x.sin()).sum()))(&x));
    println!("{:?}", cotangent::vmap(grad(|x: &Array| (x * x.sin()).sum()))(&x));
    println!("{:?}", cotangent::hessian(|x: &Array| x.powi(3).sum())(&array![1., 2.]));
    println!("{:?}", cotangent::jacfwd(|x: &Array| x.powi(2))(&array![1., 2.]));
    let e = catch(|| array![1., 2.] + array![1., 2., 3.]).unwrap_err();
    println!("{e}");
    println!("{}", catch(|| grad(|x: &Array| x.sin())(&x)).unwrap_err());
    println!("{}", catch(|| jit(|x: &Array| if x.to_f64() > 0.0 { x.clone() } else { -x })(&array(1.0))).unwrap_err());
}
