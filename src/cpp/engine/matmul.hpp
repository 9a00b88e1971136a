// The only door to matrix products.
//
// All matrices are row-major and dense: C (m x n) = op(A) (m x k) op(B) (k x n).  The products come
// from the BLAS that SciPy ships, through function pointers handed in by the caller, so that
// nothing is linked against it.
#pragma once

#include <climits>
#include <stdexcept>

#include "arena.hpp"

namespace deltarule::engine {

template <class T>
using Gemm = void (*)(char* trans_a, char* trans_b, int* m, int* n, int* k, T* alpha, T* a,
                      int* lda, T* b, int* ldb, T* beta, T* c, int* ldc);

struct Blas {
    Gemm<float> sgemm = nullptr;
    Gemm<double> dgemm = nullptr;

    template <class T>
    Gemm<T> gemm() const {
        if constexpr (sizeof(T) == 4)
            return sgemm;
        else
            return dgemm;
    }
};

enum class Op : char { none = 'N', transpose = 'T' };

inline int blas_size(Index n) {
    if (n > INT_MAX) throw std::length_error("A matrix has more than 2^31 - 1 rows or columns.");
    return static_cast<int>(n);
}

// Row-major C = op(A) op(B) is column-major C^T = op(B)^T op(A)^T, which BLAS computes as it
// stands.
template <class T>
void matmul(const Blas& blas, Op op_a, Op op_b, Index m, Index n, Index k, const T* a, const T* b,
            T* c) {
    char ta = static_cast<char>(op_a), tb = static_cast<char>(op_b);
    int rows = blas_size(m), cols = blas_size(n), inner = blas_size(k);
    int lda = op_a == Op::none ? inner : rows, ldb = op_b == Op::none ? cols : inner, ldc = cols;
    T one = 1, zero = 0;
    blas.gemm<T>()(&tb, &ta, &cols, &rows, &inner, &one, const_cast<T*>(b), &ldb, const_cast<T*>(a),
                   &lda, &zero, c, &ldc);
}

}  // namespace deltarule::engine
