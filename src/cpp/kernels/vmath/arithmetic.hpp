// What the elementary functions are made of: polynomials, powers of two, sums and quotients that
// keep what rounding loses.
#pragma once

#include "../simd.hpp"

namespace deltarule::DELTARULE_ISA {

template <class V>
DELTARULE_INLINE V number(double value) {
    return splat(Element<V>(value));
}

// c[from] + c[from + step] y + c[from + 2 step] y^2 + ...: Horner's rule.
template <std::size_t from, std::size_t step, class V, std::size_t n>
DELTARULE_INLINE V horner(V y, const double (&c)[n]) {
    using T = Element<V>;
    constexpr std::size_t last = from + (n - 1 - from) / step * step;
    V sum = splat(T(c[last]));
    for (std::size_t i = last; i != from; i -= step) sum = madd(sum, y, splat(T(c[i - step])));
    return sum;
}

// c[0] + c[1] x + c[2] x^2 + ...  A long polynomial is Horner's rule for the first coefficients,
// which decide about its error, and even and odd powers side by side for the others, which halves
// the chain of operations that wait for each other.
template <class V, std::size_t n>
DELTARULE_INLINE V polynomial(V x, const double (&c)[n]) {
    if constexpr (n < 8) {
        return horner<0, 1>(x, c);
    } else {
        using T = Element<V>;
        constexpr std::size_t first = 3;
        const V square = x * x;
        V sum = madd(horner<first + 1, 2>(square, c), x, horner<first, 2>(square, c));
        for (std::size_t i = first; i-- > 0;) sum = madd(sum, x, splat(T(c[i])));
        return sum;
    }
}

// ---- in one instruction where there is one ------------------------------------------------------

// The smaller and the larger of x and a bound that is a number; a NaN in x stays.
template <class V>
DELTARULE_INLINE V at_most(V x, V bound) {
#if DELTARULE_VECTOR_BYTES == 64
    if constexpr (sizeof(Element<V>) == 4)
        return (V)_mm512_maskz_min_ps(0xFFFF, (__m512)bound, (__m512)x);
    else
        return (V)_mm512_maskz_min_pd(0xFF, (__m512d)bound, (__m512d)x);
#else
    return bound < x ? bound : x;
#endif
}
template <class V>
DELTARULE_INLINE V at_least(V x, V bound) {
#if DELTARULE_VECTOR_BYTES == 64
    if constexpr (sizeof(Element<V>) == 4)
        return (V)_mm512_maskz_max_ps(0xFFFF, (__m512)bound, (__m512)x);
    else
        return (V)_mm512_maskz_max_pd(0xFF, (__m512d)bound, (__m512d)x);
#else
    return bound > x ? bound : x;
#endif
}

// -|x|
template <class V>
DELTARULE_INLINE V negative(V x) {
    return (V)(bits(x) | Traits<Element<V>>::sign);
}

// 2^k for integers |k| < 2 bias: times(v) is v 2^k, rounded once, also where it is subnormal.
template <class V>
struct PowerOfTwo {
#if DELTARULE_VECTOR_BYTES == 64
    V k;
    DELTARULE_INLINE explicit PowerOfTwo(const Rounded<V>& exponent) : k(exponent.value) {}
    DELTARULE_INLINE V times(V v) const {
        if constexpr (sizeof(Element<V>) == 4)
            return (V)_mm512_maskz_scalef_ps(0xFFFF, (__m512)v, (__m512)k);
        else
            return (V)_mm512_maskz_scalef_pd(0xFF, (__m512d)v, (__m512d)k);
    }
#else
    V s1, s2;  // 2^k = s1 s2, of which 2^k itself need be no normal number
    DELTARULE_INLINE explicit PowerOfTwo(const Rounded<V>& exponent) {
        const auto half = exponent.integer >> 1;
        s1 = power_of_two<Element<V>>(half);
        s2 = power_of_two<Element<V>>(exponent.integer - half);
    }
    DELTARULE_INLINE V times(V v) const { return v * s1 * s2; }
#endif
};

// x c, rounded to the nearest integer.
template <class V>
DELTARULE_INLINE Rounded<V> round_product(V x, V c) {
    const V magic = splat(Traits<Element<V>>::magic), shifted = madd(x, c, magic);
    return {shifted - magic, wrapping_difference(bits(shifted), bits(magic))};
}

// ---- unevaluated sums ---------------------------------------------------------------------------

// A double word: high + low, |low| <= ulp(high), a result and what its rounding lost.  For finite
// numbers: infinities and overflow make NaN of `low`.
template <class V>
struct DoubleWord {
    V high, low;
    DELTARULE_INLINE V value() const { return high + low; }
    DELTARULE_INLINE DoubleWord operator-() const { return {-high, -low}; }
};

// a + b exactly, where |a| >= |b| or a = 0: Dekker 1971.
template <class V>
DELTARULE_INLINE DoubleWord<V> sum_of_ordered(V a, V b) {
    const V s = a + b;
    return {s, b - (s - a)};
}

// a + b exactly: Knuth 1969.
template <class V>
DELTARULE_INLINE DoubleWord<V> exact_sum(V a, V b) {
    const V s = a + b, back = s - a;
    return {s, (a - (s - back)) + (b - back)};
}

// a b exactly, clear of over- and underflow.
template <class V>
DELTARULE_INLINE DoubleWord<V> exact_product(V a, V b) {
    const V p = a * b;
    return {p, product_error(a, b, p)};
}

// a b + c, rounded nearly once, for a c that is small beside a b.
template <class V>
DELTARULE_INLINE V product_and_rest(V a, V b, V c) {
#if DELTARULE_VECTOR_BYTES > 16
    return madd(a, b, c);
#else
    const V p = a * b;
    return p + (product_error(a, b, p) + c);
#endif
}

// v (1 + m), rounded once, for |m| < 1.
template <class V>
DELTARULE_INLINE V raised(V v, V m) {
#if DELTARULE_VECTOR_BYTES > 16
    return madd(v, m, v);
#else
    const V p = v * m, s = v + p, lost = p - (s - v);
    return lost == lost ? s + (lost + product_error(v, m, p)) : s;  // overflow
#endif
}

// a b to twice the digits, less a few bits.
template <class V>
DELTARULE_INLINE DoubleWord<V> product(DoubleWord<V> a, DoubleWord<V> b) {
    const V p = a.high * b.high;
    return {p, madd(a.high, b.low, madd(a.low, b.high, product_error(a.high, b.high, p)))};
}

// a - q d where q is a / d to nearly all digits: exact or nearly so.
template <class V>
DELTARULE_INLINE V remainder(V a, V q, V d) {
#if DELTARULE_VECTOR_BYTES > 16
    return madd(-q, d, a);
#else
    const V p = q * d;
    return (a - p) - product_error(q, d, p);
#endif
}

// a / d to twice the digits, less a few bits: a quotient and its Newton correction.
template <class V>
DELTARULE_INLINE DoubleWord<V> quotient(DoubleWord<V> a, DoubleWord<V> d) {
    const V inverse = number<V>(1) / d.high, q = a.high * inverse;
    const V rest = madd(-q, d.low, remainder(a.high, q, d.high) + a.low);
    return sum_of_ordered(q, rest * inverse);
}

// a / d, rounded nearly once.
template <class V>
DELTARULE_INLINE V rounded_quotient(DoubleWord<V> a, DoubleWord<V> d) {
    const V inverse = number<V>(1) / d.high, q = a.high * inverse;
    return madd(madd(-q, d.low, remainder(a.high, q, d.high) + a.low), inverse, q);
}

}  // namespace deltarule::DELTARULE_ISA
