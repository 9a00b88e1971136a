// Sine and cosine of every number, to all digits: near the multiples of pi/2 too.
//
// An angle is a product a*b (b = 1 for a plain x), because the phase of a wave is frequency times
// place, and what the rounding of that product loses may be many turns.
#pragma once

#include <cstdint>

#include "vmath.hpp"

namespace deltarule::DELTARULE_ISA {

template <class T>
struct Trigonometry;

// pi/4 as a sum of four: so short that n times the first three is exact where |angle| <= limit.
template <>
struct Trigonometry<float> {
    static constexpr float limit = 256,
                           parts[] = {0x1.921cp-1f, 0x1.daap-16f, 0x1.10b4p-31f, 0x1.84698ap-49f};
    // of (sin r - r) / r^3, (cos r - 1 + r^2/2) / r^4 and (sin(r)^2 - r^2) / r^4 in r^2 for
    // |r| <= pi/4; Chebyshev
    static constexpr double sine[] = {-0.16666666663844049464, 0.0083333318703413485,
                                      -0.00019840084376422703475, 2.7249620080075329496e-6};
    static constexpr double cosine[] = {0.041666664653488792922, -0.0013888301867562369149,
                                        0.000024547689772460029046};
    static constexpr double square[] = {-0.33333332860772322006, 0.044444199436946302227,
                                        -0.0031726146294883933193, 0.0001359107753702032032};
};
template <>
struct Trigonometry<double> {
    static constexpr double limit = 0x1p20, parts[] = {0x1.921fb544p-1, 0x1.0b4611a6p-35,
                                                       0x1.3198a2ep-70, 0x1.b839a252049c1p-105};
    static constexpr double sine[] = {-0.16666666666666666665,    0.008333333333333331481,
                                      -0.00019841269841265041047, 2.755731921932057977e-6,
                                      -2.5052106225994400694e-8,  1.6058530596645954712e-10,
                                      -7.5866368828251596492e-13};
    static constexpr double cosine[] = {0.041666666666666665381,    -0.0013888888888887389773,
                                        0.000024801587298754401173, -2.7557317265878080043e-7,
                                        2.0876145049413179088e-9,   -1.1382544645349250436e-11};
    static constexpr double square[] = {-0.3333333333333333332,    0.044444444444444416246,
                                        -0.003174603174602215355,  0.00014109347441437443193,
                                        -4.2755597519546187146e-6, 9.3968074123709740658e-8,
                                        -1.5656139986639373776e-9, 1.9946855291013920316e-11};
};

// ---- large angles, one at a time ----------------------------------------------------------------

// An angle = quadrant pi/2 + high + low, |high| <= pi/4; the quadrant modulo 4.
struct LargeAngle {
    double high, low;
    int quadrant;
};

// |x| = mantissa 2^exponent in integers.
struct Integral {
    std::uint64_t mantissa;
    int exponent;
};
inline Integral integral(double x) {
    std::uint64_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    const int exponent = int(bits >> 52) & 0x7FF;
    const std::uint64_t fraction = bits & ((std::uint64_t(1) << 52) - 1);
    if (exponent == 0) return {fraction, -1074};
    return {fraction | std::uint64_t(1) << 52, exponent - 1075};
}

// The bits of 2/pi behind 128 zeros.
inline constexpr std::uint64_t two_over_pi[] = {
    0x0000000000000000, 0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0,
    0xdb6295993c439041, 0xfe5163abdebbc561, 0xb7246e3a424dd2e0, 0x06492eea09d1921c,
    0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4,
    0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d, 0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab, 0xf0cfbc209af4361d, 0xa9e391615ee61b08, 0x6599855f14a06840,
    0x8dffd8804d732731, 0x06061556ca73a8c9, 0x60e27bc08c6b47c4, 0x19c367cddce8092a,
    0x8359c4768b961ca6, 0xddaf44d15719053e, 0xa5ff07053f7e33e8, 0x32c2de4f98327dbb,
    0xc33d26ef6b1e5ef8, 0x9f3a1f35caf27f1d, 0x87f121907c7c246a, 0xfa6ed5772d30433b,
    0x15c614b59d19c3c2, 0xc4ad414d2c5d000c};

// a b + eighths pi/4 for finite a, b with |a b| > 200: Payne and Hanek 1983.  The product is an
// integer m 2^e, so of the bits of 2/pi only a window matters: those before it make whole turns.
inline LargeAngle large_angle(double a, double b, int eighths) {
    using Wide = unsigned __int128;
    const Integral x = integral(a), y = integral(b);
    const Wide m = Wide(x.mantissa) * y.mantissa;
    const std::uint64_t m0 = std::uint64_t(m), m1 = std::uint64_t(m >> 64);
    const unsigned start = unsigned(x.exponent + y.exponent + 126);  // -2, behind the 128 zeros
    const std::uint64_t* from = two_over_pi + start / 64;
    Wide w[4];  // the window, most significant first
    for (int i = 0; i < 4; ++i)
        w[i] = std::uint64_t(((Wide(from[i]) << 64 | from[i + 1]) << start % 64) >> 64);
    // The angle over pi/2, modulo 4, in units of 2^-126; a few units too small.
    Wide turn = m0 * w[1] + m1 * w[2] + ((m0 * w[0] + m1 * w[1]) << 64);
    turn += (m0 * w[2] >> 64) + (m1 * w[3] >> 64);
    if (__builtin_signbit(a) != __builtin_signbit(b)) turn = -turn;
    turn += Wide(eighths) << 125;
    const unsigned quadrant = unsigned((turn + (Wide(1) << 125)) >> 126);
    const __int128 rest = static_cast<__int128>(turn - (Wide(quadrant) << 126));
    const double high = double(rest), low = double(rest - static_cast<__int128>(high));
    constexpr double unit = 0x1.921fb54442d18p-126, unit_low = 0x1.1a62633145c07p-180;  // pi/2
    const double r = high * unit;
    return {r, __builtin_fma(high, unit, -r) + (high * unit_low + low * unit), int(quadrant)};
}

// ---- angles in vectors --------------------------------------------------------------------------

// An angle = quadrant pi/2 + r, |r| <= pi/4.
template <class V>
struct Angle {
    DoubleWord<V> r;
    Ints<Element<V>> quadrant;
};

// Whether any lane of a comparison is true.
template <class T>
DELTARULE_INLINE bool any(Ints<T> mask) {
#if DELTARULE_VECTOR_BYTES == 64
    return _mm512_movepi32_mask((__m512i)mask) != 0;
#elif DELTARULE_VECTOR_BYTES == 32
    return _mm256_movemask_epi8((__m256i)mask) != 0;
#else
    std::uint64_t words[2];
    __builtin_memcpy(words, &mask, sizeof words);
    return (words[0] | words[1]) != 0;
#endif
}

// The lanes of `angle` that `large` marks, anew.  Infinite angles are NaN.
template <class V>
[[gnu::noinline]] Angle<V> with_large_angles(Angle<V> angle, Ints<Element<V>> large, V a, V b,
                                             int eighths) {
    using T = Element<V>;
    for (int i = 0; i < lanes<T>; ++i) {
        if (!large[i]) continue;
        if (!(__builtin_isfinite(a[i]) && __builtin_isfinite(b[i]))) {
            angle.r.high[i] = angle.r.low[i] = T(__builtin_nan(""));
            continue;
        }
        const LargeAngle e = large_angle(double(a[i]), double(b[i]), eighths);
        const T high = T(e.high);
        angle.r.high[i] = high;
        angle.r.low[i] = T((e.high - double(high)) + e.low);
        angle.quadrant[i] = typename Traits<T>::Int(e.quadrant);
    }
    return angle;
}

// p - n pi/4 where |p| <= limit, to all digits, however small it is: Cody and Waite 1980.  The sums
// are exact: where the first term is not the larger, it is a multiple of the last place of the
// second.
template <class V>
DELTARULE_INLINE DoubleWord<V> less_multiple(V p, V n) {
    using C = Trigonometry<Element<V>>;
    const DoubleWord<V> first = sum_of_ordered(-n * splat(C::parts[0]), p);
    const DoubleWord<V> second = sum_of_ordered(first.high, -n * splat(C::parts[1]));
    const DoubleWord<V> third = sum_of_ordered(second.high, -n * splat(C::parts[2]));
    return {third.high, madd(-n, splat(C::parts[3]), (first.low + second.low) + third.low)};
}

inline constexpr double two_over_pi_rounded = 0.63661977236758134308;

// a b + eighths pi/4, eighths 0 or 1.  `relative`: r has all its digits however near the angle is
// to a multiple of pi/2.  `absolute`: it has those of pi/4 and a few more, in fewer operations.
enum class Digits { relative, absolute };
template <int eighths, Digits digits = Digits::relative, class V>
DELTARULE_INLINE Angle<V> angle_of_product(V a, V b) {
    using T = Element<V>;
    const V p = a * b;
    const Rounded<V> k = round(madd(p, number<V>(two_over_pi_rounded), number<V>(0.5 * eighths)));
    const DoubleWord<V> r = less_multiple(p, k.value + k.value - number<V>(eighths));
    Angle<V> angle = {{r.high, r.low + product_error(a, b, p)}, k.integer};
    if constexpr (digits == Digits::relative) {
        const DoubleWord<V> sum = exact_sum(r.high, product_error(a, b, p));
        angle.r = exact_sum(sum.high, r.low + sum.low);
    }
    const Ints<T> large = abs(p) > splat(Trigonometry<T>::limit);
    return any<T>(large) ? with_large_angles(angle, large, a, b, eighths) : angle;
}
template <class V>
DELTARULE_INLINE Angle<V> angle_of(V x) {
    using T = Element<V>;
    const Rounded<V> k = round_product(x, number<V>(two_over_pi_rounded));
    const DoubleWord<V> r = less_multiple(x, k.value + k.value);
    const Angle<V> angle = {sum_of_ordered(r.high, r.low), k.integer};
    const Ints<T> large = abs(x) > splat(Trigonometry<T>::limit);
    return any<T>(large) ? with_large_angles(angle, large, x, number<V>(1), 0) : angle;
}

template <class V>
struct SineCosine {
    DoubleWord<V> sine, cosine;
};

// Of r alone, |r| <= pi/4, as high + low: 0.15 ulp.
template <class V>
DELTARULE_INLINE SineCosine<V> sine_cosine_of_remainder(DoubleWord<V> r) {
    using C = Trigonometry<Element<V>>;
    const V half = number<V>(0.5), one = number<V>(1);
    const DoubleWord<V> z = exact_product(r.high, r.high);
    const V h = half * z.high, w = one - h, lost = ((one - w) - h) - half * z.low;
    const V cubic = madd(r.high * z.high, polynomial(z.high, C::sine), r.low * w);
    const V quartic =
        madd(z.high * z.high, polynomial(z.high, C::cosine), madd(-r.high, r.low, lost));
    return {sum_of_ordered(r.high, cubic), sum_of_ordered(w, quartic)};
}

template <class V>
DELTARULE_INLINE DoubleWord<V> where(Ints<Element<V>> mask, DoubleWord<V> yes, DoubleWord<V> no) {
    return {mask ? yes.high : no.high, mask ? yes.low : no.low};
}

// Both as high + low.
template <class V>
DELTARULE_INLINE SineCosine<V> sine_cosine(const Angle<V>& angle) {
    using T = Element<V>;
    const SineCosine<V> r = sine_cosine_of_remainder(angle.r);
    const Ints<T> q = angle.quadrant, odd = (q & 1) != 0;
    const auto turned = [](DoubleWord<V> x, Ints<T> half_turns) {
        const Ints<T> sign = (half_turns << (8 * int(sizeof(T)) - 2)) & Traits<T>::sign;
        return DoubleWord<V>{(V)(bits(x.high) ^ sign), (V)(bits(x.low) ^ sign)};
    };
    return {turned(where(odd, r.cosine, r.sine), q), turned(where(odd, r.sine, r.cosine), q + 1)};
}
// sin^2 as high + low.
template <class V>
DELTARULE_INLINE DoubleWord<V> sine_squared(const Angle<V>& angle) {
    const V r = angle.r.high, one = number<V>(1);
    const DoubleWord<V> z = exact_product(r, r);
    const V series = polynomial(z.high, Trigonometry<Element<V>>::square);
    const V low = madd(z.high * z.high, series, madd(r + r, angle.r.low, z.low));
    const auto odd = (angle.quadrant & 1) != 0;  // 1 - sin(r)^2
    const DoubleWord<V> sum = sum_of_ordered(odd ? one : z.high, odd ? -z.high : low);
    return sum_of_ordered(sum.high, odd ? sum.low - low : sum.low);
}

}  // namespace deltarule::DELTARULE_ISA
