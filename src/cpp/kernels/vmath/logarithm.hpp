// log, log1p and what is made of them: softplus, log cosh.
#pragma once

#include "exponential.hpp"

namespace deltarule::DELTARULE_ISA {

// k ln 2 + log(1 + f) + correction, with 1 + f in [sqrt(1/2), sqrt(2)]: Tang 1990, fdlibm.
template <class V>
DELTARULE_INLINE V log_of_parts(V k, V f, V correction) {
    using T = Element<V>;
    using C = Constants<T>;
    const V half_square = number<V>(0.5) * f * f, s = f / (number<V>(2) + f), z = s * s;
    const V series = s * madd(z, polynomial(z, C::log), half_square);
    const V low = madd(k, splat(C::ln2_low), correction);
    return madd(k, splat(C::ln2_high), f - (half_square - (series + low)));
}

// u = 2^k (1 + f) for a normal u > 0.
template <class V>
struct Split {
    V k, f;
    Ints<Element<V>> exponent;
};
template <class V>
DELTARULE_INLINE Split<V> split(V u) {
    using T = Element<V>;
    using Tr = Traits<T>;
    const Ints<T> root_half = bits(splat(T(0.70710678118654752440)));
    const Ints<T> k = wrapping_difference(bits(u), root_half) >> Tr::mantissa_bits;
    const V fraction = (V)wrapping_difference(bits(u), k << Tr::mantissa_bits);
    return {to_real<T>(k), fraction - splat(T(1)), k};
}

// log(1 + x + x_low) for finite x > -1, |x_low| <= ulp(x): 0.9 ulp.
template <class V>
DELTARULE_INLINE V log1p_of_finite(V x, V x_low = V{}) {
    const V one = number<V>(1), u = one + x;
    const Split<V> a = split(u);
    // What the rounding of 1 + x lost; where 1 + x needs no exponent, f is x itself.
    const V lost = u < number<V>(2) ? x - (u - one) : one - (u - x);
    const Ints<Element<V>> whole = a.k == V{};
    return log_of_parts(a.k, whole ? x : a.f, ((whole ? V{} : lost) + x_low) / u);
}

// log(1 + x) for x >= -1, log1p(-1) = -inf, NaN below: 0.9 ulp.
template <class V>
DELTARULE_INLINE V log1p(V x) {
    const V infinity = number<V>(__builtin_inf()), minus_one = number<V>(-1);
    const V edge = x < minus_one ? infinity - infinity : (x == minus_one ? -infinity : x);
    return x > minus_one ? (x < infinity ? log1p_of_finite(x) : x) : edge;
}
// log(1 + x) for x >= 0: 0.9 ulp.
template <class V>
DELTARULE_INLINE V log1p_of_positive(V x) {
    return x < number<V>(__builtin_inf()) ? log1p_of_finite(x) : x;
}

// log(x) for x >= 0, log(0) = -inf: 0.9 ulp.
template <class V>
DELTARULE_INLINE V log(V x) {
    using T = Element<V>;
    const T lift = T(1) / Traits<T>::smallest_normal;
    const Ints<T> tiny = x < splat(Traits<T>::smallest_normal);
    const Split<V> a = split(tiny ? x * splat(lift) : x);
    const V k = tiny ? a.k - splat(T(Traits<T>::bias - 1)) : a.k;
    const V y = log_of_parts(k, a.f, V{}), infinity = splat(T(__builtin_inf()));
    return x == V{} ? -infinity : (x < infinity ? y : x);
}

// log(1 + t) given t = e^u, u <= 0: 0.9 ulp.
template <class V>
DELTARULE_INLINE V log1p_of_exponential(const Exponential<V>& e) {
    return log1p_of_finite(e.value(), e.scale(e.low));
}
// log(1 + e^x): 1.2 ulp.
template <class V>
DELTARULE_INLINE V softplus(V x) {
    return at_least(x, V{}) + log1p_of_exponential(exponential(negative(x)));
}

// log(cosh(x)): 1.1 ulp.
template <class V>
DELTARULE_INLINE V log_cosh(V x) {
    using C = Constants<Element<V>>;
    const V u = abs(x), one = number<V>(1), half = number<V>(0.5);
    const DoubleWord<V> z = exact_product(u, u);
    const V series = madd(half, z.low, z.high * z.high * polynomial(z.high, C::log_cosh));
    const V tail = log1p_of_finite(exp(number<V>(-2) * u));
    const V large = (u - splat(C::ln2_high)) + (tail - splat(C::ln2_low));
    return u < one ? madd(half, z.high, series) : large;
}

}  // namespace deltarule::DELTARULE_ISA
