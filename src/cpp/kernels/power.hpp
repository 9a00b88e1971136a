// Logarithms as double words, and the powers and remainders made of them.
#pragma once

#include "vmath.hpp"

namespace deltarule::DELTARULE_ISA {

// log((1+s)/(1-s)) = s (2 + s^2 (2/3 + s^2 (2/5 + ...))): the coefficients from 2/5 on, to 2^-39
// and 2^-70 of the sum for |s| <= 3 - 2 sqrt(2), and what the rounding of 2/3 lost.
template <class T>
struct LogSeries;
template <>
struct LogSeries<float> {
    static constexpr double tail[] = {2 / 5., 2 / 7., 2 / 9., 2 / 11., 2 / 13.};
    static constexpr double two_thirds_low = -0x1p-24 / 3;
};
template <>
struct LogSeries<double> {
    static constexpr double tail[] = {2 / 5.,  2 / 7.,  2 / 9.,  2 / 11., 2 / 13., 2 / 15.,
                                      2 / 17., 2 / 19., 2 / 21., 2 / 23., 2 / 25.};
    static constexpr double two_thirds_low = 0x1p-53 / 3;
};

// `low`, or 0 where an infinity or an overflow made it meaningless.
template <class V>
DELTARULE_INLINE V settled(V low) {
    return abs(low) < number<V>(__builtin_inf()) ? low : V{};
}

// log(1 + f), 1 + f in [sqrt(1/2), sqrt(2)], as a double word.
template <class V>
DELTARULE_INLINE DoubleWord<V> log_of_fraction(V f) {
    using Series = LogSeries<Element<V>>;
    const V two = number<V>(2), two_thirds = number<V>(2 / 3.);
    const DoubleWord<V> s = quotient(DoubleWord<V>{f, V{}}, sum_of_ordered(two, f));
    const DoubleWord<V> z = product(s, s);
    const DoubleWord<V> inner =
        sum_of_ordered(two_thirds, z.high * polynomial(z.high, Series::tail));
    const V inner_low = inner.low + number<V>(Series::two_thirds_low);
    const DoubleWord<V> w = product(z, DoubleWord<V>{inner.high, inner_low});
    const DoubleWord<V> outer = sum_of_ordered(two, w.high);
    return product(s, DoubleWord<V>{outer.high, outer.low + w.low});
}

// log(x (1 + lost) 2^shift) for x >= 0 and a `lost` below an ulp: 0.001 ulp of the larger of
// |log x| and 1/4096.  log 0 = -inf; NaN for x < 0.
template <class V>
DELTARULE_INLINE DoubleWord<V> log_pair(V x, V lost = V{}, V shift = V{}) {
    using T = Element<V>;
    using C = Constants<T>;
    const V lift = splat(T(1) / Traits<T>::smallest_normal), infinity = number<V>(__builtin_inf());
    const Ints<T> tiny = x < splat(Traits<T>::smallest_normal);
    const Split<V> a = split(tiny ? x * lift : x);
    const V k = (tiny ? a.k - splat(T(Traits<T>::bias - 1)) : a.k) + shift;
    const DoubleWord<V> fraction = log_of_fraction(a.f);
    const DoubleWord<V> sum = sum_of_ordered(k * splat(C::ln2_high), fraction.high);
    const V second = number<V>(-0.5) * lost * lost;
    const V low = fraction.low + madd(k, splat(C::ln2_low), lost + second);
    const DoubleWord<V> y = sum_of_ordered(sum.high, sum.low + low);
    const V edge = x == V{} ? -infinity : (x < V{} ? infinity - infinity : x);
    const Ints<T> inside = (x > V{}) & (x < infinity);
    return {inside ? y.high : edge, inside ? y.low : V{}};
}
template <class V>
DELTARULE_INLINE DoubleWord<V> log_pair(DoubleWord<V> x) {
    return log_pair(x.high, settled(x.low / x.high));
}

// log(1 + w) for w > -1, relative to itself: 0.6 ulp; with `low`, 0.1 ulp where |w| > 1/4096.
template <class V>
DELTARULE_INLINE DoubleWord<V> log1p_pair(DoubleWord<V> w) {
    const DoubleWord<V> u = exact_sum(number<V>(1), w.high);
    return log_pair(u.high, settled((u.low + w.low) / u.high));
}

// e^(a b): 0.2 ulp with `low`.  0 and infinity where the exponent leaves the range, whatever the
// result is multiplied by; 0 * inf in the exponent is 0.
template <class V>
DELTARULE_INLINE Exponential<V> exponential_of_product(DoubleWord<V> a, DoubleWord<V> b) {
    using T = Element<V>;
    using C = Constants<T>;
    const V huge = splat(T(1) / Traits<T>::smallest_normal), infinity = number<V>(__builtin_inf());
    const V high = at_most(at_least(a.high, -huge), huge), x = high * b.high;
    const V low = product_error(high, b.high, x) + madd(high, b.low, a.low * b.high);
    Exponential<V> e = exponential(x, abs(low) < number<V>(1) ? low : V{});
    const Ints<T> below = x < splat(C::exp_lowest);
    const Ints<T> above = x > splat(C::exp_highest);
    e.mantissa = below ? V{} : (above ? infinity : e.mantissa);
    e.minus_one.high = below ? number<V>(-1) : (above ? infinity : e.minus_one.high);
    e.low = below | above ? V{} : e.low;
    return e;
}

// b^p for b >= 0: 0.2 ulp with `low`.
template <class V>
DELTARULE_INLINE Exponential<V> power(DoubleWord<V> b, DoubleWord<V> p) {
    return exponential_of_product(log_pair(b), p);
}

// e^x - 1 - x, relative to itself: 1.9 ulp; |x_low| at most half an ulp of x.
template <class V>
DELTARULE_INLINE V expm1_minus(DoubleWord<V> x) {
    using T = Element<V>;
    const V end = number<V>(60), inside = at_most(at_least(x.high, -end), end);
    const V x_low = settled(x.low);
    const Reduced<V> a = reduce(inside, inside == x.high ? x_low : V{});
    const V scale = power_of_two<T>(a.k.integer);
    const DoubleWord<V> square = exact_product(a.r, a.r);
    const V series = polynomial(a.r, Constants<T>::exp);
    const V curved = madd(square.high, series, square.low * series);
    // 2^k (1 + r + r_low + curved) - 1 - x: without k, r + r_low is x and all but `curved` cancels.
    const DoubleWord<V> line = exact_sum(scale - number<V>(1), -x.high);
    const DoubleWord<V> sum = exact_sum(line.high, scale * a.r);
    const V low = settled(sum.low + (madd(scale, a.r_low, -x_low) + line.low));
    return x.high > end ? exponential(x.high, x_low).value() : sum.high + madd(scale, curved, low);
}

}  // namespace deltarule::DELTARULE_ISA
