// Sums of many numbers.
#pragma once

#include "simd.hpp"

namespace deltarule::DELTARULE_ISA {

// Adds vectors in blocks of 32, so that the rounding error grows with K/(32 lanes), not with K.
template <class V>
struct Accumulator {
    V total{}, block{};
    int count = 0;
    DELTARULE_INLINE void add(V v) {
        block += v;
        if (++count == 32) {
            total += block;
            block = V{};
            count = 0;
        }
    }
    DELTARULE_INLINE Element<V> sum() const { return deltarule::DELTARULE_ISA::sum(total + block); }
};

// The same with totals in double: for sums over a whole batch.
template <class T>
struct WideAccumulator {
    double total[lanes<T>] = {};
    Vec<T> block{};
    int count = 0;
    DELTARULE_INLINE void add(Vec<T> v) {
        block += v;
        if (++count == 16) flush();
    }
    DELTARULE_INLINE void flush() {
        for (int i = 0; i < lanes<T>; ++i) total[i] += double(block[i]);
        block = Vec<T>{};
        count = 0;
    }
    DELTARULE_INLINE double sum() {
        flush();
        for (int half = lanes<T> / 2; half > 0; half /= 2)
            for (int i = 0; i < half; ++i) total[i] += total[i + half];
        return total[0];
    }
};

}  // namespace deltarule::DELTARULE_ISA
