// Means and variances of columns and of rows, and what follows from them, as the engine sees them;
// moments.cpp computes them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace deltarule::kernels {

// What numbers are like.  Sums are of doubles: squares of small slopes vanish in float.
struct Likeness {
    double sum, squares, largest;  // the largest size of a finite one
    std::ptrdiff_t zeros, not_finite;
};

// Letters: R rows of C columns, dense.  `w` holds a weight per row, or is null: all 1.
template <class T>
struct MomentLoops {
    using Index = std::ptrdiff_t;

    // mean (C) and the sum of w (x - mean)^2 (C) of every column, in two passes; the sum of w.
    double (*columns)(Index rows, Index cols, const T* x, const T* w, T* mean, T* squares);
    // Two such (weights a and b) as one: mean and squares become those of both.
    void (*merge)(Index cols, double a, T* mean, T* squares, double b, const T* other_mean,
                  const T* other_squares);
    // y = (x - mean) factor + shift, column by column.
    void (*standardise)(Index rows, Index cols, const T* x, const T* mean, const T* factor,
                        const T* shift, T* y);
    // s (C) += sum of dy,  t (C) += sum of dy (x - mean) inverse.
    void (*project)(Index rows, Index cols, const T* x, const T* dy, const T* mean,
                    const T* inverse, T* s, T* t);
    // dx = factor (dy - p (s + (x - mean) inverse t)) where p is `share` times the weight of the
    // row.
    void (*pull_back)(Index rows, Index cols, const T* x, const T* dy, const T* mean,
                      const T* inverse, const T* factor, const T* s, const T* t, const T* w,
                      T share, T* dx);

    // y = (x - m) / sqrt(mean of (x - m)^2 + epsilon) gamma + beta for every row; m is the mean of
    // the row, or 0 where not `centred`; beta may be null.  `kept` (R x 2) gets m and the inverse.
    void (*rows)(Index rows, Index cols, const T* x, bool centred, T epsilon, const T* gamma,
                 const T* beta, T* y, T* kept);
    void (*rows_back)(Index rows, Index cols, const T* x, const T* dy, bool centred, const T* gamma,
                      const T* kept, T* dx);
    // Of columns start ... start + count - 1: dgamma = sum of dy (x - m) inverse, dbeta = sum of
    // dy.
    void (*rows_gradient)(Index rows, Index cols, Index start, Index count, const T* x, const T* dy,
                          const T* kept, T* dgamma, T* dbeta);

    Likeness (*likeness)(Index n, const T* x);
    // counts (C) += in how many rows low < x < high.
    void (*count_within)(Index rows, Index cols, const T* x, T low, T high, std::uint32_t* counts);
};

struct Moments {
    MomentLoops<float> float32;
    MomentLoops<double> float64;
};

}  // namespace deltarule::kernels
