// Functions made of softplus, log cosh and tanh that grow like |x| or max(x, 0).
#include "../loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// log(1 + e^(beta x)) / beta: a[0] = beta.
struct Softplus {
    template <class V>
    static V value(V x, const V* a) {
        const Exponential<V> e = exponential_of_product(negative(x), a[0]);
        const V t = e.value(), tiny = splat(Traits<Element<V>>::smallest_normal) * number<V>(4);
        // log(1 + t) = t where t has lost digits that t / beta need not have.
        const V tail = t < tiny ? e.scale(e.mantissa / a[0]) : log1p_of_exponential(e) / a[0];
        return at_least(x, V{}) + tail;
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const V far = sigmoid_below(exponential_of_product(negative(x), a[0]).value());
        return x < V{} ? far : number<V>(1) - far;
    }
    template <class V>
    static V curve(V x, const V* a) {
        const Exponential<V> e = exponential_of_product(negative(x), a[0]);
        return e.scale(a[0] * unscaled_sigmoid_slope(e));
    }
};

// log((1 + e^x) / 2)
struct ShiftedSoftplus {
    template <class V>
    static V value(V x, const V*) {
        using C = Constants<Element<V>>;
        const V end = splat(-C::minus_one_below), half = number<V>(0.5);
        const V near = log1p_of_finite(half * expm1(at_most(x, end)));
        return x > end ? (x - splat(C::ln2_high)) - splat(C::ln2_low) : near;
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return sigmoid(x);
    }
    template <class V>
    static V curve(V x, const V*) {
        return sigmoid_slope(x);
    }
};

// With t = e^-|x|, L = log(1 + e^x) and s = 1/(1 + e^-x): f = sqrt(L), f' = s / (2 f),
// f'' = f' ((1 - s) - s / (2 L)).  On the left h = e^(x/2) is a normal number where t is none:
// f = h sqrt(r) with r = log(1 + t) / t, f' = h / (2 (1 + t) sqrt(r)), s / L = 1 / ((1 + t) r).
struct SqrtSoftplus {
    template <class V>
    struct Parts {
        V t, d, r, root;  // d = 1 + t, root = sqrt(r) on the left, sqrt(L) on the right
        Exponential<V> half;
        explicit Parts(V x) : half(exponential(number<V>(0.5) * negative(x))) {
            const V one = number<V>(1);
            t = exp(negative(x)), d = one + t;
            const V tiny = splat(Traits<Element<V>>::smallest_normal) * number<V>(4);
            const V log = log1p_of_finite(t);
            r = x > V{} ? x + log : (t < tiny ? one : log / t);
            root = sqrt(r);
        }
    };
    template <class V>
    static V value(V x, const V*) {
        const Parts<V> p(x);
        return x > V{} ? p.root : unless_nan(x, p.half.times(p.root));
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const Parts<V> p(x);
        const V two = number<V>(2), s = number<V>(1) / (two * p.d * p.root);
        return x > V{} ? s : unless_nan(x, p.half.times(s));
    }
    template <class V>
    static V curve(V x, const V*) {
        const Parts<V> p(x);
        const V one = number<V>(1), s = number<V>(0.5) / (p.d * p.root), q = s / p.d;
        const V inverse = number<V>(0.5) / p.r;
        const V left = p.half.times(q * (one - inverse)), right = q * (p.t - inverse);
        return x > V{} ? right : unless_nan(x, left);
    }
};

struct LogCosh {
    template <class V>
    static V value(V x, const V*) {
        return log_cosh(x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return tanh(x);
    }
    template <class V>
    static V curve(V x, const V*) {
        return tanh_slope(x);
    }
};

// x tanh(x); f' = tanh(x) + x sech(x)^2, f'' = 2 sech(x)^2 (1 - x tanh(x)).
struct Lisht {
    template <class V>
    static V value(V x, const V*) {
        return x * tanh(x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return madd(bounded(x), tanh_slope(x), tanh(x));
    }
    template <class V>
    static V curve(V x, const V*) {
        const V u = bounded(abs(x)), y = tanh_of_half(number<V>(2) * negative(x));
        const Exponential<V> e = exponential(number<V>(2) * negative(x));
        return e.scale(number<V>(8) * unscaled_sigmoid_slope(e) * madd(-u, y, number<V>(1)));
    }
};

// x - tanh(x): an odd series where the terms cancel, else tanh(x) as high + low.
struct TanhShrink {
    template <class V>
    static V value(V x, const V*) {
        using C = Constants<Element<V>>;
        const V u = abs(x);
        const DoubleWord<V> y = tanh_pair(x), square = exact_product(u, u);
        const DoubleWord<V> cube = product(square, DoubleWord<V>{u, V{}});
        const V third = number<V>(1.0 / 3);
        const V rest = square.high * polynomial(square.high, C::tanh_shrink);
        const V low = madd(cube.high, rest, cube.low * third);
        const V series = product_and_rest(cube.high, third, low);
        return copy_sign(u < number<V>(0.7) ? series : (u - y.high) - y.low, x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const V y = tanh(x);
        return y * y;
    }
    template <class V>
    static V curve(V x, const V*) {
        const V u = number<V>(2) * negative(x);
        const Exponential<V> e = exponential(u);
        const V size = number<V>(8) * unscaled_sigmoid_slope(e) * tanh_of_half(u);
        return copy_sign(e.scale(size), x);
    }
};

constexpr kernels::ActivationRow rows[] = {
    elementwise<Softplus>(
        ActivationFacts{.name = "softplus",
                        .formula = "log(1 + exp(beta * x)) / beta",
                        .slope_reads = Reads::x,
                        .source = "Dugas et al. 2001",
                        .derivative = "1 / (1 + exp(-beta * x))",
                        .second_derivative = "beta * exp(-beta * x) / (1 + exp(-beta * x))**2",
                        .parameters = {{"beta", 1.0, Domain::positive}},
                        .aliases = {"smooth_relu", "log1pexp"},
                        .low = 0,
                        .saturates_low = true}),
    elementwise<ShiftedSoftplus>(ActivationFacts{.name = "shifted_softplus",
                                                 .formula = "log(1 + exp(x)) - log(2)",
                                                 .slope_reads = Reads::x,
                                                 .source = "Schuett et al. 2017 (SchNet)",
                                                 .derivative = "1 / (1 + exp(-x))",
                                                 .second_derivative = "exp(-x) / (1 + exp(-x))**2",
                                                 .low = -0.69314718055994531,
                                                 .saturates_low = true}),
    elementwise<SqrtSoftplus>(
        ActivationFacts{.name = "sqrt_softplus",
                        .formula = "sqrt(log(1 + exp(x)))",
                        .slope_reads = Reads::x,
                        .source = "scores of a mixture's router: transformers 5.23, sqrtsoftplus",
                        .derivative = "sigmoid(x) / (2 * sqrt(softplus(x)))",
                        .second_derivative = "sigmoid(x) / (2 * sqrt(softplus(x))) "
                                             "* (sigmoid(-x) - sigmoid(x) / (2 * softplus(x)))",
                        .low = 0,
                        .saturates_low = true,
                        .saturates_high = true,
                        .lipschitz = 0.31908634316947574,
                        .scale = {.curve = "sigmoid(x) / (2 * sqrt(softplus(x))) "
                                           "* (sigmoid(-x) + sigmoid(x) / (2 * softplus(x)))"}}),
    elementwise<LogCosh>(ActivationFacts{.name = "log_cosh",
                                         .formula = "log(cosh(x))",
                                         .slope_reads = Reads::x,
                                         .source = "Green 1990, Bayesian reconstructions",
                                         .derivative = "tanh(x)",
                                         .second_derivative = "1 - tanh(x)**2",
                                         .aliases = {"logcosh"},
                                         .low = 0,
                                         .monotone = Monotone::no,
                                         .symmetry = Symmetry::even}),
    elementwise<Lisht>(
        ActivationFacts{.name = "lisht",
                        .formula = "x * tanh(x)",
                        .slope_reads = Reads::x,
                        .source = "Roy et al. 2019",
                        .derivative = "tanh(x) + x * (1 - tanh(x)**2)",
                        .second_derivative = "2 * (1 - tanh(x)**2) * (1 - x * tanh(x))",
                        .low = 0,
                        .monotone = Monotone::no,
                        .symmetry = Symmetry::even,
                        .lipschitz = 1.1996786402577338,
                        .scale = {.curve = "2 * (1 - tanh(x)**2) * (1 + x * tanh(x))"}}),
    elementwise<TanhShrink>(ActivationFacts{.name = "tanh_shrink",
                                            .formula = "x - tanh(x)",
                                            .slope_reads = Reads::x,
                                            .source = "PyTorch, Tanhshrink",
                                            .derivative = "tanh(x)**2",
                                            .second_derivative = "2 * tanh(x) * (1 - tanh(x)**2)",
                                            .aliases = {"tanhshrink"},
                                            .symmetry = Symmetry::odd}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> softplus_like() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
