// Rational functions and square roots.
#include "../fused.hpp"
#include "../loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

template <class V>
V one() {
    return number<V>(1);
}

// 1 / d and 1 / sqrt(d) to twice the digits, less a few bits.
template <class V>
DoubleWord<V> inverse(DoubleWord<V> d) {
    return quotient(DoubleWord<V>{one<V>(), V{}}, d);
}
template <class V>
DoubleWord<V> inverse_root(DoubleWord<V> d) {
    const V y = one<V>() / sqrt(d.high);
    const DoubleWord<V> square = exact_product(y, y);
    const V rest = madd(-d.high, square.low, remainder(one<V>(), square.high, d.high));
    return {y, number<V>(0.5) * y * madd(-d.low, square.high, rest)};
}

// 1 + a x^2
template <class V>
DoubleWord<V> one_plus_square(V x, V a) {
    const DoubleWord<V> ax = exact_product(a, x), square = exact_product(ax.high, x);
    const DoubleWord<V> d = exact_sum(one<V>(), square.high);
    return {d.high, d.low + madd(ax.low, x, square.low)};
}
template <class V>
DoubleWord<V> one_plus_square(V x) {
    const DoubleWord<V> square = exact_product(x, x), d = exact_sum(one<V>(), square.high);
    return {d.high, d.low + square.low};
}

struct Softsign {
    template <class V>
    static V value(V x, const V*) {
        const V d = one<V>() + abs(x);
        return d < number<V>(__builtin_inf()) ? x / d : unless_nan(x, copy_sign(one<V>(), x));
    }
    template <class V>
    static DoubleWord<V> reciprocal(V x) {
        return inverse(exact_sum(one<V>(), at_most(abs(x), by_dtype<V>(0x1p100, 0x1p1000))));
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const DoubleWord<V> i = reciprocal(x);
        return i.high * madd(number<V>(2), i.low, i.high);
    }
    template <class V>
    static V curve(V x, const V*) {
        const DoubleWord<V> i = reciprocal(x);
        const V size = number<V>(2) * i.high * i.high * madd(number<V>(3), i.low, i.high);
        return x == V{} ? V{} : copy_sign(size, -x);
    }
};

// b = a[0].  With h = sqrt(x^2 + b) and s = h + |x|:
//   f = s / 2,  f' = s / (2 h)  for x >= 0,   f = b / (2 s),  f' = b / (2 s h)  for x < 0,
//   f'' = b / (2 h^3).
struct Squareplus {
    // h and s times `unit`, which keeps x^2 + b from overflow.
    template <class V>
    struct Scaled {
        V unit, v, square, h;  // v = unit |x|
        DoubleWord<V> s;
    };
    template <class V>
    static Scaled<V> scaled(V x, V b) {
        const V end = by_dtype<V>(0x1p60, 0x1p508), u = abs(x);
        const auto big = (u > end) | (b > end * end);
        const V unit = big ? by_dtype<V>(0x1p-66, 0x1p-514) : one<V>(), v = u * unit;
        const V square = fused(v, v, b * unit * unit), h = sqrt(square);
        return {unit, v, square, h, sum_of_ordered(h, v)};
    }
    template <class V>
    static V value(V x, const V* a) {
        const V c = number<V>(0.5) * a[0], infinity = number<V>(__builtin_inf());
        const Scaled<V> s = scaled(x, a[0]);
        const V left = rounded_quotient(DoubleWord<V>{c, V{}}, s.s) * s.unit;
        const V inverse_unit = s.unit == one<V>() ? one<V>() : by_dtype<V>(0x1p66, 0x1p514);
        const V right = number<V>(0.5) * s.s.high * inverse_unit;
        return abs(x) < infinity ? (x < V{} ? left : right) : at_least(x, V{});
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const V half = number<V>(0.5), c = half * a[0], infinity = number<V>(__builtin_inf());
        const Scaled<V> s = scaled(x, a[0]);
        const V product = s.s.high * s.h, i = one<V>() / product, q = c * i;
        const V low = madd(s.h, s.s.low, -remainder(product, s.s.high, s.h));
        const V left = madd(madd(-q, low, remainder(c, q, product)), i, q) * s.unit * s.unit;
        const V right = madd(half * s.v, s.s.high * i, half);
        const V far = x < V{} ? V{} : unless_nan(x, one<V>());
        return abs(x) < infinity ? (x < V{} ? left : right) : far;
    }
    template <class V>
    static V curve(V x, const V* a) {
        const Scaled<V> s = scaled(x, a[0]);
        const V i = s.unit / s.h, rest = remainder(s.square, s.h, s.h) / (s.h * s.h);
        const V near = number<V>(0.5) * (a[0] * i * i) * madd(number<V>(-1.5) * rest, i, i);
        return abs(x) < number<V>(__builtin_inf()) ? near : unless_nan(x, V{});
    }
};

// alpha = a[0].  With y = 1 / sqrt(1 + alpha x^2):  f = x y,  f' = y^3,  f'' = -3 alpha x y^5.
struct Isru {
    // Where the 1 in y is lost and y^3 is 0, `far`, the factors are +-1 and 1 / sqrt(alpha).
    template <class V>
    struct Factors {
        V x;
        DoubleWord<V> y;
        Ints<Element<V>> far;
    };
    template <class V>
    static Factors<V> factors(V x, V alpha) {
        const DoubleWord<V> d = one_plus_square(x, alpha);
        const Ints<Element<V>> far = d.high > by_dtype<V>(0x1p100, 0x1p800);
        const DoubleWord<V> e = {far ? alpha : d.high, far ? V{} : d.low};
        return {far ? copy_sign(one<V>(), x) : x, inverse_root(e), far};
    }
    template <class V>
    static V value(V x, const V* a) {
        const DoubleWord<V> t = exact_product(a[0], x);
        const V d = fused(t.high, x, one<V>());
        const auto far = d > by_dtype<V>(0x1p100, 0x1p800);
        return (far ? copy_sign(one<V>(), x) : x) / sqrt(far ? a[0] : madd(t.low, x, d));
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const Factors<V> f = factors(x, a[0]);
        return f.far ? V{} : f.y.high * f.y.high * madd(number<V>(3), f.y.low, f.y.high);
    }
    template <class V>
    static V curve(V x, const V* a) {
        const Factors<V> f = factors(x, a[0]);
        const V y = f.y.high, first = a[0] * x * madd(number<V>(5), f.y.low, y);
        return f.far ? V{} : number<V>(-3) * (first * y * y) * (y * y);
    }
};

struct Isrlu {
    template <class V>
    static V value(V x, const V* a) {
        return x >= V{} ? x : Isru::value(x, a);
    }
    template <class V>
    static V slope(V x, V y, const V* a) {
        return x >= V{} ? one<V>() : Isru::slope(x, y, a);
    }
    template <class V>
    static V curve(V x, const V* a) {
        return x >= V{} ? V{} : Isru::curve(x, a);
    }
};

// With i = 1 / (1 + x^2):  f = i,  f' = -2 x i^2,  f'' = (6 x^2 - 2) i^3.
struct InverseQuadratic {
    // |x|, but no more than where f'' is 0.
    template <class V>
    static V limited(V x) {
        return at_most(abs(x), by_dtype<V>(0x1p60, 0x1p500));
    }
    // Far out, 1 + x^2 is x^2, in units that keep it, or its square, clear of overflow.
    template <class V>
    static V value(V x, const V*) {
        const auto far = abs(x) > by_dtype<V>(0x1p60, 0x1p500);
        const V unit = far ? by_dtype<V>(0x1p-66, 0x1p-514) : one<V>(), u = x * unit;
        return one<V>() / fused(u, u, far ? V{} : one<V>()) * unit * unit;
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const auto far = abs(x) > by_dtype<V>(0x1p20, 0x1p200);
        const V unit = far ? by_dtype<V>(0x1p-40, 0x1p-340) : one<V>();
        const V u = at_most(abs(x), by_dtype<V>(0x1p60, 0x1p500)) * unit;
        const V d = fused(u, u, far ? V{} : one<V>()), size = (u + u) / (d * d);
        return copy_sign(size * unit * unit * unit, -x);
    }
    template <class V>
    static V curve(V x, const V*) {
        const V u = limited(x), three = number<V>(3);
        const DoubleWord<V> square = exact_product(u, u), i = inverse(one_plus_square(u));
        const V root = fused(three, square.high, -one<V>()) + three * square.low;
        return number<V>(2) * (root * i.high) * i.high * madd(three, i.low, i.high);
    }
};

struct Multiquadratic {
    template <class V>
    static V value(V x, const V*) {
        const V u = abs(x), end = by_dtype<V>(0x1p40, 0x1p400);
        return u > end ? u : sqrt(madd(x, x, one<V>()));
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const V end = by_dtype<V>(0x1p60, 0x1p500), u = at_most(at_least(x, -end), end);
        return u / sqrt(fused(u, u, one<V>()));
    }
    template <class V>
    static V curve(V x, const V*) {
        const V alpha = one<V>();
        return Isru::slope(x, x, &alpha);
    }
};

constexpr kernels::ActivationRow rows[] = {
    elementwise<Softsign>(ActivationFacts{.name = "softsign",
                                          .formula = "x / (1 + abs(x))",
                                          .slope_reads = Reads::x,
                                          .source = "Elliott 1993; Bergstra et al. 2009",
                                          .derivative = "1 / (1 + abs(x))**2",
                                          .second_derivative = "-2 * sign(x) / (1 + abs(x))**3",
                                          .aliases = {"elliot", "soft_sign"},
                                          .low = -1,
                                          .high = 1,
                                          .symmetry = Symmetry::odd,
                                          .saturates_low = true,
                                          .saturates_high = true}),
    elementwise<Squareplus>(ActivationFacts{.name = "squareplus",
                                            .formula = "(x + sqrt(x**2 + b)) / 2",
                                            .slope_reads = Reads::x,
                                            .source = "Barron 2021",
                                            .derivative = "(1 + x / sqrt(x**2 + b)) / 2",
                                            .second_derivative = "b / (2 * sqrt(x**2 + b)**3)",
                                            .parameters = {{"b", 4.0, Domain::positive}},
                                            .low = 0,
                                            .saturates_low = true}),
    elementwise<Isru>(
        ActivationFacts{.name = "isru",
                        .formula = "x / sqrt(1 + alpha * x**2)",
                        .slope_reads = Reads::x,
                        .source = "Carlile et al. 2017",
                        .derivative = "1 / sqrt(1 + alpha * x**2)**3",
                        .second_derivative = "-3 * alpha * x / sqrt(1 + alpha * x**2)**5",
                        .parameters = {{"alpha", 1.0, Domain::positive}},
                        .low = -1,
                        .high = 1,
                        .symmetry = Symmetry::odd,
                        .saturates_low = true,
                        .saturates_high = true}),
    elementwise<Isrlu>(ActivationFacts{
        .name = "isrlu",
        .formula = "x if x >= 0 else x / sqrt(1 + alpha * x**2)",
        .slope_reads = Reads::x,
        .source = "Carlile et al. 2017",
        .derivative = "1 if x >= 0 else 1 / sqrt(1 + alpha * x**2)**3",
        .second_derivative = "0 if x >= 0 else -3 * alpha * x / sqrt(1 + alpha * x**2)**5",
        .parameters = {{"alpha", 1.0, Domain::positive}},
        .low = -1,
        .saturates_low = true}),
    elementwise<InverseQuadratic>(
        ActivationFacts{.name = "inverse_quadratic",
                        .formula = "1 / (1 + x**2)",
                        .slope_reads = Reads::x,
                        .source = "mlpack, InvQuadFunction",
                        .derivative = "-2 * x / (1 + x**2)**2",
                        .second_derivative = "(6 * x**2 - 2) / (1 + x**2)**3",
                        .low = 0,
                        .high = 1,
                        .slope_root = "0",
                        .monotone = Monotone::no,
                        .symmetry = Symmetry::even,
                        .saturates_low = true,
                        .saturates_high = true,
                        .lipschitz = 0.64951905283832898507}),
    elementwise<Multiquadratic>(ActivationFacts{.name = "multiquadratic",
                                                .formula = "sqrt(1 + x**2)",
                                                .slope_reads = Reads::x,
                                                .source = "Hardy 1971",
                                                .derivative = "x / sqrt(1 + x**2)",
                                                .second_derivative = "1 / sqrt(1 + x**2)**3",
                                                .low = 1,
                                                .slope_root = "0",
                                                .monotone = Monotone::no,
                                                .symmetry = Symmetry::even}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> algebraic() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
