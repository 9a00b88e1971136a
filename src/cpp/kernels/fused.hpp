// Products and sums whose terms may cancel, lines made of them, and other small parts of several
// families.
#pragma once

#include "vmath.hpp"

namespace deltarule::DELTARULE_ISA {

// A constant of each dtype.
template <class V>
DELTARULE_INLINE V by_dtype(double in_float32, double in_float64) {
    return number<V>(sizeof(Element<V>) == 4 ? in_float32 : in_float64);
}

// a b + c with the digits that are left where the two cancel: `madd` that is as good without fused
// operations.
template <class V>
DELTARULE_INLINE V fused(V a, V b, V c) {
#if DELTARULE_VECTOR_BYTES > 16
    return madd(a, b, c);
#else
    const DoubleWord<V> p = exact_product(a, b), s = exact_sum(p.high, c);
    const V sum = s.high + (s.low + p.low);
    return sum == sum ? sum : s.high;  // overflow
#endif
}

// factor x, and 0 for a factor of 0 at the infinities too.
template <class V>
DELTARULE_INLINE V proportional(V x, V factor) {
    return factor == V{} ? unless_nan(x, V{}) : factor * x;
}

// factor x + offset, the same.
template <class V>
DELTARULE_INLINE V line(V x, V factor, V offset) {
    return factor == V{} ? unless_nan(x, offset) : fused(factor, x, offset);
}

}  // namespace deltarule::DELTARULE_ISA
