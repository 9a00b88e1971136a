// Polynomials, whole or in pieces, and one times a logarithm.
#include "../fused.hpp"
#include "../loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

struct Quadratic {
    template <class V>
    static V value(V x, const V*) {
        return x * x;
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return x + x;
    }
    template <class V>
    static V curve(V x, const V*) {
        return unless_nan(x, number<V>(2));
    }
};

struct Sqnl {
    template <class V>
    static V value(V x, const V*) {
        const V inside = x * madd(number<V>(-0.25), abs(x), number<V>(1));
        return abs(x) < number<V>(2) ? inside : unless_nan(x, copy_sign(number<V>(1), x));
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const V inside = madd(number<V>(-0.5), abs(x), number<V>(1));
        return abs(x) < number<V>(2) ? inside : unless_nan(x, V{});
    }
    template <class V>
    static V curve(V x, const V*) {
        const auto bent = (abs(x) < number<V>(2)) & (x != V{});
        return bent ? copy_sign(number<V>(0.5), -x) : unless_nan(x, V{});
    }
};

// With L = log(1 + x) and r = x / (1 + x):  f' = x (2 L + r),  f'' = 2 L + r (4 - r).
struct Spline {
    // log(1 + x) as a sum, 0.3 ulp, for x > -1: `log1p` without its last roundings.
    template <class V>
    static DoubleWord<V> logarithm(V x) {
        using C = Constants<Element<V>>;
        const DoubleWord<V> u = exact_sum(number<V>(1), x);
        const Split<V> a = split(u.high);
        const auto whole = a.k == V{};
        const V f = whole ? x : a.f, lost = whole ? V{} : u.low / u.high;
        const V s = f / (number<V>(2) + f), z = s * s;
        const DoubleWord<V> half_square = exact_product(number<V>(0.5) * f, f);
        const V series = s * madd(z, polynomial(z, C::log), half_square.high);
        const DoubleWord<V> inner = sum_of_ordered(f, -half_square.high);
        const DoubleWord<V> sum = sum_of_ordered(a.k * splat(C::ln2_high), inner.high);
        const V rest = madd(a.k, splat(C::ln2_low), lost) - half_square.low;
        return {sum.high, (sum.low + inner.low) + (series + rest)};
    }
    // `inside` for -1 < x < inf, else as log(1 + x).
    template <class V>
    static V defined(V x, V inside, V at_minus_one) {
        const V infinity = number<V>(__builtin_inf()), edge = number<V>(-1);
        const V outside =
            x == edge ? at_minus_one : (x == infinity ? x : number<V>(__builtin_nan("")));
        return (x > edge) & (x < infinity) ? inside : outside;
    }
    template <class V>
    static V ratio(V x) {
        const DoubleWord<V> u = exact_sum(number<V>(1), x);
        return rounded_quotient(DoubleWord<V>{x, V{}}, u);
    }
    template <class V>
    static V value(V x, const V*) {
        const DoubleWord<V> y = logarithm(x);
        const V largest = by_dtype<V>(0x1p127, 0x1p1023);
        const V square = at_most(x * x, largest), infinity = number<V>(__builtin_inf());
        return defined(x, fused(y.high, square, y.low * square), -infinity);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const DoubleWord<V> y = logarithm(x);
        const V two = number<V>(2), low = madd(two, y.low, ratio(x));
        return defined(x, x * madd(two, y.high, low), number<V>(__builtin_inf()));
    }
    template <class V>
    static V curve(V x, const V*) {
        const V r = ratio(x), two = number<V>(2);
        const DoubleWord<V> y = logarithm(x);
        const V low = madd(two, y.low, r * (number<V>(4) - r));
        return defined(x, madd(two, y.high, low), -number<V>(__builtin_inf()));
    }
};

constexpr double infinity = __builtin_inf();

constexpr kernels::ActivationRow rows[] = {
    elementwise<Quadratic>(ActivationFacts{.name = "quadratic",
                                           .formula = "x**2",
                                           .slope_reads = Reads::x,
                                           .source = "Livni et al. 2014",
                                           .derivative = "2 * x",
                                           .second_derivative = "2",
                                           .low = 0,
                                           .slope_root = "0",
                                           .monotone = Monotone::no,
                                           .symmetry = Symmetry::even,
                                           .lipschitz = infinity}),
    elementwise<Sqnl>(ActivationFacts{.name = "sqnl",
                                      .formula = "x - x * abs(x) / 4 if abs(x) < 2 else sign(x)",
                                      .slope_reads = Reads::x,
                                      .source = "Wuraola and Patel 2018",
                                      .derivative = "1 - abs(x) / 2 if abs(x) < 2 else 0",
                                      .second_derivative = "-sign(x) / 2 if abs(x) < 2 else 0",
                                      .low = -1,
                                      .high = 1,
                                      .symmetry = Symmetry::odd,
                                      .saturates_low = true,
                                      .saturates_high = true}),
    elementwise<Spline>(
        ActivationFacts{.name = "spline",
                        .formula = "x**2 * log(1 + x)",
                        .slope_reads = Reads::x,
                        .source = "mlpack, SplineFunction",
                        .derivative = "2 * x * log(1 + x) + x**2 / (1 + x)",
                        .second_derivative = "2 * log(1 + x) + 4 * x / (1 + x) - x**2 / (1 + x)**2",
                        .lipschitz = infinity,
                        .defined_above = -1}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> polynomials() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
