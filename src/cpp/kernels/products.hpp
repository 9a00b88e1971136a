// Matrix products and transposes as the engine sees them; products.cpp computes them.
#pragma once

#include <cstddef>

namespace deltarule::kernels {

// An m x k matrix of which element (i, l) is at[i * row + l * column].
template <class T>
struct Factor {
    const T* at;
    std::ptrdiff_t row, column;
};

template <class T>
struct ProductLoops {
    // C (m x n, rows c_row apart) = A (m x k) B (k x n, rows b_row apart), plus `base` where it is
    // not null (rows base_row apart; 0: one row added to each).
    //
    // Element (i, j) is the chain  s = fma(a_il, b_lj, s)  over l in ascending order, begun anew
    // every 256 terms, the parts added up in order: nothing else of A, B or the sizes has a say, so
    // a row of C is the same bits in any batch and on any thread.  (Without fused operations each
    // step rounds twice.)
    void (*multiply)(std::ptrdiff_t m, std::ptrdiff_t n, std::ptrdiff_t k, Factor<T> a, const T* b,
                     std::ptrdiff_t b_row, const T* base, std::ptrdiff_t base_row, T* c,
                     std::ptrdiff_t c_row);
    // C (m x n) = A (m x k) B^T for B (n x k); the rows of all three are dense.
    //
    // Element (i, j) is the sum of a_il b_jl over l: one chain per lane of a vector, the lanes
    // added up halves first.
    void (*dots)(std::ptrdiff_t m, std::ptrdiff_t n, std::ptrdiff_t k, const T* a, const T* b,
                 T* c);
    // to (cols x rows, rows to_row apart) = from (rows x cols, rows from_row apart) transposed.
    void (*transpose)(std::ptrdiff_t rows, std::ptrdiff_t cols, const T* from,
                      std::ptrdiff_t from_row, T* to, std::ptrdiff_t to_row);
};

struct Products {
    ProductLoops<float> float32;
    ProductLoops<double> float64;
};

}  // namespace deltarule::kernels
