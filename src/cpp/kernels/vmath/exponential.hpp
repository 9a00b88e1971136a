// exp, expm1 and the sigmoids made of them.
#pragma once

#include "arithmetic.hpp"
#include "constants.hpp"

namespace deltarule::DELTARULE_ISA {

// e^-u is 0: keeps inf * 0 out.
template <class V>
DELTARULE_INLINE auto vanishes(V u) {
    return u > splat(-Constants<Element<V>>::exp_lowest);
}

// u, or the nearest number where e^-|u| is 0 already.
template <class V>
DELTARULE_INLINE V bounded(V u) {
    const V end = splat(-Constants<Element<V>>::exp_lowest);
    return at_most(at_least(u, -end), end);
}

// ---- exp ----------------------------------------------------------------------------------------

// e^x = (mantissa + low) 2^k = (1 + minus_one) 2^k, mantissa in [0.7, 1.42]: scale what makes the
// result a normal number before it is scaled, and no digit is lost where e^x alone is subnormal.
template <class V>
struct Exponential {
    V mantissa, low;
    DoubleWord<V> minus_one;
    PowerOfTwo<V> power;
    DELTARULE_INLINE V scale(V v) const { return power.times(v); }
    DELTARULE_INLINE V value() const { return scale(mantissa); }
    // e^x v with the digits that the mantissa lost: 0.9 ulp
    DELTARULE_INLINE V times(V v) const { return scale(raised(v, minus_one.high)); }
    // the same to 0.6 ulp, and before the scale
    DELTARULE_INLINE V times(DoubleWord<V> v) const { return scale(unscaled(v)); }
    DELTARULE_INLINE V unscaled(DoubleWord<V> v) const {
        return product_and_rest(v.high, mantissa, madd(v.low, mantissa, v.high * low));
    }
};

// x = k ln 2 + r + r_low, |r| <= ln(2)/2: Cody and Waite 1980.
template <class V>
struct Reduced {
    V r, r_low;
    Rounded<V> k;
};
template <class V>
DELTARULE_INLINE Reduced<V> reduce(V x, V x_low) {
    using C = Constants<Element<V>>;
    const Rounded<V> k = round_product(x, splat(C::log2_e));
    const V high = madd(-k.value, splat(C::ln2_high), x);
    const V low = madd(k.value, splat(C::ln2_low), -x_low);
    const V r = high - low;
    return {r, (high - r) - low, {k.value, k.integer}};
}

// e^r - 1 for a reduced argument: 0.8 ulp; with `low`, 0.2 ulp.
template <class V>
DELTARULE_INLINE DoubleWord<V> expm1_reduced(const Reduced<V>& a) {
    return sum_of_ordered(a.r,
                          madd(a.r * a.r, polynomial(a.r, Constants<Element<V>>::exp), a.r_low));
}

// e^(x + x_low) for exp_lowest <= x <= exp_highest, |x_low| <= ulp(x): 0.9 ulp; with `low`, 0.2.
template <class V>
DELTARULE_INLINE Exponential<V> exponential_of_bounded(V x, V x_low) {
    const Reduced<V> a = reduce(x, x_low);
    const DoubleWord<V> m = expm1_reduced(a), mantissa = sum_of_ordered(number<V>(1), m.high);
    return {mantissa.high, mantissa.low + m.low, m, PowerOfTwo<V>(a.k)};
}
// The same for every x.
template <class V>
DELTARULE_INLINE Exponential<V> exponential(V x, V x_low = V{}) {
    using C = Constants<Element<V>>;
    x = at_most(at_least(x, splat(C::exp_lowest)), splat(C::exp_highest));
    return exponential_of_bounded(x, x_low);
}
template <class V>
DELTARULE_INLINE V exp(V x) {
    return exponential(x).value();
}
// e^-|x|
template <class V>
DELTARULE_INLINE Exponential<V> decay(V x) {
    const V u = at_least(negative(x), splat(Constants<Element<V>>::exp_lowest));
    return exponential_of_bounded(u, V{});
}

// a b + c as high + low, and `high` within the ends of the range of exp; `whole` where it was.
template <class V>
struct Bounded {
    V high, low;
    Ints<Element<V>> whole;
};
template <class V>
DELTARULE_INLINE Bounded<V> bounded_product(V a, V b, V c = V{}) {
    const V product = a * b, high = bounded(product);
    const Ints<Element<V>> whole = high == product;
    return {high, whole ? product_error(a, b, high) + c : V{}, whole};
}
// e^(a b + c), the rounding error of the product carried along.
template <class V>
DELTARULE_INLINE Exponential<V> exponential_of_product(V a, V b, V c = V{}) {
    const Bounded<V> p = bounded_product(a, b, c);
    return exponential_of_bounded(p.high, p.low);
}

// 1/n as high + low
template <class V>
DELTARULE_INLINE DoubleWord<V> inverse_of(int n) {
    using T = Element<V>;
    const T high = T(1) / T(n);
    return {splat(high), splat(T(1.0L / n - high))};
}

// e^(x + x_low) with a dozen more digits than its lane holds, 2^-34 (float32), 2^-63 (float64): for
// what amplifies its error, such as the exponential of an exponential.
template <class V>
DELTARULE_INLINE Exponential<V> precise_exponential(V x, V x_low = V{}) {
    using C = Constants<Element<V>>;
    x = at_most(at_least(x, splat(C::exp_lowest)), splat(C::exp_highest));
    const Reduced<V> a = reduce(x, x_low);
    const DoubleWord<V> r = {a.r, a.r_low}, square = product(r, r),
                        fourth = product(square, square);
    const DoubleWord<V> three = product(product(r, square), inverse_of<V>(6));
    const DoubleWord<V> four = product(fourth, inverse_of<V>(24));
    const V half = number<V>(0.5), rest = fourth.high * a.r * polynomial(a.r, C::factorials);
    const DoubleWord<V> s = sum_of_ordered(a.r, half * square.high);
    const DoubleWord<V> t = sum_of_ordered(s.high, three.high);
    const DoubleWord<V> u = sum_of_ordered(t.high, four.high);
    const V low = (rest + (three.low + four.low)) + madd(half, square.low, a.r_low);
    const DoubleWord<V> m = sum_of_ordered(u.high, ((s.low + t.low) + u.low) + low);
    const DoubleWord<V> mantissa = sum_of_ordered(number<V>(1), m.high);
    return {mantissa.high, mantissa.low + m.low, m, PowerOfTwo<V>(a.k)};
}

// ---- expm1 --------------------------------------------------------------------------------------

// e^(x + x_low) - 1 = (high + low) 2^k for every x, |x_low| <= ulp(x).
template <class V>
struct ScaledPair {
    DoubleWord<V> unscaled;
    PowerOfTwo<V> power;
    DELTARULE_INLINE V value() const { return power.times(unscaled.value()); }
    // Where 2^k is a normal number: x below 80 (float32), 700 (float64).
    DELTARULE_INLINE DoubleWord<V> pair() const {
        return {power.times(unscaled.high), power.times(unscaled.low)};
    }
};
template <class V>
DELTARULE_INLINE ScaledPair<V> expm1_parts(V x, V x_low) {
    using T = Element<V>;
    using C = Constants<T>;
    x = at_most(at_least(x, splat(C::minus_one_below)), splat(C::exp_highest));
    const Reduced<V> a = reduce(x, x_low);
    const V one = number<V>(1);
    // 2^-k, or what is nothing beside 1
    const V least = at_most(a.k.value, splat(T(Traits<T>::bias - 7)));
    const V magic = splat(Traits<T>::magic);
    const V inverse = power_of_two<T>(wrapping_difference(bits(magic), bits(least + magic)));
    const DoubleWord<V> m = expm1_reduced(a), base = exact_sum(one, -inverse);
    const DoubleWord<V> sum = sum_of_ordered(base.high, m.high);
    return {{sum.high, sum.low + (base.low + m.low)}, PowerOfTwo<V>(a.k)};
}

// e^x - 1 for every x: 1 ulp.
template <class V>
DELTARULE_INLINE V expm1(V x) {
    return expm1_parts(x, V{}).value();
}
// The same as high + low, 0.3 ulp; x below 80 (float32), 700 (float64).
template <class V>
DELTARULE_INLINE DoubleWord<V> expm1_pair(V x, V x_low = V{}) {
    return expm1_parts(x, x_low).pair();
}

// e^(x + x_low) - 1 for x <= 0 as high + low, 0.3 ulp; fewer operations.
template <class V>
DELTARULE_INLINE DoubleWord<V> expm1_of_negative_pair(V x, V x_low = V{}) {
    using T = Element<V>;
    const Reduced<V> a = reduce(at_least(x, splat(Constants<T>::minus_one_below)), x_low);
    const DoubleWord<V> m = expm1_reduced(a);
    const V scale = power_of_two<T>(a.k.integer);
    const DoubleWord<V> base = sum_of_ordered(number<V>(-1), scale);
    const DoubleWord<V> sum = sum_of_ordered(base.high, scale * m.high);
    return {sum.high, sum.low + madd(scale, m.low, base.low)};
}
// e^x - 1 for x <= 0: 0.9 ulp, and fewer operations still.
template <class V>
DELTARULE_INLINE V expm1_of_negative(V x) {
    using T = Element<V>;
    const Reduced<V> a = reduce(at_least(x, splat(Constants<T>::minus_one_below)), V{});
    const V scale = power_of_two<T>(a.k.integer);
    return madd(scale, expm1_reduced(a).high, scale - number<V>(1));
}

// ---- sigmoids -----------------------------------------------------------------------------------

// sigmoid(-|x|), given t = e^-|x|: t / (1 + t) is t where t is subnormal.
template <class V>
DELTARULE_INLINE V sigmoid_below(V t) {
    return t / (number<V>(1) + t);
}
// 1 / (1 + e^-x): 1.7 ulp.  What the rounding of d = 1 + t lost is taken back from the mantissa of
// t, with 3/4 for the weights 1/d.
template <class V>
DELTARULE_INLINE V sigmoid(V x) {
    const Exponential<V> e = decay(x);
    const V one = number<V>(1), t = e.value(), d = one + t, lost = t - (d - one);
    const V mantissa = one + madd(number<V>(-0.75), lost, e.minus_one.high);
    const V far = e.scale(mantissa / d);
    return x < V{} ? far : one - far;
}
// Its derivative: 3.2 ulp.
template <class V>
DELTARULE_INLINE V sigmoid_slope(V x) {
    const V far = sigmoid_below(decay(x).value());
    return madd(-far, far, far);
}
// sigmoid(u) sigmoid(-u) before the scale of e = e^-|u|: 3.2 ulp.
template <class V>
DELTARULE_INLINE V unscaled_sigmoid_slope(const Exponential<V>& e) {
    const V far = e.mantissa / (number<V>(1) + e.value());
    return madd(-far, e.scale(far), far);
}

// tanh(-u/2) for u + u_low <= 0: 0.8 ulp.
template <class V>
DELTARULE_INLINE V tanh_of_half(V u, V u_low = V{}) {
    const DoubleWord<V> m = -expm1_of_negative_pair(u, u_low);
    const DoubleWord<V> d = sum_of_ordered(number<V>(2), -m.high);
    return rounded_quotient(m, DoubleWord<V>{d.high, d.low - m.low});
}
// The same as high + low, 0.3 ulp.
template <class V>
DELTARULE_INLINE DoubleWord<V> tanh_of_half_pair(V u, V u_low = V{}) {
    const DoubleWord<V> m = -expm1_of_negative_pair(u, u_low);
    const DoubleWord<V> d = sum_of_ordered(number<V>(2), -m.high);
    return quotient(m, DoubleWord<V>{d.high, d.low - m.low});
}
// 0.8 ulp.
template <class V>
DELTARULE_INLINE V tanh(V x) {
    return copy_sign(tanh_of_half(number<V>(2) * negative(x)), x);
}
// tanh|x| as high + low, 0.3 ulp.
template <class V>
DELTARULE_INLINE DoubleWord<V> tanh_pair(V x) {
    return tanh_of_half_pair(number<V>(2) * negative(x));
}
// 1 - tanh(x)^2 = 4 t / (1 + t)^2 with t = e^(-2|x|): 3.2 ulp.
template <class V>
DELTARULE_INLINE V tanh_slope(V x) {
    const Exponential<V> e = exponential(number<V>(2) * negative(x));
    return e.scale(number<V>(4) * unscaled_sigmoid_slope(e));
}

}  // namespace deltarule::DELTARULE_ISA
