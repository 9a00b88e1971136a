// Losses of one number: of the residual e = z - t, or of the margin m = t z.
#pragma once

#include "../loops.hpp"
#include "../power.hpp"

namespace deltarule::DELTARULE_ISA {

// z - t exactly; what `low` would be of an infinite residual is 0.
template <class V>
DELTARULE_INLINE DoubleWord<V> residual(V z, V t) {
    const DoubleWord<V> e = exact_sum(z, -t);
    return {e.high, settled(e.low)};
}

template <class V>
DELTARULE_INLINE DoubleWord<V> abs(DoubleWord<V> e) {
    return {abs(e.high), e.high < V{} ? -e.low : e.low};
}

// -1, 0 or 1; NaN stays.
template <class V>
DELTARULE_INLINE V sign(V x) {
    return x > V{} ? number<V>(1) : (x < V{} ? number<V>(-1) : unless_nan(x, V{}));
}

// The result outside the domain of a loss.
template <class V>
DELTARULE_INLINE V undefined() {
    return number<V>(__builtin_nan(""));
}

// a + b, rounded nearly once where |a| >= |b| or both are of a size.
template <class V>
DELTARULE_INLINE DoubleWord<V> sum(DoubleWord<V> a, DoubleWord<V> b) {
    const DoubleWord<V> s = exact_sum(a.high, b.high);
    return sum_of_ordered(s.high, settled(s.low + (a.low + b.low)));
}
template <class V>
DELTARULE_INLINE DoubleWord<V> sum(DoubleWord<V> a, V b) {
    return sum(a, DoubleWord<V>{b, V{}});
}

// a^2 of a double word, rounded nearly once.
template <class V>
DELTARULE_INLINE V square(DoubleWord<V> a) {
    return madd(a.high, a.high, settled((a.high + a.high) * a.low));
}

template <class V>
DELTARULE_INLINE V half_square(DoubleWord<V> a) {
    return madd(number<V>(0.5) * a.high, a.high, settled(a.high * a.low));
}

// n / d, rounded nearly once; infinite where that overflows.
template <class V>
DELTARULE_INLINE V ratio(DoubleWord<V> n, DoubleWord<V> d) {
    const V plain = n.high / d.high;
    return abs(plain) < number<V>(__builtin_inf()) ? rounded_quotient(n, d) : plain;
}

// factor n / d^2 for d >= 0, without an overflow or a lost digit on the way; 0 where n is 0.
template <class V>
DELTARULE_INLINE V over_square(V n, V d, double factor = 1) {
    const V lift = number<V>(0x1p60), one = number<V>(1);
    const V scale = abs(n) < one / lift ? lift : (abs(n) > lift ? one / lift : one);
    return n == V{} ? unless_nan(d, V{}) : n * (scale * number<V>(factor)) / d / (d * scale);
}

template <class V>
DELTARULE_INLINE DoubleWord<V> word(V high) {
    return {high, V{}};
}

template <class V>
DELTARULE_INLINE DoubleWord<V> select(Ints<Element<V>> mask, DoubleWord<V> a, DoubleWord<V> b) {
    return {mask ? a.high : b.high, mask ? a.low : b.low};
}

// weight * term, with 0 where the weight is 0 even if the term is infinite.
template <class V>
DELTARULE_INLINE V weighted(V weight, V term) {
    return weight == V{} ? unless_nan(term, V{}) : weight * term;
}

// A loss f(e): F has value, slope and curve of the residual.
template <class F>
struct OfResidual {
    template <class V>
    static V value(V z, V t, const V* a) {
        return F::value(residual(z, t), a);
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        return F::slope(residual(z, t), a);
    }
    template <class V>
    static V curve(V z, V t, const V* a) {
        return F::curve(residual(z, t), a);
    }
    template <class V>
    static V target_slope(V z, V t, const V* a) {
        return -slope(z, t, a);
    }
};

// A loss f(m) for t = 1 and -1: F has value, slope and curve of the margin.
template <class F>
struct OfMargin {
    template <class V>
    static V value(V z, V t, const V* a) {
        return F::value(t * z, a);
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        return t * F::slope(t * z, a);
    }
    template <class V>
    static V curve(V z, V t, const V* a) {
        return F::curve(t * z, a);
    }
};

}  // namespace deltarule::DELTARULE_ISA
