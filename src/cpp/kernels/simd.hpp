// Vectors of N lanes for the instruction set this translation unit is compiled for.
//
// The only kernel header that knows registers.  Everything above it is written once on `Vec<T>`
// (arithmetic, comparison and `mask ? a : b` are the compiler's own vector operators) and on the
// functions below.  Everything lives in a namespace named after the instruction set, so that two
// translation units compiled with different flags never share an inline function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define DELTARULE_ISA avx512
#define DELTARULE_VECTOR_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#define DELTARULE_ISA avx2
#define DELTARULE_VECTOR_BYTES 32
#else
#define DELTARULE_ISA baseline
#define DELTARULE_VECTOR_BYTES 16
#endif

#define DELTARULE_INLINE [[gnu::always_inline]] inline

namespace deltarule::DELTARULE_ISA {

template <class T>
struct Traits;

template <>
struct Traits<float> {
    using Int = std::int32_t;
    typedef float Vec __attribute__((vector_size(DELTARULE_VECTOR_BYTES)));
    typedef Int Ints __attribute__((vector_size(DELTARULE_VECTOR_BYTES)));
    static constexpr Int mantissa_bits = 23, bias = 127, sign = INT32_MIN, upper_half = ~0xFFF;
    static constexpr float magic = 0x1.8p23f, smallest_normal = 0x1p-126f;
};

template <>
struct Traits<double> {
    using Int = std::int64_t;
    typedef double Vec __attribute__((vector_size(DELTARULE_VECTOR_BYTES)));
    typedef Int Ints __attribute__((vector_size(DELTARULE_VECTOR_BYTES)));
    static constexpr Int mantissa_bits = 52, bias = 1023, sign = INT64_MIN,
                         upper_half = ~((Int{1} << 27) - 1);
    static constexpr double magic = 0x1.8p52, smallest_normal = 0x1p-1022;
};

template <class T>
using Vec = typename Traits<T>::Vec;
template <class T>
using Ints = typename Traits<T>::Ints;  // lanes of integers of the same width; also the masks

template <class T>
inline constexpr int lanes = DELTARULE_VECTOR_BYTES / int(sizeof(T));

// From a vector type back to its element: `Element<V>`.
float element_of(Vec<float>);
double element_of(Vec<double>);
template <class V>
using Element = decltype(element_of(V{}));

template <class T>
DELTARULE_INLINE Vec<T> splat(T value) {
    return value - Vec<T>{};  // x - 0 keeps the sign of a zero
}

// ---- memory -------------------------------------------------------------------------------------

template <class T>
DELTARULE_INLINE Vec<T> load(const T* p) {
    Vec<T> v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
DELTARULE_INLINE void store(T* p, Vec<T> v) {
    __builtin_memcpy(p, &v, sizeof v);
}

// The lanes that exist: lane < n.
template <class T>
DELTARULE_INLINE Ints<T> first(std::ptrdiff_t n) {
    Ints<T> lane{};
    for (int i = 0; i < lanes<T>; ++i) lane[i] = typename Traits<T>::Int(i);
    return lane < typename Traits<T>::Int(n < lanes<T> ? n : lanes<T>);
}

// The first n lanes from memory, the others from `fill`; reads nothing beyond n.
template <class T>
DELTARULE_INLINE Vec<T> load(const T* p, std::ptrdiff_t n, Vec<T> fill) {
#if DELTARULE_VECTOR_BYTES == 64
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_mask_loadu_ps((__m512)fill, __mmask16((1u << n) - 1u), p);
    else
        return (Vec<T>)_mm512_mask_loadu_pd((__m512d)fill, __mmask8((1u << n) - 1u), p);
#elif DELTARULE_VECTOR_BYTES == 32
    const Ints<T> mask = first<T>(n);
    if constexpr (sizeof(T) == 4)
        return mask ? (Vec<T>)_mm256_maskload_ps(p, (__m256i)mask) : fill;
    else
        return mask ? (Vec<T>)_mm256_maskload_pd(p, (__m256i)mask) : fill;
#else
    for (std::ptrdiff_t i = 0; i < n; ++i) fill[i] = p[i];
    return fill;
#endif
}

template <class T>
DELTARULE_INLINE void store(T* p, std::ptrdiff_t n, Vec<T> v) {
#if DELTARULE_VECTOR_BYTES == 64
    if constexpr (sizeof(T) == 4)
        _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1u), (__m512)v);
    else
        _mm512_mask_storeu_pd(p, __mmask8((1u << n) - 1u), (__m512d)v);
#elif DELTARULE_VECTOR_BYTES == 32
    const Ints<T> mask = first<T>(n);
    if constexpr (sizeof(T) == 4)
        _mm256_maskstore_ps(p, (__m256i)mask, (__m256)v);
    else
        _mm256_maskstore_pd(p, (__m256i)mask, (__m256d)v);
#else
    for (std::ptrdiff_t i = 0; i < n; ++i) p[i] = v[i];
#endif
}

// n elements to memory past the caches, a whole line of a cache at a time where vectors are as
// long; `streamed` before anybody reads them.
template <class T>
inline void stream(T* to, const T* from, std::ptrdiff_t n) {
#if defined(__x86_64__)
    constexpr std::ptrdiff_t step = DELTARULE_VECTOR_BYTES / sizeof(T);
    std::ptrdiff_t i = 0;
    for (; i < n && std::uintptr_t(to + i) % DELTARULE_VECTOR_BYTES != 0; ++i) to[i] = from[i];
    for (; i + step <= n; i += step) {
#if DELTARULE_VECTOR_BYTES == 64
        _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), _mm512_loadu_si512(from + i));
#elif DELTARULE_VECTOR_BYTES == 32
        _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i),
                            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i)));
#else
        _mm_stream_si128(reinterpret_cast<__m128i*>(to + i),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
#endif
    }
    for (; i < n; ++i) to[i] = from[i];
#else
    __builtin_memcpy(to, from, std::size_t(n) * sizeof(T));
#endif
}
inline void streamed() {
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

// ---- arithmetic ---------------------------------------------------------------------------------

// a*b + c: rounded once where the machine can, twice on the baseline.
template <class V>
DELTARULE_INLINE V madd(V a, V b, V c) {
#if DELTARULE_VECTOR_BYTES == 64
    if constexpr (sizeof(Element<V>) == 4)
        return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
    else
        return (V)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif DELTARULE_VECTOR_BYTES == 32
    if constexpr (sizeof(Element<V>) == 4)
        return (V)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
    else
        return (V)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
    return a * b + c;
#endif
}

template <class V>
DELTARULE_INLINE V sqrt(V a) {
#if DELTARULE_VECTOR_BYTES == 64
    if constexpr (sizeof(Element<V>) == 4)
        return (V)_mm512_mask_sqrt_ps((__m512)a, 0xFFFF, (__m512)a);
    else
        return (V)_mm512_mask_sqrt_pd((__m512d)a, 0xFF, (__m512d)a);
#elif DELTARULE_VECTOR_BYTES == 32
    if constexpr (sizeof(Element<V>) == 4)
        return (V)_mm256_sqrt_ps((__m256)a);
    else
        return (V)_mm256_sqrt_pd((__m256d)a);
#else
    for (int i = 0; i < lanes<Element<V>>; ++i) {
        if constexpr (sizeof(Element<V>) == 4)
            a[i] = __builtin_sqrtf(a[i]);
        else
            a[i] = __builtin_sqrt(a[i]);
    }
    return a;
#endif
}

template <class V>
DELTARULE_INLINE auto bits(V a) {
    return (Ints<Element<V>>)a;
}

template <class V>
DELTARULE_INLINE V abs(V a) {
    return (V)(bits(a) & ~Traits<Element<V>>::sign);
}

template <class V>
DELTARULE_INLINE V copy_sign(V magnitude, V sign) {
    constexpr auto bit = Traits<Element<V>>::sign;
    return (V)((bits(magnitude) & ~bit) | (bits(sign) & bit));
}

// A NaN in `a` stays; a NaN in `b` is not seen: put the variable first.
template <class V>
DELTARULE_INLINE V min(V a, V b) {
    return b < a ? b : a;
}
template <class V>
DELTARULE_INLINE V max(V a, V b) {
    return b > a ? b : a;
}

// `result` where x is a number, x itself where it is NaN.
template <class V>
DELTARULE_INLINE V unless_nan(V x, V result) {
    return x == x ? result : x;
}

// The rounding error of the product p = a*b, exactly, for |a|, |b|, |p| clear of over- and
// underflow.
template <class V>
DELTARULE_INLINE V product_error(V a, V b, V p) {
#if DELTARULE_VECTOR_BYTES > 16
    return madd(a, b, -p);
#else
    constexpr auto upper = Traits<Element<V>>::upper_half;
    const V ah = (V)(bits(a) & upper), bh = (V)(bits(b) & upper), al = a - ah, bl = b - bh;
    return ((ah * bh - p) + ah * bl + al * bh) + al * bl;  // ah*bh is exact
#endif
}

// a - b modulo 2^32 or 2^64: lanes whose result is thrown away may hold anything, and signed lanes
// must not overflow.
template <class I>
DELTARULE_INLINE I wrapping_difference(I a, I b) {
    if constexpr (sizeof(a[0]) == 4) {
        typedef std::uint32_t Unsigned __attribute__((vector_size(DELTARULE_VECTOR_BYTES)));
        return (I)((Unsigned)a - (Unsigned)b);
    } else {
        typedef std::uint64_t Unsigned __attribute__((vector_size(DELTARULE_VECTOR_BYTES)));
        return (I)((Unsigned)a - (Unsigned)b);
    }
}

// The nearest integer, as a number and as integer lanes; |x| < 2^21 (float), 2^50 (double).
template <class V>
struct Rounded {
    V value;
    Ints<Element<V>> integer;
};
template <class V>
DELTARULE_INLINE Rounded<V> round(V x) {
    const V magic = splat(Traits<Element<V>>::magic), shifted = x + magic;
    return {shifted - magic, wrapping_difference(bits(shifted), bits(magic))};
}

// Integer lanes as numbers, over the same range as `round`.
template <class T>
DELTARULE_INLINE Vec<T> to_real(Ints<T> k) {
    const Vec<T> magic = splat(Traits<T>::magic);
    return (Vec<T>)(k + bits(magic)) - magic;
}

// 2^k for exponents of normal numbers.
template <class T>
DELTARULE_INLINE Vec<T> power_of_two(Ints<T> k) {
    return (Vec<T>)((k + Traits<T>::bias) << Traits<T>::mantissa_bits);
}

// Lane i gets lane i ^ distance.
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define DELTARULE_SHUFFLEVECTOR 1
#endif
#endif
template <int distance, class V>
DELTARULE_INLINE V exchanged(V v) {
#ifdef DELTARULE_SHUFFLEVECTOR
    return [&]<int... i>(std::integer_sequence<int, i...>) {
        return __builtin_shufflevector(v, v, (i ^ distance)...);
    }(std::make_integer_sequence<int, lanes<Element<V>>>());
#else
    Ints<Element<V>> from{};
    for (int i = 0; i < lanes<Element<V>>; ++i) from[i] = i ^ distance;
    return __builtin_shuffle(v, from);
#endif
}

// f over the lanes, halves first, in every lane: one order for every instruction set of this width.
template <int distance, class V, class F>
DELTARULE_INLINE V fold(V v, F f) {
    const V u = f(v, exchanged<distance>(v));
    if constexpr (distance > 1)
        return fold<distance / 2>(u, f);
    else
        return u;
}
template <class V>
DELTARULE_INLINE Element<V> sum(V v) {
    return fold<lanes<Element<V>> / 2>(v, [](V a, V b) { return a + b; })[0];
}
template <class V>
DELTARULE_INLINE Element<V> maximum(V v) {
    return fold<lanes<Element<V>> / 2>(v, [](V a, V b) { return b > a ? b : a; })[0];
}

// The lanes as doubles, in order.
DELTARULE_INLINE void widen(Vec<float> v, Vec<double> (&half)[2]) {
    typedef double Both __attribute__((vector_size(2 * DELTARULE_VECTOR_BYTES)));
    const Both both = __builtin_convertvector(v, Both);
    __builtin_memcpy(half, &both, sizeof both);
}

// The lanes of a mask as bits.
template <class T>
DELTARULE_INLINE unsigned mask_bits(Ints<T> mask) {
#if DELTARULE_VECTOR_BYTES == 64
    if constexpr (sizeof(T) == 4)
        return _mm512_movepi32_mask((__m512i)mask);
    else
        return _mm512_movepi64_mask((__m512i)mask);
#elif DELTARULE_VECTOR_BYTES == 32
    if constexpr (sizeof(T) == 4)
        return unsigned(_mm256_movemask_ps((__m256)mask));
    else
        return unsigned(_mm256_movemask_pd((__m256d)mask));
#elif defined(__x86_64__)
    if constexpr (sizeof(T) == 4)
        return unsigned(_mm_movemask_ps((__m128)mask));
    else
        return unsigned(_mm_movemask_pd((__m128d)mask));
#else
    unsigned set = 0;
    for (int i = 0; i < lanes<T>; ++i) set |= unsigned(mask[i] & 1) << i;
    return set;
#endif
}

// In how many lanes a and b differ; a NaN differs.
template <class V>
DELTARULE_INLINE int count_different(V a, V b) {
#if DELTARULE_VECTOR_BYTES == 64
    if constexpr (sizeof(Element<V>) == 4)
        return __builtin_popcount(_mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_NEQ_UQ));
    else
        return __builtin_popcount(_mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_NEQ_UQ));
#elif DELTARULE_VECTOR_BYTES == 32
    return __builtin_popcount(mask_bits<Element<V>>(a != b));
#else
    return int(0x4332322132212110u >> (4 * mask_bits<Element<V>>(a != b)) & 15);  // of four bits
#endif
}

// The kernels compute both sides of a selection, which raises flags no caller caused.
DELTARULE_INLINE void clear_floating_point_flags() {
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() & ~0x3Fu);
#endif
}

}  // namespace deltarule::DELTARULE_ISA
