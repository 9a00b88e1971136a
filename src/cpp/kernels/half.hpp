// Half a register of the widest instruction set; beside simd.hpp the only header that knows
// registers.
#pragma once

#include "simd.hpp"

#if DELTARULE_VECTOR_BYTES == 64
namespace deltarule::DELTARULE_ISA {

// Where few columns are left, some processors do two of them at once.
template <class T>
struct Half;
template <>
struct Half<float> {
    using V = __m256;
    static constexpr int width = 8;
    DELTARULE_INLINE static V read(const float* p) { return _mm256_loadu_ps(p); }
    DELTARULE_INLINE static V read(const float* p, std::ptrdiff_t n) {
        return _mm256_maskz_loadu_ps(__mmask8((1u << n) - 1u), p);
    }
    DELTARULE_INLINE static void write(float* p, V v) { _mm256_storeu_ps(p, v); }
    DELTARULE_INLINE static void write(float* p, std::ptrdiff_t n, V v) {
        _mm256_mask_storeu_ps(p, __mmask8((1u << n) - 1u), v);
    }
    DELTARULE_INLINE static V all(float x) { return _mm256_set1_ps(x); }
    DELTARULE_INLINE static V add_product(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
};
template <>
struct Half<double> {
    using V = __m256d;
    static constexpr int width = 4;
    DELTARULE_INLINE static V read(const double* p) { return _mm256_loadu_pd(p); }
    DELTARULE_INLINE static V read(const double* p, std::ptrdiff_t n) {
        return _mm256_maskz_loadu_pd(__mmask8((1u << n) - 1u), p);
    }
    DELTARULE_INLINE static void write(double* p, V v) { _mm256_storeu_pd(p, v); }
    DELTARULE_INLINE static void write(double* p, std::ptrdiff_t n, V v) {
        _mm256_mask_storeu_pd(p, __mmask8((1u << n) - 1u), v);
    }
    DELTARULE_INLINE static V all(double x) { return _mm256_set1_pd(x); }
    DELTARULE_INLINE static V add_product(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
};

}  // namespace deltarule::DELTARULE_ISA
#endif
