// Squares of numbers in registers, transposed.
#pragma once

#include "simd.hpp"

#define DELTARULE_UNROLL _Pragma("GCC unroll 32")

namespace deltarule::DELTARULE_ISA {

// Lanes of a where `distance` is not in their number, lanes of b, moved up by it, where it is; and
// what is left of both.
template <int distance, class V>
struct Exchanged {
    V upper, lower;
    DELTARULE_INLINE Exchanged(V a, V b) {
#ifdef DELTARULE_SHUFFLEVECTOR
        [&]<int... i>(std::integer_sequence<int, i...>) {
            constexpr int n = sizeof...(i);
            upper = __builtin_shufflevector(a, b, (i & distance ? i - distance + n : i)...);
            lower = __builtin_shufflevector(a, b, (i & distance ? i + n : i + distance)...);
        }(std::make_integer_sequence<int, lanes<Element<V>>>());
#else
        constexpr int n = lanes<Element<V>>;
        Ints<Element<V>> first_of{}, rest_of{};
        for (int i = 0; i < n; ++i) {
            first_of[i] = i & distance ? i - distance + n : i;
            rest_of[i] = i & distance ? i + n : i + distance;
        }
        upper = __builtin_shuffle(a, b, first_of);
        lower = __builtin_shuffle(a, b, rest_of);
#endif
    }
};

// Exchanges the off-diagonal quarters of every square of 2 * distance lanes, then of half the size.
template <int distance, class V, int n>
DELTARULE_INLINE void exchange_quarters(V (&row)[n]) {
    DELTARULE_UNROLL for (int i = 0; i < n; ++i) if (!(i & distance)) {
        const Exchanged<distance, V> both(row[i], row[i + distance]);
        row[i] = both.upper;
        row[i + distance] = both.lower;
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
