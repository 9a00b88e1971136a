// The normal distribution and the error function.
#pragma once

#include "exponential.hpp"

namespace deltarule::DELTARULE_ISA {

inline constexpr double normal_density_at_zero = 0.39894228040143267793994605993438;

// e^(-(x + x_low)^2 / 2), |x_low| <= ulp(x): 0.9 ulp; with `low`, 0.2 ulp.
template <class V>
DELTARULE_INLINE Exponential<V> normal_density(V x, V x_low = V{}) {
    const V z = bounded(x);
    return exponential_of_product(number<V>(-0.5) * z, z, -z * x_low);
}

// The upper tail Q(z) = density ratio of the standard normal at z = min(|x|, where Q is 0), with
// density = e^(-z^2/2) and ratio = (17/32 + h(s)) / (z + 5/4), |h| < 0.14, as high + low (0.3 ulp).
// The variable s = (z - 5)/(z + 5) is that of Shepherd and Laframboise 1981.
template <class V>
struct NormalTail {
    Exponential<V> density;
    V z;
    DoubleWord<V> ratio;
    DELTARULE_INLINE V value() const { return density.times(ratio); }  // Q(z): 1.6 ulp
};
template <class V>
DELTARULE_INLINE NormalTail<V> normal_tail(V x, V x_low = V{}) {
    using T = Element<V>;
    using C = Constants<T>;
    const V one = number<V>(1), end = splat(C::tail_end), z = at_most(abs(x), end);
    const V z_low = z < end ? (V)(bits(x_low) ^ (bits(x) & Traits<T>::sign)) : V{};
    const V s = madd(number<V>(-10), one / (z + number<V>(5)), one);
    const DoubleWord<V> y = sum_of_ordered(number<V>(0.53125), polynomial(s, C::tail));
    const V shift = number<V>(1.25), d = z + shift, d_low = (z - (d - shift)) + z_low;
    const V half = number<V>(-0.5) * z, square = half * z;
    const V square_low = madd(-z, z_low, product_error(half, z, square));
    return {exponential(square, square_low), z, quotient(y, DoubleWord<V>{d, d_low})};
}

// erf(x) = 1 - e^-p(|x|) with p = -log(erfc): 1.4 ulp.
template <class V>
DELTARULE_INLINE V erf(V x) {
    using C = Constants<Element<V>>;
    const V u = at_most(abs(x), splat(C::erf_end)), rest = polynomial(u, C::erf);
    const V p = madd(u, rest, u), p_low = madd(u, rest, u - p);
    return copy_sign(-expm1_of_negative_pair(-p, -p_low).value(), x);
}

}  // namespace deltarule::DELTARULE_ISA
