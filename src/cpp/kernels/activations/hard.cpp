// Piecewise straight and piecewise quadratic forms of the smooth functions, and jumps.
#include "../fused.hpp"
#include "../loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

struct Straight {
    template <class V>
    static V curve(V x, const V*) {
        return unless_nan(x, V{});
    }
};

// `inside` in low < x < high, else `outside`; NaN where x is.
template <class V>
V between(V x, V low, V high, V inside, V outside) {
    return (x > low) & (x < high) ? inside : unless_nan(x, outside);
}

// x, but no less than low and, first of all, no more than high.
template <class V>
V clipped(V x, V low, V high) {
    const V y = x >= high ? high : x;
    return y <= low ? low : y;
}

// p / 6, rounded once.
template <class V>
V sixth(V p) {
#if DELTARULE_VECTOR_BYTES > 16
    const V inverse = number<V>(1.0 / 6), q = p * inverse;
    return madd(madd(number<V>(-6), q, p), inverse, q);
#else
    return p / number<V>(6);
#endif
}

struct Relu6 : Straight {
    template <class V>
    static V value(V x, const V*) {
        return clipped(x, V{}, number<V>(6));
    }
    template <class V>
    static V slope(V, V y, const V*) {
        return between(y, V{}, number<V>(6), number<V>(1), V{});
    }
};

struct HardSigmoid : Straight {
    template <class V>
    static V value(V x, const V* a) {
        return clipped(line(x, a[0], a[1]), V{}, number<V>(1));
    }
    // Where alpha x + beta rounds to 1, the difference to 1 still says on which side it is.
    template <class V>
    static V slope(V x, V, const V* a) {
        const DoubleWord<V> offset = exact_sum(a[1], number<V>(-1));
        const V above = fused(a[0], x, offset.high) + offset.low;
        const auto inside = (fused(a[0], x, a[1]) > V{}) & (above < V{});
        return inside ? a[0] : unless_nan(x, V{});
    }
};

struct HardTanh : Straight {
    template <class V>
    static V value(V x, const V* a) {
        return clipped(x, a[0], a[1]);
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        return between(x, a[0], a[1], number<V>(1), V{});
    }
};

struct HardSwish {
    template <class V>
    static V value(V x, const V*) {
        const V three = number<V>(3);
        const DoubleWord<V> s = sum_of_ordered(three, x);
        const V inside = sixth(madd(x, s.low, x * s.high));
        return x >= three ? x : (x <= -three ? V{} : inside);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const V three = number<V>(3), inside = sixth(x + x + three);
        return x > three ? number<V>(1) : (x <= -three ? V{} : inside);
    }
    template <class V>
    static V curve(V x, const V*) {
        const V third = number<V>(1.0 / 3);
        return x == number<V>(3) ? third : between(x, number<V>(-3), number<V>(3), third, V{});
    }
};

struct HardMish {
    template <class V>
    static V value(V x, const V*) {
        const V inside = x * madd(number<V>(0.5), x, number<V>(1));
        return x >= V{} ? x : (x <= number<V>(-2) ? V{} : inside);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const V one = number<V>(1), inside = x + one;
        return x >= V{} ? one : (x <= number<V>(-2) ? V{} : inside);
    }
    template <class V>
    static V curve(V x, const V*) {
        return between(x, number<V>(-2), V{}, number<V>(1), V{});
    }
};

struct SparsePlus {
    template <class V>
    static V value(V x, const V*) {
        const V one = number<V>(1);
        const DoubleWord<V> s = sum_of_ordered(one, x);
        const V inside = number<V>(0.25) * madd(s.high + s.high, s.low, s.high * s.high);
        return x >= one ? x : (x <= -one ? V{} : inside);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return clipped(number<V>(0.5) * (x + number<V>(1)), V{}, number<V>(1));
    }
    template <class V>
    static V curve(V x, const V*) {
        return between(x, number<V>(-1), number<V>(1), number<V>(0.5), V{});
    }
};

struct SparseSigmoid : Straight {
    template <class V>
    static V value(V x, const V*) {
        return clipped(number<V>(0.5) * (x + number<V>(1)), V{}, number<V>(1));
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return between(x, number<V>(-1), number<V>(1), number<V>(0.5), V{});
    }
};

struct Jump : Straight {
    template <class V>
    static V slope(V x, V, const V*) {
        return unless_nan(x, V{});
    }
};

struct Step : Jump {
    template <class V>
    static V value(V x, const V* a) {
        return x >= a[0] ? number<V>(1) : unless_nan(x, V{});
    }
};

struct Sign : Jump {
    template <class V>
    static V value(V x, const V*) {
        return x == V{} ? V{} : unless_nan(x, copy_sign(number<V>(1), x));
    }
};

constexpr double infinity = __builtin_inf();

constexpr kernels::ActivationRow rows[] = {
    elementwise<Relu6>(ActivationFacts{.name = "relu6",
                                       .formula = "0 if x <= 0 else (x if x < 6 else 6)",
                                       .slope_reads = Reads::y,
                                       .source = "Krizhevsky 2010",
                                       .derivative = "0 if x <= 0 else (1 if x < 6 else 0)",
                                       .second_derivative = "0",
                                       .low = 0,
                                       .high = 6,
                                       .kinks = {{"0", "0"}, {"6", "0"}},
                                       .saturates_low = true,
                                       .saturates_high = true}),
    elementwise<HardSigmoid>(ActivationFacts{
        .name = "hard_sigmoid",
        .formula = "0 if alpha * x + beta <= 0 else "
                   "(alpha * x + beta if alpha * x + beta < 1 else 1)",
        .slope_reads = Reads::x,
        .source = "Courbariaux et al. 2015",
        .derivative = "0 if alpha * x + beta <= 0 else (alpha if alpha * x + beta < 1 else 0)",
        .second_derivative = "0",
        .parameters = {{"alpha", 1.0 / 6}, {"beta", 0.5}},
        .aliases = {"hardsigmoid"},
        .low = 0,
        .high = 1,
        .kinks = {{"-beta / alpha", "0"}, {"(1 - beta) / alpha", "0"}},
        .saturates_low = true,
        .saturates_high = true,
        .lipschitz = 1.0 / 6}),
    elementwise<HardTanh>(
        ActivationFacts{.name = "hard_tanh",
                        .formula = "min_val if x <= min_val else (x if x < max_val else max_val)",
                        .slope_reads = Reads::x,
                        .source = "Collobert 2004",
                        .derivative = "0 if x <= min_val else (1 if x < max_val else 0)",
                        .second_derivative = "0",
                        .parameters = {{"min_val", -1.0}, {"max_val", 1.0}},
                        .ordered = true,
                        .aliases = {"hardtanh", "clip"},
                        .low = -1,
                        .high = 1,
                        .kinks = {{"min_val", "0"}, {"max_val", "0"}},
                        .symmetry = Symmetry::odd,
                        .saturates_low = true,
                        .saturates_high = true}),
    elementwise<HardSwish>(
        ActivationFacts{.name = "hard_swish",
                        .formula = "0 if x <= -3 else (x * (x + 3) / 6 if x <= 3 else x)",
                        .slope_reads = Reads::x,
                        .source = "Howard et al. 2019",
                        .derivative = "0 if x <= -3 else ((2 * x + 3) / 6 if x <= 3 else 1)",
                        .second_derivative = "0 if x <= -3 else (1 / 3 if x <= 3 else 0)",
                        .aliases = {"hard_silu", "hardswish"},
                        .low = -0.375,
                        .kinks = {{"-3", "0"}, {"3", "1.5"}},
                        .slope_root = "-1.5",
                        .monotone = Monotone::no,
                        .saturates_low = true,
                        .lipschitz = 1.5}),
    elementwise<HardMish>(
        ActivationFacts{.name = "hard_mish",
                        .formula = "0 if x <= -2 else (x * (x + 2) / 2 if x < 0 else x)",
                        .slope_reads = Reads::x,
                        .source = "Misra 2020, H-Mish",
                        .derivative = "0 if x <= -2 else (x + 1 if x < 0 else 1)",
                        .second_derivative = "0 if x <= -2 else (1 if x < 0 else 0)",
                        .low = -0.5,
                        .kinks = {{"-2", "0"}},
                        .slope_root = "-1",
                        .monotone = Monotone::no,
                        .saturates_low = true}),
    elementwise<SparsePlus>(
        ActivationFacts{.name = "sparse_plus",
                        .formula = "0 if x <= -1 else ((x + 1)**2 / 4 if x < 1 else x)",
                        .slope_reads = Reads::x,
                        .source = "Blondel et al. 2019",
                        .derivative = "0 if x <= -1 else ((x + 1) / 2 if x < 1 else 1)",
                        .second_derivative = "0 if x <= -1 else (1 / 2 if x < 1 else 0)",
                        .low = 0,
                        .saturates_low = true}),
    elementwise<SparseSigmoid>(
        ActivationFacts{.name = "sparse_sigmoid",
                        .formula = "0 if x <= -1 else ((x + 1) / 2 if x < 1 else 1)",
                        .slope_reads = Reads::x,
                        .source = "Blondel et al. 2019",
                        .derivative = "0 if x <= -1 else (1 / 2 if x < 1 else 0)",
                        .second_derivative = "0",
                        .low = 0,
                        .high = 1,
                        .kinks = {{"-1", "0"}, {"1", "0"}},
                        .saturates_low = true,
                        .saturates_high = true,
                        .lipschitz = 0.5}),
    elementwise<Step>(ActivationFacts{.name = "step",
                                      .formula = "1 if x >= threshold else 0",
                                      .slope_reads = Reads::x,
                                      .source = "McCulloch and Pitts 1943",
                                      .derivative = "0",
                                      .second_derivative = "0",
                                      .parameters = {{"threshold", 0.0}},
                                      .aliases = {"heaviside", "binary_step"},
                                      .low = 0,
                                      .high = 1,
                                      .kinks = {{"threshold", "0"}},
                                      .saturates_low = true,
                                      .saturates_high = true,
                                      .lipschitz = infinity}),
    elementwise<Sign>(ActivationFacts{.name = "sign",
                                      .formula = "sign(x)",
                                      .slope_reads = Reads::x,
                                      .source = "Rosenblatt 1958",
                                      .derivative = "0",
                                      .second_derivative = "0",
                                      .low = -1,
                                      .high = 1,
                                      .kinks = {{"0", "0"}},
                                      .symmetry = Symmetry::odd,
                                      .saturates_low = true,
                                      .saturates_high = true,
                                      .lipschitz = infinity}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> hard() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
