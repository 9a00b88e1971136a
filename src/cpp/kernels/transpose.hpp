// Squares of numbers in registers, transposed.
#pragma once

#include "simd.hpp"

#define DELTARULE_UNROLL _Pragma("GCC unroll 32")

namespace deltarule::DELTARULE_ISA {

// Exchanges the off-diagonal quarters of every square of 2 * distance lanes, then of half the size.
template <int distance, class V, int n>
DELTARULE_INLINE void exchange_quarters(V (&row)[n]) {
    Ints<Element<V>> low{}, high{};
    for (int i = 0; i < n; ++i) {
        low[i] = i & distance ? i - distance + n : i;
        high[i] = i & distance ? i + n : i + distance;
    }
    DELTARULE_UNROLL for (int i = 0; i < n; ++i) if (!(i & distance)) {
        const V upper = row[i], lower = row[i + distance];
        row[i] = __builtin_shuffle(upper, lower, low);
        row[i + distance] = __builtin_shuffle(upper, lower, high);
    }
    if constexpr (distance > 1) exchange_quarters<distance / 2>(row);
}

// Row i becomes column i, for as many rows as a vector has lanes.
template <class V, int n>
DELTARULE_INLINE void transpose_square(V (&row)[n]) {
    static_assert(n == lanes<Element<V>>);
    exchange_quarters<n / 2>(row);
}

}  // namespace deltarule::DELTARULE_ISA
