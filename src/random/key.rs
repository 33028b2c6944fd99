//! Keys: what random numbers are made from.

use crate::array::{Array, ArrayLike};
use crate::aval::tuple;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::tree::Walker;
use crate::{Pytree, prim};

/// What random numbers are made from. It is used once.
///
/// A key is a pytree, so it is an argument and a result of transformed functions like any array. For `vmap`, several keys lie side by
/// side in one `Key`: see [`split_array`].
///
/// ```
/// use cotangent::{prelude::*, random, random::Key};
/// let noisy = jit(|key: Key, x: &Array| x + random::normal(key, &[2]));
/// assert_eq!(noisy(random::key(0), &array![1., 2.]).shape(), [2]);
/// ```
pub struct Key(pub(super) Array);

impl Pytree for Key {
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        w.leaf(&self.0)
    }
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
        Key(leaves.next().expect("Pytree::rebuild: fewer leaves than the tree has arrays"))
    }
}

/// As the array of keys that it is.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_tracer() {
            return std::fmt::Debug::fmt(&self.0, f);
        }
        write!(f, "Key({})", key_data(self))
    }
}

impl Key {
    /// The one key that it is.
    #[track_caller]
    pub(super) fn single(&self, name: &str) -> &Array {
        if self.0.ndim() > 0 {
            fail(
                ErrorKind::Shape,
                format!(
                    "random::{name}: takes one key, not an array of keys of shape {}; map over it with vmap",
                    tuple(self.0.shape())
                ),
            )
        }
        &self.0
    }
    /// New keys, as many as the place that they go to has.
    ///
    /// ```
    /// use cotangent::random;
    /// let [dropout, noise] = random::key(0).split();
    /// assert_ne!(random::key_data(&dropout).to_string(), random::key_data(&noise).to_string());
    /// ```
    #[track_caller]
    pub fn split<const N: usize>(self) -> [Key; N] {
        let keys = parts(&self, N);
        std::array::from_fn(|i| one(&keys, i))
    }
    /// Two new keys.
    ///
    /// ```
    /// use cotangent::random::{key, key_data};
    /// let (a, b) = key(0).split2();
    /// assert_eq!(key_data(&a).to_string(), "[1797259609 2579123966]");
    /// assert_eq!(key_data(&b).to_string(), "[ 928981903 3453687069]");
    /// ```
    #[track_caller]
    pub fn split2(self) -> (Key, Key) {
        let [a, b] = self.split();
        (a, b)
    }
}

/// The key of a seed, a number or a scalar array of integers. The key's two words are the 64 bits of the seed; of a type of 32 bits
/// or fewer, and of a number that int32 holds, the first is 0. As `jax.random.key`.
///
/// ```
/// use cotangent::random::{key, key_data};
/// assert_eq!(key_data(&key(7)).to_string(), "[0 7]");
/// ```
#[track_caller]
pub fn key(seed: impl ArrayLike) -> Key {
    let seed = seed.into_array();
    if seed.ndim() > 0 || !seed.dtype().is_integer() {
        fail(
            ErrorKind::Type,
            format!(
                "random::key: a seed is one integer, not a value of type {}; map over several with vmap",
                seed.aval()
            ),
        )
    }
    Key(prim::random_seed(&seed))
}

/// The older name of [`key`] in JAX, where it gives an array of words: here that is [`key_data`] of the key. As `jax.random.PRNGKey`.
///
/// ```
/// use cotangent::random;
/// assert_eq!(random::key_data(&random::prng_key(7)).to_string(), "[0 7]");
/// ```
#[doc(alias = "PRNGKey")]
#[track_caller]
pub fn prng_key(seed: impl ArrayLike) -> Key {
    key(seed)
}

/// A second key that is the same, for whoever wants the same numbers twice. As `jax.random.clone`.
///
/// ```
/// use cotangent::random::{clone, key, uniform};
/// let k = key(0);
/// assert_eq!(uniform(clone(&k), &[]).to_f64(), uniform(k, &[]).to_f64());
/// ```
pub fn clone(key: &Key) -> Key {
    Key(key.0.clone())
}

/// `n` new keys. As `jax.random.split`.
///
/// ```
/// use cotangent::random;
/// assert_eq!(random::split(random::key(0), 3).len(), 3);
/// ```
#[track_caller]
pub fn split(key: Key, n: usize) -> Vec<Key> {
    let keys = parts(&key, n);
    (0..n).map(|i| one(&keys, i)).collect()
}
fn parts(key: &Key, n: usize) -> Array {
    prim::random_split(key.single("split"), &[n])
}
fn one(keys: &Array, i: usize) -> Key {
    Key(prim::squeeze(&prim::slice(keys, &[i], &[i + 1], None), &[0]))
}

/// An array of new keys: an argument for `vmap`, which gives each lane one of them. As `jax.random.split`.
///
/// ```
/// use cotangent::{prelude::*, random, random::Key};
/// let keys = random::split_array(random::key(0), &[4]);
/// let rows = cotangent::vmap(|key: Key| random::uniform(key, &[3]))(keys);
/// assert_eq!(rows.shape(), [4, 3]);
/// ```
#[track_caller]
pub fn split_array(key: Key, shape: &[usize]) -> Key {
    Key(prim::random_split(key.single("split_array"), shape))
}

/// A new key, a function of the key and a number or a scalar array of integers, of which the low 32 bits count. As `jax.random.fold_in`.
///
/// ```
/// use cotangent::random::{fold_in, key, key_data};
/// assert_eq!(key_data(&fold_in(key(0), 1)).to_string(), "[ 928981903 3453687069]");
/// ```
#[track_caller]
pub fn fold_in(key: Key, data: impl ArrayLike) -> Key {
    let data = data.into_array();
    if data.ndim() > 0 {
        fail(
            ErrorKind::Shape,
            format!(
                "random::fold_in: folds in one number, not an array of shape {}; map over it with vmap",
                tuple(data.shape())
            ),
        )
    }
    Key(prim::random_fold_in(key.single("fold_in"), &data))
}

/// The name of the generator that keys of this kind belong to: the only one here. As `jax.random.key_impl`.
///
/// ```
/// use cotangent::random;
/// assert_eq!(random::key_impl(&random::key(0)), "threefry2x32");
/// ```
pub fn key_impl(_key: &Key) -> &'static str {
    "threefry2x32"
}
/// The words of a key, or of each key, as uint32 in a new last dimension of extent 2: to print or to save. As `jax.random.key_data`.
///
/// ```
/// use cotangent::random;
/// assert_eq!(random::key_data(&random::key(7)).to_string(), "[0 7]");
/// ```
#[track_caller]
pub fn key_data(key: &Key) -> Array {
    prim::random_unwrap(&key.0)
}

/// The key whose words these are, or an array of keys: the inverse of [`key_data`]. As `jax.random.wrap_key_data`.
///
/// ```
/// use cotangent::random;
/// let words = random::key_data(&random::key(7));
/// assert_eq!(random::key_data(&random::wrap_key_data(&words)).to_string(), "[0 7]");
/// ```
///
/// # Panics
/// If the elements are not uint32, or if the last dimension does not have extent 2.
#[track_caller]
pub fn wrap_key_data(words: &Array) -> Key {
    if words.dtype() != DType::Uint32 || words.shape().last() != Some(&2) {
        fail(
            ErrorKind::Type,
            format!("random::wrap_key_data: a key is two words of type uint32, not a value of type {}", words.aval()),
        )
    }
    Key(prim::random_wrap(words))
}
