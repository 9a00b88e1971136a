// x times the normal distribution function, and its approximations.
#include "../loops.hpp"
#include "logistic_gate.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// `logistic_gate_slope` in double words.
template <class V>
V gate_slope(V x, DoubleWord<V> w, const Exponential<V>& e) {
    const V one = number<V>(1);
    const DoubleWord<V> d = sum_of_ordered(one, e.value()), unit = {one, V{}};
    const DoubleWord<V> inverse = quotient(unit, DoubleWord<V>{d.high, d.low + e.scale(e.low)});
    const DoubleWord<V> below = product(inverse, DoubleWord<V>{e.mantissa, e.low});
    const DoubleWord<V> far = {e.scale(below.high), e.scale(below.low)}, rise = product(w, far);
    const DoubleWord<V> head = exact_sum(one, -w.high), sum = exact_sum(head.high, rise.high);
    const DoubleWord<V> whole = {sum.high, sum.low + ((head.low - w.low) + rise.low)};
    const V near = one - far.high, left = e.scale(product(below, whole).value());
    return x < V{} ? left : madd(rise.high, near, near);
}

// With z = |x| and the tail Q(z) = density ratio: f = -z Q on the left, x - z Q on the right.
struct Gelu {
    template <class V>
    static V value(V x, const V*) {
        const NormalTail<V> q = normal_tail(x);
        const V below = lower(q);
        return x < V{} ? -below : x - below;
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const NormalTail<V> q = normal_tail(x);
        const V far = q.density.scale(q.density.mantissa * slope_ratio(q));
        return x < V{} ? far : number<V>(1) - far;
    }
    // density(x) (2 - x^2), the factor from its roots
    template <class V>
    static V curve(V x, const V*) {
        using T = Element<V>;
        constexpr long double root = 1.4142135623730950488016887L;
        const V r = splat(T(root)), r_low = splat(T(root - (long double)(T(root))));
        const V z = bounded(abs(x)), factor = ((r - z) + r_low) * (r + z);
        return normal_density(z).times(number<V>(normal_density_at_zero) * factor);
    }
    // z Q(z)
    template <class V>
    static V lower(const NormalTail<V>& q) {
        const DoubleWord<V> p = exact_product(q.z, q.ratio.high);
        return q.density.times(DoubleWord<V>{p.high, madd(q.z, q.ratio.low, p.low)});
    }
    // (Q(z) - z density(z)) / e^(-z^2/2), which is 0 near z = 0.75
    template <class V>
    static V slope_ratio(const NormalTail<V>& q) {
        using T = Element<V>;
        constexpr T high = T(normal_density_at_zero);
        const V low = madd(-q.z, number<V>(normal_density_at_zero - double(high)), q.ratio.low);
        const DoubleWord<V> p = exact_product(q.z, splat(high));
        return ((q.ratio.high - p.high) + (low - p.low));
    }
};

// a[0] = lo, a[1] = hi
struct GeluClipped {
    template <class V>
    static V value(V x, const V* a) {
        return min(max(Gelu::value(x, a), a[0]), a[1]);
    }
    // gelu(x) < hi is x <= hi or x - hi < z Q(z): so it is decided without rounding errors.
    template <class V>
    static Ints<Element<V>> inside(V x, const V* a) {
        const NormalTail<V> q = normal_tail(x);
        const V below = Gelu::lower(q), y = x < V{} ? -below : x - below;
        const auto under = x > V{} ? (x <= a[1]) | (x - a[1] < below) : y < a[1];
        return under & (y > a[0]);
    }
    template <class V>
    static V slope(V x, V y, const V* a) {
        return inside(x, a) ? Gelu::slope(x, y, a) : unless_nan(x, V{});
    }
    template <class V>
    static V curve(V x, const V* a) {
        return inside(x, a) ? Gelu::curve(x, a) : unless_nan(x, V{});
    }
};

// x sigmoid(u) with u = x (c + k x^2), c = 2 sqrt(2/pi), k = 0.044715 c.  The tail multiplies the
// relative error of u by |u|, so u is high + low.
struct GeluTanh {
    static constexpr long double c = 1.5957691216057307117597842397375L;
    static constexpr long double k = c * 0.044715L;
    template <class V>
    struct Argument {
        V x;                           // kept where u is finite
        DoubleWord<V> bend, slope, u;  // k x^2, c + k x^2, |u|
        Exponential<V> e;              // e^-|u|
        explicit Argument(V at)
            : x(bounded(at)),
              bend(product(exact_product(x, x), constant<V>(k))),
              slope(sum(constant<V>(c), bend)),
              u(product({abs(x), V{}}, slope)),
              e(exponential(-u.high, -u.low)) {}
    };
    template <class V>
    static DoubleWord<V> constant(long double value) {
        using T = Element<V>;
        return {splat(T(value)), splat(T(value - (long double)(T(value))))};
    }
    template <class V>
    static DoubleWord<V> sum(DoubleWord<V> a, DoubleWord<V> b) {
        const DoubleWord<V> s = exact_sum(a.high, b.high);
        return {s.high, s.low + (a.low + b.low)};
    }
    template <class V>
    static V value(V x, const V*) {
        const Argument<V> p(x);
        return logistic_gate(x, p.e, p.u.high < splat(-Constants<Element<V>>::exp_lowest));
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const Argument<V> p(x);
        const DoubleWord<V> two = {number<V>(2) * abs(p.x), V{}};
        const DoubleWord<V> w = sum(p.u, product(two, p.bend));  // |x u'| = |u + 2 k x^3|
        return gate_slope(x, w, p.e);
    }
    // With s = sigmoid(u), y = tanh(|u|/2): s (1 - s) (2 u' + x u'' - |x| u'^2 y).
    template <class V>
    static V curve(V x, const V*) {
        const Argument<V> p(x);
        const V two = number<V>(2), six = number<V>(6);
        const DoubleWord<V> bend = {two * p.bend.high, two * p.bend.low};
        const DoubleWord<V> slope = sum(p.slope, bend);
        const DoubleWord<V> rise = {two * slope.high, two * slope.low};
        const DoubleWord<V> plus = sum(rise, product({six, V{}}, p.bend));
        const DoubleWord<V> gate = tanh_of_half_pair(-p.u.high, -p.u.low);
        const DoubleWord<V> minus = product(product({abs(p.x), V{}}, product(slope, slope)), gate);
        const V terms = (plus.high - minus.high) + (plus.low - minus.low);
        return p.e.scale(unscaled_sigmoid_slope(p.e) * terms);
    }
};

// x sigmoid(1.702 x)
struct GeluQuick {
    template <class V>
    static Bounded<V> argument(V x) {  // -1.702 |x|
        using T = Element<V>;
        constexpr long double c = 1.702L;
        const V u = negative(x), low = splat(T(c - (long double)(T(c))));
        return bounded_product(u, splat(T(c)), u * low);
    }
    template <class V>
    static V value(V x, const V*) {
        const Bounded<V> u = argument(x);
        return logistic_gate(x, exponential_of_bounded(u.high, u.low), u.whole);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const Bounded<V> u = argument(x);
        return gate_slope(x, DoubleWord<V>{-u.high, -u.low}, exponential_of_bounded(u.high, u.low));
    }
    template <class V>
    static V curve(V x, const V*) {
        const Bounded<V> u = argument(x);
        const Exponential<V> e = exponential_of_bounded(u.high, u.low);
        const V terms = number<V>(1.702) * madd(u.high, tanh_of_half(u.high), number<V>(2));
        return e.scale(unscaled_sigmoid_slope(e) * terms);
    }
};

constexpr kernels::ActivationRow rows[] = {
    elementwise<Gelu>(ActivationFacts{.name = "gelu",
                                      .formula = "x * normcdf(x)",
                                      .slope_reads = Reads::x,
                                      .source = "Hendrycks and Gimpel 2016",
                                      .derivative = "normcdf(x) + x * normpdf(x)",
                                      .second_derivative = "(2 - x**2) * normpdf(x)",
                                      .aliases = {"gelu_erf", "gelu_exact"},
                                      .low = -0.16997120747990369,
                                      .slope_root = "-0.75179152469356",
                                      .monotone = Monotone::no,
                                      .saturates_low = true,
                                      .lipschitz = 1.1289041451851548,
                                      .scale = {.slope = "normcdf(x) + abs(x) * normpdf(x)"}}),
    elementwise<GeluTanh>(ActivationFacts{
        .name = "gelu_tanh",
        .formula = "x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x**3))",
        .slope_reads = Reads::x,
        .source = "Hendrycks and Gimpel 2016",
        .derivative = "sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x**3)) "
                      "* (1 + 2 * sqrt(2 / pi) * (x + 0.134145 * x**3) "
                      "* sigmoid(-2 * sqrt(2 / pi) * (x + 0.044715 * x**3)))",
        .second_derivative =
            "sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x**3)) "
            "* sigmoid(-2 * sqrt(2 / pi) * (x + 0.044715 * x**3)) * 2 * sqrt(2 / pi) "
            "* (2 + 0.53658 * x**2 - 2 * sqrt(2 / pi) * x * (1 + 0.134145 * x**2)**2 "
            "* tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))",
        .aliases = {"gelu_new", "gelu_approx", "gelu_pytorch_tanh"},
        .low = -0.170040750571254051,
        .slope_root = "-0.75246142207102",
        .monotone = Monotone::no,
        .saturates_low = true,
        .lipschitz = 1.1289930686587718,
        .scale = {.slope = "sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x**3)) "
                           "* (1 + 2 * sqrt(2 / pi) * abs(x + 0.134145 * x**3) "
                           "* sigmoid(-2 * sqrt(2 / pi) * (x + 0.044715 * x**3)))",
                  .curve =
                      "sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x**3)) "
                      "* sigmoid(-2 * sqrt(2 / pi) * (x + 0.044715 * x**3)) * 2 * sqrt(2 / pi) "
                      "* (2 + 0.53658 * x**2 + 2 * sqrt(2 / pi) * x * (1 + 0.134145 * x**2)**2 "
                      "* tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))"}}),
    elementwise<GeluQuick>(ActivationFacts{
        .name = "gelu_quick",
        .formula = "x / (1 + exp(-1.702 * x))",
        .slope_reads = Reads::x,
        .source = "Hendrycks and Gimpel 2016",
        .derivative = "(1 + (1 + 1.702 * x) * exp(-1.702 * x)) / (1 + exp(-1.702 * x))**2",
        .second_derivative = "1.702 * sigmoid(1.702 * x) * sigmoid(-1.702 * x) "
                             "* (2 - 1.702 * x * tanh(0.851 * x))",
        .aliases = {"quick_gelu", "gelu_fast_approx"},
        .low = -0.163610189636353581,
        .slope_root = "-0.75115425544129",
        .monotone = Monotone::no,
        .saturates_low = true,
        .lipschitz = 1.0998393201288669,
        .scale = {.slope = "sigmoid(1.702 * x) * (1 + abs(1.702 * x) * sigmoid(-1.702 * x))",
                  .curve = "1.702 * sigmoid(1.702 * x) * sigmoid(-1.702 * x) "
                           "* (2 + 1.702 * x * tanh(0.851 * x))"}}),
    // The upper kink is 7.6e-23 beyond 10, where the slope is still that of gelu.
    elementwise<GeluClipped>(ActivationFacts{
        .name = "gelu_clipped",
        .formula = "max(lo, min(hi, x * normcdf(x)))",
        .slope_reads = Reads::x,
        .source = "Wu et al. 2020, Integer quantization",
        .derivative = "(0 if x * normcdf(x) <= lo else normcdf(x) + x * normpdf(x)) "
                      "if x * normcdf(x) < hi else 0",
        .second_derivative = "(0 if x * normcdf(x) <= lo else (2 - x**2) * normpdf(x)) "
                             "if x * normcdf(x) < hi else 0",
        .parameters = {{"lo", -10.0}, {"hi", 10.0}},
        .ordered = true,
        .low = -0.16997120747990369,
        .high = 10,
        .kinks = {{"10", "1"}},
        .slope_root = "-0.75179152469356",
        .monotone = Monotone::no,
        .saturates_low = true,
        .saturates_high = true,
        .lipschitz = 1.1289041451851548,
        .scale = {.slope = "normcdf(x) + abs(x) * normpdf(x)"}}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> gelu_like() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
