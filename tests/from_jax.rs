//! The table of `docs/from-jax.md`: JAX's functions and what is here in their place. The compiler checks that functions with JAX's names are here.
//!
//! `UPDATE_EXPECT=1 cargo test --test from_jax` writes the page anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Functions with JAX's names, in the modules that stand for JAX's.
macro_rules! same {
    ($($module:literal in $root:ident $(::$part:ident)*: $($name:ident)*;)*) => {
        same!(@there $([$root [$(::$part)*] $($name)*])*);
        fn same() -> Vec<(&'static str, &'static str, String)> {
            let rows = [$(($module, concat!("" $(, stringify!($part), "::")*), stringify!($($name)*))),*];
            let row = |(module, path, names): (&'static str, &'static str, &'static str)| {
                names.split_whitespace().map(move |n| (module, n, format!("`{path}{n}`"))).collect::<Vec<_>>()
            };
            rows.into_iter().flat_map(row).collect()
        }
    };
    (@there $([$root:ident $path:tt $($name:ident)*])*) => { $($(same!(@one $root $path $name);)*)* };
    (@one $root:ident [$(::$part:ident)*] $name:ident) => {
        const _: () = {
            #[allow(unused_imports)]
            use $root$(::$part)*::$name as _;
        };
    };
}
same! {
    "jax" in cotangent:
        checkpoint clear_caches custom_gradient eval_shape grad hessian jacfwd jacrev jit jvp linear_transpose linearize make_jaxpr pmap shard_map
        value_and_grad vjp vmap;
    "jax.numpy" in cotangent::np:
        abs absolute acos acosh add all allclose angle any append apply_along_axis apply_over_axes arange arccos arccosh arcsin arcsinh arctan
        arctan2 arctanh argmax argmin argpartition argsort argwhere array_equal array_equiv array_split asin asinh atan atan2 atanh atleast_1d
        atleast_2d atleast_3d average bartlett bincount bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or
        bitwise_right_shift bitwise_xor blackman block broadcast_arrays broadcast_shapes broadcast_to cbrt ceil choose clip column_stack compress
        concatenate conj conjugate convolve copysign corrcoef correlate cos cosh count_nonzero cov cross cumprod cumsum cumulative_prod
        cumulative_sum deg2rad degrees delete diag diag_indices diag_indices_from diagflat diagonal diff digitize divide divmod dot dsplit dstack ediff1d einsum einsum_path empty
        empty_like equal exp exp2 expand_dims expm1 extract eye fabs fill_diagonal flatnonzero flip fliplr flipud float_power floor floor_divide fmax
        fmin fmod frexp frombuffer fromstring full full_like gcd geomspace gradient greater greater_equal hamming hanning heaviside histogram histogram2d
        histogram_bin_edges histogramdd hsplit hstack hypot i0 identity imag indices inner insert interp intersect1d invert isclose iscomplex
        iscomplexobj isfinite isin isinf isnan isneginf isposinf isreal isrealobj ix_ kaiser kron lcm ldexp left_shift less less_equal lexsort
        linspace log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor logspace mask_indices matmul
        matrix_transpose matvec max maximum mean median meshgrid min minimum modf moveaxis multiply nan_to_num nanargmax nanargmin nancumprod
        nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum nanvar negative nextafter nonzero not_equal ones
        ones_like outer packbits pad partition percentile permute_dims piecewise place poly polyadd polyder polydiv polyfit polyint polymul polysub
        polyval positive pow power prod ptp put put_along_axis quantile rad2deg radians ravel ravel_multi_index real reciprocal remainder repeat
        reshape resize right_shift rint roll rollaxis roots rot90 round searchsorted select setdiff1d setxor1d sign signbit sin sinc sinh sort
        sort_complex spacing split sqrt square squeeze stack std subtract sum swapaxes take take_along_axis tan tanh tensordot tile trace transpose trapezoid tri
        tril tril_indices tril_indices_from trim_zeros triu triu_indices triu_indices_from true_divide trunc union1d unique unique_all unique_counts unique_inverse unique_values
        unpackbits unravel_index unstack unwrap vander var vdot vecdot vecmat vectorize vsplit vstack zeros zeros_like;
    "jax.numpy.linalg" in cotangent::np::linalg:
        cholesky cond det eig eigh eigvals eigvalsh inv lstsq matrix_norm matrix_power matrix_rank multi_dot norm pinv qr slogdet solve svd svdvals
        tensorinv tensorsolve vector_norm;
    "jax.numpy.fft" in cotangent::np::fft:
        fft fft2 fftfreq fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2 irfftn rfft rfft2 rfftfreq rfftn;
    "jax.lax" in cotangent::lax:
        abs acos acosh add all_gather all_to_all argmax argmin asin asinh associative_scan atan atan2 atanh axis_index axis_size bessel_i0e bessel_i1e betainc bitcast_convert_type
        bitwise_and bitwise_not bitwise_or bitwise_xor broadcast broadcast_in_dim broadcast_shapes broadcast_to_rank broadcasted_iota cbrt ceil clamp clz collapse complex concatenate cond conj conv
        conv_general_dilated conv_transpose conv_with_general_padding convert_element_type cos cosh cumlogsumexp cummax cummin cumprod cumsum custom_linear_solve custom_root digamma div dot_general
        dynamic_index_in_dim dynamic_slice dynamic_slice_in_dim dynamic_update_index_in_dim dynamic_update_slice dynamic_update_slice_in_dim eq erf erf_inv erfc exp exp2 expand_dims expm1 fft floor
        fori_loop gather ge gt igamma igamma_grad_a igammac imag index_in_dim integer_pow iota is_finite le lgamma log log1p logistic lt map max min mul mulhi ne neg nextafter pad padtype_to_pads
        pbroadcast pmax pmean pmin polygamma population_count pow ppermute pshuffle psum psum_scatter pswapaxes random_gamma_grad real reduce reduce_and reduce_max reduce_min reduce_or
        reduce_precision reduce_prod reduce_sum reduce_xor rem reshape rev round rsqrt scan scatter scatter_add scatter_max scatter_min scatter_mul scatter_sub select select_n shift_left
        shift_right_arithmetic shift_right_logical sign sin sinh slice slice_in_dim sort sort_key_val split sqrt squeeze stack stop_gradient sub switch tan tanh tile top_k transpose unstack while_loop
        zeta;
    "jax.nn" in cotangent::nn:
        celu dot_product_attention elu gelu glu hard_sigmoid hard_silu hard_swish hard_tanh identity leaky_relu log1mexp log_sigmoid log_softmax
        logmeanexp logsumexp mish one_hot relu relu6 scaled_matmul selu sigmoid silu soft_sign softmax softplus sparse_plus sparse_sigmoid squareplus standardize
        swish tanh;
    "jax.nn.initializers" in cotangent::nn::initializers:
        constant delta_orthogonal glorot_normal glorot_uniform he_normal he_uniform kaiming_normal kaiming_uniform lecun_normal lecun_uniform normal
        ones orthogonal truncated_normal uniform variance_scaling xavier_normal xavier_uniform zeros;
    "jax.random" in cotangent::random:
        ball bernoulli beta binomial bits categorical cauchy chisquare choice clone dirichlet double_sided_maxwell exponential f fold_in gamma
        generalized_normal geometric gumbel key key_data key_impl laplace loggamma logistic lognormal maxwell multinomial multivariate_normal normal
        orthogonal pareto permutation poisson rademacher randint rayleigh split t triangular truncated_normal uniform wald weibull_min wrap_key_data;
    "jax.scipy.special" in cotangent::special:
        bernoulli bessel_jn beta betainc betaln boxcox boxcox1p comb dawsn digamma entr erf erfc erfcx erfinv exp1 expi expit expn factorial fresnel
        gamma gammainc gammaincc gammaln gammasgn hyp1f1 hyp2f1 i0 i0e i1 i1e kl_div log_ndtr loggamma logit multigammaln ndtr ndtri owens_t poch polygamma
        rel_entr sph_harm_y spence wofz xlog1py xlogy zeta;
    "jax.tree" in cotangent::tree:
        all flatten leaves map map_with_path reduce structure unflatten;
    "jax.debug" in cotangent::debug:
        callback print;
}

/// What stands elsewhere, or is said in another way.
const OTHER: &[(&str, &str, &str)] = &[
    ("jax", "block_until_ready", "nothing to wait for: results are there"),
    ("jax", "check_tracer_leaks", "`debug::leaks`"),
    ("jax", "checking_leaks", "`debug::leaks`"),
    ("jax", "closure_convert", "a closure may capture arrays"),
    ("jax", "debug_infs", "`debug::infs`"),
    ("jax", "debug_key_reuse", "keys are moved: the compiler checks it"),
    ("jax", "debug_nans", "`debug::nans`"),
    ("jax", "default_prng_impl", "threefry"),
    ("jax", "device_get", "`x.to_vec()`"),
    ("jax", "device_put", "`array(..)`"),
    ("jax", "devices", "`devices::cpu(n)`"),
    ("jax", "disable_jit", "call the function without `jit`"),
    ("jax", "enable_x64", "no switch: 64-bit types are there"),
    ("jax", "explain_cache_misses", "`debug::explain_cache_misses`"),
    ("jax", "jacobian", "`jacrev`"),
    ("jax", "make_mesh", "`devices::Mesh`"),
    ("jax", "numpy_rank_promotion", "NumPy's rules"),
    ("jax", "pure_callback", "`debug::pure_callback`"),
    ("jax", "remat", "`checkpoint`"),
    ("jax", "threefry_partitionable", "as if set"),
    ("jax", "typeof", "`x.aval()`"),
    ("jax.numpy", "amax", "`np::max`"),
    ("jax.numpy", "amin", "`np::min`"),
    ("jax.numpy", "around", "`np::round`"),
    ("jax.numpy", "array", "`array`, `array!`"),
    ("jax.numpy", "array_repr", "`{:?}`"),
    ("jax.numpy", "array_str", "`{}`"),
    ("jax.numpy", "asarray", "`array`"),
    ("jax.numpy", "astype", "`x.astype(dtype)`"),
    ("jax.numpy", "can_cast", "`dtype::can_cast`"),
    ("jax.numpy", "concat", "`np::concatenate`"),
    ("jax.numpy", "copy", "`x.clone()`"),
    ("jax.numpy", "from_dlpack", "`io::dlpack::import`, `io::dlpack::import_owned` without a copy"),
    ("jax.numpy", "fromfile", "not in JAX either: it only raises; `std::fs::read` and `np::frombuffer`"),
    ("jax.numpy", "fromfunction", "`np::indices` and a function of arrays"),
    ("jax.numpy", "fromiter", "not in JAX either: it only raises; `array(iterator.collect::<Vec<_>>())`"),
    ("jax.numpy", "frompyfunc", "a function of arrays broadcasts by itself; `np::vectorize` for others"),
    ("jax.numpy", "get_printoptions", "printing has no options: it is NumPy's by default"),
    ("jax.numpy", "isdtype", "methods of `DType`"),
    ("jax.numpy", "isscalar", "`x.ndim() == 0`"),
    ("jax.numpy", "issubdtype", "methods of `DType`"),
    ("jax.numpy", "iterable", "the compiler knows"),
    ("jax.numpy", "load", "`io::npy::load`, `io::npz::load`"),
    ("jax.numpy", "mod", "`np::mod_`"),
    ("jax.numpy", "ndim", "`x.ndim()`"),
    ("jax.numpy", "printoptions", "printing has no options: it is NumPy's by default"),
    ("jax.numpy", "promote_types", "`dtype::promote`"),
    ("jax.numpy", "result_type", "`dtype::promote_all`"),
    ("jax.numpy", "save", "`io::npy::save`"),
    ("jax.numpy", "savez", "`io::npz::save`"),
    ("jax.numpy", "set_printoptions", "printing has no options: it is NumPy's by default"),
    ("jax.numpy", "shape", "`x.shape()`"),
    ("jax.numpy", "size", "`x.size()`"),
    ("jax.numpy", "where", "`np::where_`"),
    ("jax.numpy.linalg", "cross", "`np::cross`"),
    ("jax.numpy.linalg", "diagonal", "`np::diagonal`"),
    ("jax.numpy.linalg", "matmul", "`np::matmul`"),
    ("jax.numpy.linalg", "matrix_transpose", "`np::matrix_transpose`"),
    ("jax.numpy.linalg", "outer", "`np::outer`"),
    ("jax.numpy.linalg", "tensordot", "`np::tensordot`"),
    ("jax.numpy.linalg", "trace", "`np::trace`"),
    ("jax.numpy.linalg", "vecdot", "`np::vecdot`"),
    ("jax.lax", "ConvGeneralDilatedDimensionNumbers", "`lax::ConvDimensionNumbers`"),
    ("jax.lax", "DotDimensionNumbers", "pairs of lists: arguments of `lax::dot_general`"),
    ("jax.lax", "PrecisionLike", "`lax::Precision`, of convolutions; products are as exact as their types"),
    ("jax.lax", "after_all", "no tokens: effects happen in the order of the program"),
    ("jax.lax", "approx_max_k", "`lax::top_k`: on CPUs JAX's is exact, too"),
    ("jax.lax", "approx_min_k", "`lax::top_k` of `-&x`: on CPUs JAX's is exact, too"),
    ("jax.lax", "batch_matmul", "`np::matmul`"),
    ("jax.lax", "broadcast_like", "`np::broadcast_to(&x, like.shape())`"),
    ("jax.lax", "composite", "a name for other compilers: call the function"),
    ("jax.lax", "conv_dimension_numbers", "`lax::ConvDimensionNumbers`"),
    ("jax.lax", "conv_general_dilated_patches", "`ConvGeneralDilated::patches`"),
    ("jax.lax", "conv_general_permutations", "`lax::ConvDimensionNumbers` has the permutations"),
    ("jax.lax", "conv_general_shape_tuple", "`eval_shape` of the convolution"),
    ("jax.lax", "conv_shape_tuple", "`eval_shape` of the convolution"),
    ("jax.lax", "conv_transpose_shape_tuple", "`eval_shape` of the convolution"),
    ("jax.lax", "create_token", "no tokens: effects happen in the order of the program"),
    ("jax.lax", "dce_sink", "effects are kept; without one there is nothing to keep"),
    ("jax.lax", "dot", "`x.dot(&y)`; with dimension numbers `lax::dot_general`"),
    ("jax.lax", "dtype", "`x.dtype()`"),
    ("jax.lax", "empty", "`np::empty`"),
    ("jax.lax", "full", "`np::full`, `np::full_dtype`"),
    ("jax.lax", "full_like", "`np::full_like`"),
    ("jax.lax", "index_take", "`x.i((&i, &j))`"),
    (
        "jax.lax",
        "optimization_barrier",
        "nothing to keep apart: what a checkpoint computes again is not merged with what it computed before",
    ),
    ("jax.lax", "pcast", "`lax::pvary`; types say what varies"),
    ("jax.lax", "platform_dependent", "there is one platform: call the function for CPUs"),
    ("jax.lax", "precv", "`lax::ppermute`: who sends and who receives is one operation"),
    ("jax.lax", "psend", "`lax::ppermute`: who sends and who receives is one operation"),
    ("jax.lax", "reciprocal", "`np::reciprocal`"),
    ("jax.lax", "reduce_window", "`lax::ReduceWindow`"),
    ("jax.lax", "reduce_window_shape_tuple", "`eval_shape` of the fold"),
    ("jax.lax", "rng_bit_generator", "`random::bits`, from a key"),
    (
        "jax.lax",
        "rng_uniform",
        "`random::uniform`, from a key: numbers that are drawn from nothing cannot be drawn again",
    ),
    ("jax.lax", "scatter_apply", "`x.at(index).apply(f)`"),
    ("jax.lax", "shape_as_value", "`x.shape()`: shapes are numbers of the host"),
    ("jax.lax", "square", "`np::square`"),
    ("jax.lax", "stage", "`jit`: nothing is staged by a single value"),
    ("jax.lax", "with_sharding_constraint", "`shard_map` says where pieces are"),
    ("jax.lax", "conv_general_dilated_local", "a filter for each place: `ConvGeneralDilated::patches` and a product"),
    ("jax.lax", "ragged_all_to_all", "pieces have one shape: `lax::all_to_all` of padded ones"),
    (
        "jax.lax",
        "ragged_dot",
        "sizes of groups are shapes here; of run time: the matrix of each row, `rhs.i(&group)`, and `np::vecmat`",
    ),
    ("jax.lax", "ragged_dot_general", "as `ragged_dot`"),
    ("jax.lax", "scaled_dot", "`nn::scaled_matmul`"),
    ("jax.nn", "get_scaled_dot_general_config", "describes kernels of cuDNN: there is nothing to configure"),
    (
        "jax.nn",
        "scaled_dot_general",
        "quantizes for kernels of cuDNN, to types of 8 bits that are not here; `prim::dot_general`",
    ),
    ("jax.random", "PRNGKey", "`random::prng_key`"),
    ("jax.random", "key_dtype", "`DType::Key`"),
    ("jax.scipy.special", "log_softmax", "`nn::log_softmax`"),
    ("jax.scipy.special", "logsumexp", "`nn::logsumexp`"),
    ("jax.scipy.special", "sici", "`special::si`, `special::ci`"),
    ("jax.scipy.special", "softmax", "`nn::softmax`"),
    ("jax.tree", "flatten_with_path", "`tree::flatten`, `tree::paths`"),
    ("jax.tree", "leaves_with_path", "`tree::leaves`, `tree::paths`"),
    ("jax.tree", "static", "`Static`"),
    ("jax.debug", "log", "`debug::print!`"),
];

const HEAD: &str = "\
# From JAX to Cotangent

Where JAX's functions are. Names are JAX's wherever Rust lets them be; arguments that Python names are methods of a builder with the name in capitals (`np::pad` and `np::Pad`, `jit` and `Jit`), and
what JAX reads off a value's Python type is said by the type here. This page is made by `tests/from_jax.rs`, where the compiler checks that the functions of one name exist, and from
the list of what JAX 0.10.2 has.

| in JAX | here |
|---|---|
| `x + y`, `x @ y`, `-x` | `&x + &y`, `np::matmul(&x, &y)`, `-&x` |
| `x[1:3, ..., i]` | `x.i((1..3, Ellipsis, &i))` |
| `x.at[i].add(y)` | `x.at(&i).add(&y)` |
| `x.sum(axis=0, keepdims=True)` | `np::over(0).keepdims().sum(&x)` |
| `jax.grad(f, argnums=1)(x, y)` | `grad_argnums(f, ARG1)(&x, &y)` |
| a dict or a dataclass of parameters | a struct with `#[derive(Pytree)]`, a tuple, a `Vec`, a `BTreeMap` |
| `key, sub = jax.random.split(key)` | `let [key, sub] = key.split();` |
";

#[test]
fn the_page_says_what_is_there() {
    let names: BTreeMap<String, BTreeSet<String>> =
        serde_json::from_str(include_str!("data/jax_names.json")).expect("a list of names");
    let mut here: BTreeMap<(&str, &str), String> = BTreeMap::new();
    let other = OTHER.iter().map(|(module, name, text)| (*module, *name, text.to_string()));
    for (module, name, text) in same().into_iter().chain(other) {
        assert!(names[module].contains(name), "JAX has no {module}.{name}");
        assert!(here.insert((module, name), text).is_none(), "{module}.{name} is named twice");
    }
    let mut page = HEAD.to_string();
    let order = ["jax", "jax.numpy", "jax.lax", "jax.nn", "jax.random"];
    let mut modules: Vec<&String> = names.keys().collect();
    modules.sort_by_key(|m| order.iter().position(|x| x == m).unwrap_or(order.len()));
    for module in modules {
        let found = |name: &str| here.get(&(module.as_str(), name)).cloned();
        let (there, not): (Vec<&String>, Vec<&String>) = names[module].iter().partition(|n| found(n).is_some());
        let all = names[module].len();
        write!(page, "\n## `{module}`: {} of {all}\n\n| JAX | here |\n|---|---|\n", there.len()).expect("text");
        for name in there {
            writeln!(page, "| `{name}` | {} |", found(name).expect("found before")).expect("text");
        }
        if !not.is_empty() {
            let not: Vec<String> = not.iter().map(|n| format!("`{n}`")).collect();
            writeln!(page, "\nNot here: {}.", not.join(", ")).expect("text");
        }
    }
    expect_test::expect_file!["../docs/from-jax.md"].assert_eq(&page);
}
