// Elementary functions that formulas have and the catalogue does not: trigonometric and hyperbolic
// ones, powers, hypot, logaddexp.  Each states its range, its error in ulp and its source;
// polynomials are Chebyshev fits computed at 80 digits for the interval named beside them.
#pragma once

#include "vmath.hpp"

namespace deltarule::DELTARULE_ISA::formula {

template <class T>
struct Fits;
template <>
struct Fits<float> {
    // pi/2 in parts: multiples below 2^13 of all but the last are exact.
    static constexpr float half_pi[] = {0x1.92p+0f, 0x1.fb4p-12f, 0x1.444p-24f, 0x1.68c234p-39f};
    static constexpr float reducible = 8192;
    // (sin(x)/x - 1)/x^2 and (cos(x) - 1 + x^2/2)/x^4 in x^2, |x| <= 0.801
    static constexpr double sin[] = {-0.16666664410207003317, 0.0083327002497081649636,
                                     -0.00019577721430072250978};
    static constexpr double cos[] = {0.041666664406913110514, -0.0013888254915538888353,
                                     0.000024537750767028217576};
    // (arctan(x)/x - 1)/x^2 in x^2, |x| <= tan(pi/8)
    static constexpr double arctan[] = {-0.33333331746431513786, 0.19999537099824087397,
                                        -0.1426383847613100223, 0.10742466849090754422,
                                        -0.064477410471124039368};
    // (log((1+s)/(1-s))/s - 2 - 2 s^2/3)/s^4 in s^2, |s| <= 3 - 2 sqrt(2)
    static constexpr double log[] = {0.39999999904198367683, 0.28571532422282380757,
                                     0.22204694087943540928, 0.19122303389386480163};
    static constexpr float two_thirds = 0.666666687f, two_thirds_low = -1.98682149e-8f;
    static constexpr float root_2 = 1.41421354f, root_2_low = 2.42032342e-8f;
    static constexpr float large = 0x1p+60f, small = 0x1p-60f, wide = 1e5f, grown = 15.0f;
};
template <>
struct Fits<double> {
    static constexpr double half_pi[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69,
                                         0x1.b839a252049c1p-104};
    static constexpr double reducible = 1e6;
    static constexpr double sin[] = {-0.16666666666666664076,    0.0083333333333304270125,
                                     -0.00019841269835985584106, 2.7557315709635291848e-6,
                                     -2.505105158684690952e-8,   1.5912461499839467695e-10};
    static constexpr double cos[] = {0.041666666666666665046,    -0.0013888888888887071015,
                                     0.000024801587298282115935, -2.7557317025923459087e-7,
                                     2.0876096058995369453e-9,   -1.1379086634729478872e-11};
    static constexpr double arctan[] = {
        -0.33333333333333333214,  0.19999999999999800521,   -0.14285714285658822435,
        0.11111111105057569372,   -0.090909087486352317891, 0.076922962344915139514,
        -0.066664223640332062114, 0.058789000323429833253,  -0.052302411507893995445,
        0.04550622039175536131,   -0.034545610104858491861, 0.016258132064979208363};
    static constexpr double log[] = {0.39999999999999999814, 0.28571428571429377039,
                                     0.2222222222164927772,  0.18181818336889325384,
                                     0.15384594802772001423, 0.13334813373687011885,
                                     0.11706004128016816472, 0.11725604536475413407};
    static constexpr double two_thirds = 0.66666666666666662966,
                            two_thirds_low = 3.7007434154171884681e-17;
    static constexpr double root_2 = 1.4142135623730951455, root_2_low = -9.6672933134529130372e-17;
    static constexpr double large = 0x1p+500, small = 0x1p-500, wide = 1e10, grown = 30.0;
};

template <class V>
DELTARULE_INLINE V infinity() {
    return number<V>(__builtin_inf());
}
template <class V>
DELTARULE_INLINE V not_a_number() {
    return number<V>(__builtin_nan(""));
}

// ---- sine and cosine ----------------------------------------------------------------------------

// x = k pi/2 + r + r_low, |r| <= pi/4, for |x| <= reducible.
template <class V>
struct Quadrant {
    DoubleWord<V> r;
    Ints<Element<V>> k;
};
template <class V>
DELTARULE_INLINE Quadrant<V> quadrant(V x) {
    using C = Fits<Element<V>>;
    const Rounded<V> k = round(x * number<V>(0.63661977236758134308));
    const V first = x - k.value * splat(C::half_pi[0]);  // exact: the two are close
    const DoubleWord<V> second = exact_sum(first, -k.value * splat(C::half_pi[1]));
    const DoubleWord<V> third = exact_sum(second.high, -k.value * splat(C::half_pi[2]));
    const V low = (second.low + third.low) - k.value * splat(C::half_pi[3]);
    return {sum_of_ordered(third.high, low), k.integer};
}
template <class V>
DELTARULE_INLINE V sine_of(DoubleWord<V> r) {
    const V z = r.high * r.high;
    return r.high + madd(z * r.high, polynomial(z, Fits<Element<V>>::sin), r.low);
}
template <class V>
DELTARULE_INLINE V cosine_of(DoubleWord<V> r) {
    const V one = number<V>(1), z = r.high * r.high, half = number<V>(0.5) * z, main = one - half;
    const V rest = madd(z * z, polynomial(z, Fits<Element<V>>::cos), -r.high * r.low);
    return main + (((one - main) - half) + rest);
}
// sin(x + quarter pi/2): 1 ulp for |x| <= reducible; beyond, the C library's.
template <class V>
DELTARULE_INLINE V sine(V x, int quarter) {
    const Quadrant<V> q = quadrant(x);
    const auto k = q.k + quarter;
    const V y = (k & 1) == 0 ? sine_of(q.r) : cosine_of(q.r);
    return (k & 2) == 0 ? y : -y;
}

// ---- arctan -------------------------------------------------------------------------------------

// 1.5 ulp: to |x| <= tan(pi/8) by arctan(x) = pi/4 + arctan((x-1)/(x+1)) = pi/2 + arctan(-1/x).
template <class V>
DELTARULE_INLINE V arctan(V x) {
    using T = Element<V>;
    const V one = number<V>(1), u = abs(x);
    const Ints<T> far = u > number<V>(2.41421356237309504880), middle = u > number<V>(0.4142135);
    const V r = far ? -one / u : (middle ? (u - one) / (u + one) : u), z = r * r;
    const V y = madd(z * r, polynomial(z, Fits<T>::arctan), r);
    const V quarter = number<V>(0.78539816339744830962), half = number<V>(1.57079632679489661923);
    return copy_sign(far ? half + y : (middle ? quarter + y : y), x);
}

// ---- logarithms and powers ----------------------------------------------------------------------

// log(x) for every x, NaN below 0: 1 ulp.
template <class V>
DELTARULE_INLINE V log(V x) {
    return x < V{} ? not_a_number<V>() : DELTARULE_ISA::log(x);
}

// log(x) as high + low for a normal x > 0: 2^-60 (2^-31 in float32) relative.
template <class V>
DELTARULE_INLINE DoubleWord<V> log_pair(V k, V f) {
    using T = Element<V>;
    using F = Fits<T>;
    const DoubleWord<V> s = quotient(DoubleWord<V>{f, V{}}, sum_of_ordered(number<V>(2), f));
    const DoubleWord<V> z = product(s, s);
    const V rest = z.high * z.high * polynomial(z.high, F::log);
    const DoubleWord<V> cubic =
        product(z, DoubleWord<V>{splat(F::two_thirds), splat(F::two_thirds_low)});
    const DoubleWord<V> bracket = sum_of_ordered(number<V>(2), cubic.high);
    const DoubleWord<V> series = product(s, {bracket.high, bracket.low + (cubic.low + rest)});
    const V high = k * splat(Constants<T>::ln2_high), low = k * splat(Constants<T>::ln2_low);
    const DoubleWord<V> sum = exact_sum(high, series.high);
    return sum_of_ordered(sum.high, sum.low + (series.low + low));
}

template <class V>
DELTARULE_INLINE V bounded_by(V x, V end) {
    return at_most(at_least(x, -end), end);
}

// u^v as C's pow, but NaN wherever an operand is NaN: 2 ulp.
template <class V>
DELTARULE_INLINE V power(V u, V v) {
    using T = Element<V>;
    const V size = abs(u), one = number<V>(1);
    const T lift = T(1) / Traits<T>::smallest_normal;
    const Ints<T> tiny = size < splat(Traits<T>::smallest_normal);
    const Split<V> a = split(tiny ? size * splat(lift) : size);
    const DoubleWord<V> l = log_pair(tiny ? a.k - splat(T(Traits<T>::bias - 1)) : a.k, a.f);
    const V p = v * l.high, p_low = madd(v, l.low, product_error(v, l.high, p));
    const V finite = exponential(p, abs(p_low) < one ? p_low : V{}).value();
    // Where the logarithm is infinite: 0 or infinity by the signs of both.
    const V below = v > V{} ? V{} : infinity<V>(), above = v > V{} ? infinity<V>() : V{};
    V y = size == V{} ? below : (size < infinity<V>() ? finite : above);
    const V half = number<V>(0.5) * v, end = splat(Traits<T>::magic);
    const V whole = round(bounded_by(v, end)).value, halves = round(bounded_by(half, end)).value;
    const Ints<T> integer = abs(v) >= end || whole == v;
    const Ints<T> odd = abs(v) < end + end && integer && halves != half;
    y = u < V{} ? (integer ? (odd ? -y : y) : not_a_number<V>()) : y;
    y = v == V{} ? one : y;
    return u == u ? unless_nan(v, y) : u;
}

// ---- hyperbolic functions -----------------------------------------------------------------------

// 2 ulp.
template <class V>
DELTARULE_INLINE V sinh(V x) {
    const V u = abs(x), one = number<V>(1), half = number<V>(0.5);
    const V m = expm1(at_most(u, splat(Fits<Element<V>>::grown)));
    const Exponential<V> e = exponential(u);
    const V y = u < splat(Fits<Element<V>>::grown) ? half * (m + m / (m + one))
                                                   : unless_nan(u, e.scale(half * e.mantissa));
    return copy_sign(u < infinity<V>() ? y : u, x);
}
template <class V>
DELTARULE_INLINE V cosh(V x) {
    const V u = abs(x);
    const Exponential<V> e = exponential(u);
    const V y = e.scale(number<V>(0.5) * e.mantissa);
    return u < infinity<V>() ? y + number<V>(0.25) / y : u;
}
template <class V>
DELTARULE_INLINE V arcsinh(V x) {
    const V u = abs(x), one = number<V>(1), wide = splat(Fits<Element<V>>::wide);
    const V b = at_most(u, wide), square = b * b;
    const V near = log1p(b + square / (one + sqrt(one + square)));
    const V far = DELTARULE_ISA::log(u) + number<V>(0.69314718055994530942);
    return copy_sign(u < wide ? near : unless_nan(u, far), x);
}
template <class V>
DELTARULE_INLINE V arctanh(V x) {
    const V u = abs(x), one = number<V>(1);
    return copy_sign(number<V>(0.5) * log1p((u + u) / (one - u)), x);
}

// ---- of two operands ----------------------------------------------------------------------------

// sqrt(u^2 + v^2) without overflow: 1 ulp.
template <class V>
DELTARULE_INLINE V hypot(V u, V v) {
    using F = Fits<Element<V>>;
    const V a = abs(u), b = abs(v), m = a > b ? a : b, one = number<V>(1);
    const V large = splat(F::large), small = splat(F::small);
    const V scale = m > large ? small : (m < small ? large : one);
    const V back = m > large ? large : (m < small ? small : one);
    const V x = a * scale, y = b * scale;
    return sqrt(madd(x, x, y * y)) * back;
}

// log(e^u + e^v): 1.5 ulp where it is not near 0.
template <class V>
DELTARULE_INLINE V logaddexp(V u, V v) {
    const V m = v > u ? v : u, d = u == v ? V{} : -abs(u - v);
    return m + log1p_of_finite(exp(d));
}

// ---- exponentials of squares --------------------------------------------------------------------

template <class V>
DELTARULE_INLINE V gaussian(V u) {
    return exponential_of_product(-u, u).value();
}
template <class V>
DELTARULE_INLINE V normpdf(V u) {
    const Exponential<V> e = exponential_of_product(number<V>(-0.5) * u, u);
    return e.scale(number<V>(normal_density_at_zero) * e.mantissa);
}
template <class V>
DELTARULE_INLINE V normcdf(V u) {
    const V tail = normal_tail(u).value();
    return u < V{} ? tail : number<V>(1) - tail;
}
// 2 Q(sqrt(2) u), with the rounding error of the product.
template <class V>
DELTARULE_INLINE V erfc(V u) {
    using F = Fits<Element<V>>;
    const V root = splat(F::root_2), x = u * root;
    const V x_low = madd(u, splat(F::root_2_low), product_error(u, root, x));
    const V tail = number<V>(2) * normal_tail(x, x_low).value();
    return u < V{} ? number<V>(2) - tail : unless_nan(u, tail);
}

// ---- tanh(softplus(x)), the factor of mish, and its slope ---------------------------------------

// With t = e^-|u|:  u <= 0: t (t + 2) / (t (t + 2) + 2);  u > 0: (1 + 2 t) / (1 + 2 t + 2 t^2)
template <class V>
DELTARULE_INLINE V tanh_softplus(V u) {
    const Exponential<V> e = exponential(-abs(u));
    const V t = e.value(), two = number<V>(2), m = madd(two, t, number<V>(1));
    const Ints<Element<V>> left = u <= V{};
    const V above = left ? t + two : m, below = left ? madd(t, t + two, two) : madd(two * t, t, m);
    const V share = above / below;
    return left ? e.times(share) : unless_nan(u, share);
}
// u <= 0: 4 t (1 + t) / (t (t + 2) + 2)^2;  u > 0: 4 t^2 (1 + t) / (1 + 2 t + 2 t^2)^2
template <class V>
DELTARULE_INLINE V tanh_softplus_slope(V u) {
    const Exponential<V> e = exponential(-abs(u));
    const V t = e.value(), two = number<V>(2), one = number<V>(1), m = madd(two, t, one);
    const Ints<Element<V>> left = u <= V{};
    const V below = left ? madd(t, t + two, two) : madd(two * t, t, m);
    const V above = number<V>(4) * e.mantissa * (one + t) / (below * below);
    return e.scale(left ? above : above * t);
}

}  // namespace deltarule::DELTARULE_ISA::formula
