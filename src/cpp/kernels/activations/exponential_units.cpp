// Units made of one exponential.
#include "../fused.hpp"
#include "../loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

struct Elu {
    template <class V>
    static V value(V x, const V* a) {
        return x > V{} ? x : a[0] * expm1_of_negative(x);
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const Exponential<V> e = exponential(x);
        return x > V{} ? number<V>(1) : e.scale(a[0] * e.mantissa);
    }
    template <class V>
    static V curve(V x, const V* a) {
        const Exponential<V> e = exponential(x);
        return x > V{} ? V{} : e.scale(a[0] * e.mantissa);
    }
};

struct Celu {
    // x / alpha, and what the quotient lost where that matters.
    template <class V>
    static DoubleWord<V> argument(V x, V inverse, V alpha) {
        const V q = x * inverse, p = q * alpha;
        const V low = ((x - p) - product_error(q, alpha, p)) * inverse;
        return {q, abs(low) < number<V>(1) ? low : V{}};
    }
    template <class V>
    static V value(V x, const V* a) {
        using T = Element<V>;
        const DoubleWord<V> q = argument(x, number<V>(1) / a[0], a[0]);
        const Reduced<V> r = reduce(at_least(q.high, splat(Constants<T>::minus_one_below)), q.low);
        const V scale = power_of_two<T>(r.k.integer);
        const V expm1 = madd(scale, expm1_reduced(r).high, scale - number<V>(1));
        const V linear = by_dtype<V>(-0x1p-26, -0x1p-55);
        return q.high > linear ? x : a[0] * expm1;
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const DoubleWord<V> q = argument(x, number<V>(1) / a[0], a[0]);
        const Exponential<V> e = exponential(q.high, q.low);
        return x > V{} ? number<V>(1) : e.value();
    }
    template <class V>
    static V curve(V x, const V* a) {
        const V inverse = number<V>(1) / a[0];
        const DoubleWord<V> q = argument(x, inverse, a[0]);
        const Exponential<V> e = exponential(q.high, q.low);
        return x > V{} ? V{} : e.scale(e.mantissa * inverse);
    }
};

// a: alpha, scale
struct Selu {
    template <class V>
    static V value(V x, const V* a) {
        const DoubleWord<V> steep = exact_product(a[0], a[1]);
        const V m = expm1_of_negative(x), left = madd(m, steep.high, m * steep.low);
        return x > V{} ? a[1] * x : left;
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        return x > V{} ? a[1] : curve_of_left(x, a);
    }
    template <class V>
    static V curve(V x, const V* a) {
        return x > V{} ? V{} : curve_of_left(x, a);
    }
    template <class V>
    static V curve_of_left(V x, const V* a) {
        return exponential(x).times(a[0] * a[1]);
    }
};

// a: alpha_p, alpha_n, beta
struct Xielu {
    static constexpr int learned = 3;
    // (e^r - 1 - r - r^2/2) / r for |r| <= ln(2)/2
    template <class V>
    static V after_parabola(V r) {
        constexpr auto& series = Constants<Element<V>>::exp;
        double after_half[sizeof series / sizeof(double) - 1];
        for (std::size_t i = 0; i < sizeof after_half / sizeof(double); ++i)
            after_half[i] = series[i + 1];
        return r * r * polynomial(r, after_half);
    }
    // beta x + alpha (e^x - 1 - x) for x = k ln 2 + r < 0: e^x - 1 - x is
    // (2^k - 1) - x + 2^k r + 2^k r^2 / 2 + ..., of which the first four are exact.
    template <class V>
    static V left(V x, V alpha, V beta) {
        using T = Element<V>;
        const V lowest = splat(Constants<T>::minus_one_below), half = number<V>(0.5);
        const Reduced<V> a = reduce(at_least(x, lowest), V{});
        const V scale = power_of_two<T>(a.k.integer);
        const DoubleWord<V> z = exact_product(a.r, a.r);
        const DoubleWord<V> first = sum_of_ordered(-x, scale - number<V>(1));
        const DoubleWord<V> second = sum_of_ordered(first.high, scale * a.r);
        const DoubleWord<V> m = sum_of_ordered(second.high, half * scale * z.high);
        const V rest = madd(a.r, after_parabola(a.r), madd(half, z.low, a.r_low));
        const V m_low = madd(scale, rest, (first.low + second.low) + m.low);
        const DoubleWord<V> p = exact_product(alpha, m.high), q = exact_product(beta, x);
        const DoubleWord<V> sum = exact_sum(p.high, q.high);
        const V result = sum.high + madd(alpha, m_low, sum.low + (p.low + q.low));
        return result == result ? result : line(x, beta - alpha, -alpha);  // overflow
    }
    // The same where x^2 might be too small for it: x (beta + alpha x / 2).
    template <class V>
    static V value(V x, V right, V alpha, V beta) {
        const V parabola = x > V{} ? right : number<V>(0.5) * alpha;
        const auto near = x > by_dtype<V>(-0x1p-26, -0x1p-55);
        return near ? x * line(x, parabola, beta) : left(x, alpha, beta);
    }
    template <class V>
    static V value(V x, const V* a) {
        return value(x, a[0], a[1], a[2]);
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const V right = fused(a[0] + a[0], x, a[2]);
        return x > V{} ? right : madd(a[1], expm1_of_negative(x), a[2]);
    }
    template <class V>
    static V curve(V x, const V* a) {
        const Exponential<V> e = exponential(x);
        return x > V{} ? a[0] + a[0] : e.scale(a[1] * e.mantissa);
    }
    template <int k, class V>
    static V parameter_slope(V x, const V*) {
        if constexpr (k == 0) {
            return x > V{} ? x * x : unless_nan(x, V{});
        } else if constexpr (k == 1) {
            return x > V{} ? V{} : value(x, V{}, number<V>(1), V{});
        } else {
            return x;
        }
    }
};

struct Exp {
    template <class V>
    static V value(V x, const V*) {
        return exp(x);
    }
    template <class V>
    static V slope(V, V y, const V*) {
        return y;
    }
    template <class V>
    static V curve(V x, const V*) {
        return exp(x);
    }
};

struct Gaussian {
    template <class V>
    static V value(V x, const V*) {
        return exponential_of_product(-x, x).value();
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const Exponential<V> e = exponential_of_product(-x, x);
        return e.scale(e.mantissa * (number<V>(-2) * bounded(x)));
    }
    template <class V>
    static V curve(V x, const V*) {
        const Exponential<V> e = exponential_of_product(-x, x);
        const V b = bounded(x);
        return e.scale(e.mantissa * fused(number<V>(4) * b, b, number<V>(-2)));
    }
};

struct Poisson1 {
    // e^-x (x - root)
    template <class V>
    static V line_times_exponential(V x, double root) {
        return exponential(-x).times(exact_sum(bounded(x), number<V>(-root)));
    }
    template <class V>
    static V value(V x, const V*) {
        return line_times_exponential(x, 1);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return -line_times_exponential(x, 2);
    }
    template <class V>
    static V curve(V x, const V*) {
        return line_times_exponential(x, 3);
    }
};

// With t = e^-2x:  sinh(x) / 3 = e^x (1 - t) / 6,  cosh(x) / 3 = e^x (1 + t) / 6.
struct HyperSinh {
    template <class V>
    static V sixth_of_exp(V x, DoubleWord<V> factor) {
        return exponential(x).times(quotient(factor, DoubleWord<V>{number<V>(6), V{}}));
    }
    template <class V>
    static V third_of_sinh(V x) {
        return sixth_of_exp(x, -expm1_pair(number<V>(-2) * abs(x)));
    }
    template <class V>
    static V value(V x, const V*) {
        return x > V{} ? third_of_sinh(x) : number<V>(0.25) * x * (x * x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const V t = exp(number<V>(-2) * abs(x));
        const V right = sixth_of_exp(x, sum_of_ordered(number<V>(1), t));
        return x > V{} ? right : number<V>(0.75) * x * x;
    }
    template <class V>
    static V curve(V x, const V*) {
        return x > V{} ? third_of_sinh(x) : number<V>(1.5) * x;
    }
};

constexpr double infinity = __builtin_inf();

constexpr kernels::ActivationRow rows[] = {
    elementwise<Elu>(ActivationFacts{.name = "elu",
                                     .formula = "x if x > 0 else alpha * (exp(x) - 1)",
                                     .slope_reads = Reads::x,
                                     .source = "Clevert et al. 2015",
                                     .derivative = "1 if x > 0 else alpha * exp(x)",
                                     .second_derivative = "0 if x > 0 else alpha * exp(x)",
                                     .parameters = {{"alpha", 1.0, Domain::non_negative}},
                                     .low = -1,
                                     .kinks = {{"0", "alpha"}},
                                     .saturates_low = true}),
    elementwise<Celu>(ActivationFacts{.name = "celu",
                                      .formula = "x if x > 0 else alpha * (exp(x / alpha) - 1)",
                                      .slope_reads = Reads::x,
                                      .source = "Barron 2017",
                                      .derivative = "1 if x > 0 else exp(x / alpha)",
                                      .second_derivative = "0 if x > 0 else exp(x / alpha) / alpha",
                                      .parameters = {{"alpha", 1.0, Domain::positive}},
                                      .low = -1,
                                      .saturates_low = true}),
    elementwise<Selu>(ActivationFacts{
        .name = "selu",
        .formula = "scale * (x if x > 0 else alpha * (exp(x) - 1))",
        .slope_reads = Reads::x,
        .source = "Klambauer et al. 2017",
        .derivative = "scale if x > 0 else scale * alpha * exp(x)",
        .second_derivative = "0 if x > 0 else scale * alpha * exp(x)",
        .parameters = {{"alpha", 1.6732632423543772848170429916717, Domain::non_negative},
                       {"scale", 1.0507009873554804934193349852946, Domain::positive}},
        .low = -1.7580993408473768599,
        .kinks = {{"0", "scale * alpha"}},
        .saturates_low = true,
        .lipschitz = 1.7580993408473768599}),
    elementwise<Xielu>(ActivationFacts{
        .name = "xielu",
        .formula = "alpha_p * x**2 + beta * x if x > 0 else "
                   "alpha_n * (exp(x) - 1) - alpha_n * x + beta * x",
        .slope_reads = Reads::x,
        .source = "Huang 2024",
        .derivative = "2 * alpha_p * x + beta if x > 0 else alpha_n * (exp(x) - 1) + beta",
        .second_derivative = "2 * alpha_p if x > 0 else alpha_n * exp(x)",
        .parameters = {{"alpha_p", 0.8}, {"alpha_n", 0.8}, {"beta", 0.5}},
        .low = -0.20575122409648212894,
        .slope_root = "-0.98082925301172623686",
        .monotone = Monotone::no,
        .lipschitz = infinity,
        .trainable = true,
        .scale = {.value = "abs(beta * x) + (abs(alpha_p) * x**2 if x > 0 else "
                           "abs(alpha_n) * (exp(x) - 1 - x))",
                  .slope = "abs(beta) + (2 * abs(alpha_p) * x if x > 0 else "
                           "abs(alpha_n) * (1 - exp(x)))"}}),
    elementwise<Exp>(ActivationFacts{.name = "exponential",
                                     .formula = "exp(x)",
                                     .slope_reads = Reads::y,
                                     .source = "Nelder and Wedderburn 1972",
                                     .derivative = "exp(x)",
                                     .second_derivative = "exp(x)",
                                     .aliases = {"exp"},
                                     .low = 0,
                                     .saturates_low = true,
                                     .lipschitz = infinity}),
    elementwise<Gaussian>(ActivationFacts{.name = "gaussian",
                                          .formula = "exp(-x**2)",
                                          .slope_reads = Reads::x,
                                          .source = "Broomhead and Lowe 1988",
                                          .derivative = "-2 * x * exp(-x**2)",
                                          .second_derivative = "(4 * x**2 - 2) * exp(-x**2)",
                                          .low = 0,
                                          .high = 1,
                                          .slope_root = "0",
                                          .monotone = Monotone::no,
                                          .symmetry = Symmetry::even,
                                          .saturates_low = true,
                                          .saturates_high = true,
                                          .lipschitz = 0.85776388496070679648}),
    elementwise<Poisson1>(ActivationFacts{.name = "poisson1",
                                          .formula = "(x - 1) * exp(-x)",
                                          .slope_reads = Reads::x,
                                          .source = "mlpack, Poisson1Function",
                                          .derivative = "(2 - x) * exp(-x)",
                                          .second_derivative = "(x - 3) * exp(-x)",
                                          .high = 0.13533528323661269189,
                                          .slope_root = "2",
                                          .monotone = Monotone::no,
                                          .saturates_high = true,
                                          .lipschitz = infinity}),
    elementwise<HyperSinh>(
        ActivationFacts{.name = "hyper_sinh",
                        .formula = "sinh(x) / 3 if x > 0 else x**3 / 4",
                        .slope_reads = Reads::x,
                        .source = "Parisi et al. 2021",
                        .derivative = "cosh(x) / 3 if x > 0 else 3 * x**2 / 4",
                        .second_derivative = "sinh(x) / 3 if x > 0 else 3 * x / 2",
                        .kinks = {{"0", "0"}},
                        .lipschitz = infinity}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> exponential_units() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
