// Elementary functions on vectors.  Each states its range, its error and its source.
//
// Errors are in units in the last place (ulp) of the correctly rounded result, estimated by
// counting roundings; what is measured, against the 800-digit oracle, are the catalogue functions
// made of these (tests/errors.json).  `madd` is fused except on the baseline. Polynomials are
// Chebyshev fits computed at 60 digits for the interval named beside them.
#pragma once

#include "simd.hpp"

namespace deltarule::DELTARULE_ISA {

// c[0] + c[1] x + c[2] x^2 + ...
template <class V, std::size_t n>
DELTARULE_INLINE V polynomial(V x, const double (&c)[n]) {
    using T = Element<V>;
    V y = splat(T(c[n - 1]));
    for (std::size_t i = n - 1; i-- > 0;) y = madd(y, x, splat(T(c[i])));
    return y;
}

template <class T>
struct Constants;
template <>
struct Constants<float> {
    // ln 2 = ln2_high + ln2_low; k * ln2_high is exact for |k| < 2^8.
    static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cf79abcap-20f;
    static constexpr float log2_e = 1.44269504f, exp_lowest = -170.0f, exp_highest = 100.0f;
    static constexpr float minus_one_below = -30.0f, tail_end = 16.0f;
    // (e^r - 1 - r) / r^2 on |r| <= ln(2)/2
    static constexpr double exp[] = {0.5,
                                     0.16666666681623231402,
                                     0.041666464925285905408,
                                     0.0083333109254809008349,
                                     0.001393364999630925043,
                                     0.00019890990824673653848};
    // (log((1+s)/(1-s))/s - 2) / s^2 in s^2, |s| <= 3 - 2 sqrt(2)
    static constexpr double log[] = {0.6666666655440618264, 0.4000012191414927564,
                                     0.2855081238259014544, 0.23330696672455781122};
    // (z + 4) e^(z^2/2) Q(z) in s = (z - 4)/(z + 4), z >= 0, Q(z) = erfc(z/sqrt(2))/2
    static constexpr double tail[] = {
        0.75528513050463385571,    -0.60789664021278335532,   0.38713739441911353181,
        -0.18652198492773025129,   0.060396643998175526741,   -0.0075386887799517821235,
        -0.003479943025800334878,  0.0016242476372616789799,  0.0001336404262339488288,
        -0.0002177710656511179635, -1.7259922922894346484e-6, 0.000021979043414611653688};
    // the derivative of the same, to three digits
    static constexpr double tail_slope[] = {-0.607897, 0.774275,   -0.559566,
                                            0.241587,  -0.0376934, -0.0208797};
};
template <>
struct Constants<double> {
    static constexpr double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;
    static constexpr double log2_e = 1.4426950408889634074, exp_lowest = -1400.0,
                            exp_highest = 720.0;
    static constexpr double minus_one_below = -60.0, tail_end = 40.0;
    static constexpr double exp[] = {0.5,
                                     0.16666666666666670991,
                                     0.041666666666666669755,
                                     0.0083333333333261351258,
                                     0.0013888888888883748305,
                                     0.00019841269874820625271,
                                     0.000024801587325547741216,
                                     2.755725540020642443e-6,
                                     2.7557273643110295328e-7,
                                     2.5105217004720745164e-8,
                                     2.0914686968086877233e-9};
    static constexpr double log[] = {0.66666666666666696905, 0.39999999999899381939,
                                     0.28571428626031066765, 0.22222211125722808938,
                                     0.18182889786191042483, 0.15331699633543858719,
                                     0.14616721179861815749};
    static constexpr double tail[] = {
        0.75528513041575149337,     -0.60789664197189212542,   0.38713740074221447182,
        -0.18652185795965473659,    0.060396574890942847336,   -0.0075401889668280711033,
        -0.00347969236759777796,    0.0016308184594349201938,  0.00013334431569876615214,
        -0.00023109495356208300602, -1.9082891229431117793e-6, 0.000035144796375948625048,
        7.1684548138335689281e-7,   -5.9205916412860634524e-6, -6.3038272372711434399e-7,
        1.0225715175515717345e-6,   2.7355530670999460557e-7,  -1.5651866434607107878e-7,
        -8.8366195691266025716e-8,  1.4646717608478525404e-8,  2.2817189584508260723e-8,
        1.4229543969952314226e-9,   -4.5609852825314748888e-9, -8.5100672915256943734e-10,
        6.2920786796677722901e-10,  1.1696529105076674305e-10, -4.4451363536058619162e-11};
    // the derivative of the same, to three digits
    static constexpr double tail_slope[] = {-0.607897, 0.774275,   -0.559566,
                                            0.241586,  -0.0377009, -0.0208782};
};

// ---- exp ----------------------------------------------------------------------------------------

// e^x = (mantissa + low) * s1 * s2 with powers of two s1, s2: multiply by what makes the result a
// normal number before the scale is applied, and no digit is lost where e^x alone is subnormal.
template <class V>
struct Exponential {
    V mantissa, low, s1, s2;
    DELTARULE_INLINE V scale(V v) const { return v * s1 * s2; }
    DELTARULE_INLINE V value() const { return scale(mantissa); }
    // e^x * v with the digits that the mantissa lost
    DELTARULE_INLINE V times(V v) const { return scale(madd(v, mantissa, v * low)); }
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
    const Rounded<V> k = round(x * splat(C::log2_e));
    const V high = x - k.value * splat(C::ln2_high);
    const V low = k.value * splat(C::ln2_low) - x_low;
    const V r = high - low;
    return {r, (high - r) - low, k};
}

// e^r - 1 for a reduced argument: 0.6 ulp.
template <class V>
DELTARULE_INLINE V expm1_reduced(const Reduced<V>& a) {
    return a.r + madd(a.r * a.r, polynomial(a.r, Constants<Element<V>>::exp), a.r_low);
}

// e^(x + x_low) for every x, |x_low| <= ulp(x): 0.9 ulp; with `low`, 0.3 ulp.
template <class V>
DELTARULE_INLINE Exponential<V> exponential(V x, V x_low) {
    using T = Element<V>;
    x = min(max(x, splat(Constants<T>::exp_lowest)), splat(Constants<T>::exp_highest));
    const Reduced<V> a = reduce(x, x_low);
    const Ints<T> half = a.k.integer >> 1;
    const V one = splat(T(1)), minus_one = expm1_reduced(a), mantissa = one + minus_one;
    return {mantissa, minus_one - (mantissa - one), power_of_two<T>(half),
            power_of_two<T>(a.k.integer - half)};
}
template <class V>
DELTARULE_INLINE Exponential<V> exponential(V x) {
    return exponential(x, V{});
}
template <class V>
DELTARULE_INLINE V exp(V x) {
    return exponential(x).value();
}

// e^(a*b), the product's own rounding error carried along.
template <class V>
DELTARULE_INLINE Exponential<V> exponential_of_product(V a, V b) {
    using C = Constants<Element<V>>;
    const V p = min(max(a * b, splat(C::exp_lowest)), splat(C::exp_highest));
    const V low = product_error(a, b, p);
    return exponential(p, abs(low) < splat(Element<V>(1)) ? low : V{});
}

// e^x - 1 for x <= 0: 1.1 ulp.
template <class V>
DELTARULE_INLINE V expm1_of_negative(V x) {
    using T = Element<V>;
    const Reduced<V> a = reduce(max(x, splat(Constants<T>::minus_one_below)), V{});
    const V scale = power_of_two<T>(a.k.integer);
    return madd(scale, expm1_reduced(a), scale - splat(T(1)));
}

// ---- logarithms ---------------------------------------------------------------------------------

// k ln 2 + log(1 + f) + correction, with 1 + f in [sqrt(1/2), sqrt(2)]: Tang 1990, fdlibm.
template <class V>
DELTARULE_INLINE V log_of_parts(V k, V f, V correction) {
    using T = Element<V>;
    using C = Constants<T>;
    const V half_square = splat(T(0.5)) * f * f, s = f / (splat(T(2)) + f), z = s * s;
    const V series = s * (half_square + z * polynomial(z, C::log));
    const V low = madd(k, splat(C::ln2_low), correction);
    return k * splat(C::ln2_high) - ((half_square - (series + low)) - f);
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
    const Ints<T> k = (bits(u) - root_half) >> Tr::mantissa_bits;
    return {to_real<T>(k), (V)(bits(u) - (k << Tr::mantissa_bits)) - splat(T(1)), k};
}

// log(1 + x) for x >= 0: 1 ulp.
template <class V>
DELTARULE_INLINE V log1p_of_positive(V x) {
    using T = Element<V>;
    const V one = splat(T(1)), u = one + x;
    const Split<V> a = split(u);
    // What the rounding of 1 + x lost; where 1 + x needs no exponent, f is x itself.
    const V lost = (u < splat(T(2)) ? x - (u - one) : one - (u - x)) / u;
    const Ints<T> whole = a.k == V{};
    const V y = log_of_parts(a.k, whole ? x : a.f, whole ? V{} : lost);
    return x < splat(T(__builtin_inf())) ? y : x;
}

// log(x) for x >= 0, log(0) = -inf: 1 ulp.
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

// ---- division, tanh, normal distribution -------------------------------------------------------

// a / (d + d_low), |d_low| <= ulp(d), rounded nearly once: a quotient and a Newton correction.
template <class V>
DELTARULE_INLINE V quotient(V a, V d, V d_low) {
    const V inverse = splat(Element<V>(1)) / d, q = a * inverse, p = q * d;
    return madd(((a - p) - product_error(q, d, p)) - q * d_low, inverse, q);
}

// 1.6 ulp.
template <class V>
DELTARULE_INLINE V tanh(V x) {
    using T = Element<V>;
    const V two = splat(T(2)), m = expm1_of_negative(-two * abs(x)), d = two + m;
    return copy_sign(quotient(-m, d, m - (d - two)), x);
}

// The upper tail Q(z) = density * ratio of the standard normal at z = min(|x|, where Q is 0), with
// density = e^(-z^2/2).  ratio: 1.3 ulp; form: Shepherd and Laframboise 1981, the argument s of the
// polynomial with its rounding error.
template <class V>
struct NormalTail {
    Exponential<V> density;
    V z, ratio;
};
template <class V>
DELTARULE_INLINE NormalTail<V> normal_tail(V x) {
    using T = Element<V>;
    using C = Constants<T>;
    const V one = splat(T(1)), four = splat(T(4)), eight = splat(T(8));
    const V z = min(abs(x), splat(C::tail_end));
    const V d = z + four, d_low = z - (d - four), q = one / d, p = q * d;
    const V q_low = q * (((one - p) - product_error(q, d, p)) - q * d_low);
    const V s = one - eight * q, s_low = ((one - s) - eight * q) - eight * q_low;
    const V slope = polynomial(s, C::tail_slope);
    const V y = madd(slope, s_low, polynomial(s, C::tail));
    return {exponential_of_product(splat(T(-0.5)) * z, z), z, madd(y, q_low, y * q)};
}

}  // namespace deltarule::DELTARULE_ISA
