// Walks along numbers a vector at a time, the last one perhaps partial.
#pragma once

#include "simd.hpp"

namespace deltarule::DELTARULE_ISA {

// The first n lanes, all of them where n is their number.
template <class T>
DELTARULE_INLINE Vec<T> get(const T* p, std::ptrdiff_t n) {
    return n == lanes<T> ? load(p) : load(p, n, Vec<T>{});
}
template <class T>
DELTARULE_INLINE void put(T* p, std::ptrdiff_t n, Vec<T> v) {
    n == lanes<T> ? store(p, v) : store(p, n, v);
}

// f(column, lanes that exist) for every vector of columns.
template <class T, class F>
DELTARULE_INLINE void for_columns(std::ptrdiff_t cols, F f) {
    std::ptrdiff_t j = 0;
    for (; j + lanes<T> <= cols; j += lanes<T>) f(j, std::ptrdiff_t{lanes<T>});
    if (j < cols) f(j, cols - j);
}

}  // namespace deltarule::DELTARULE_ISA
