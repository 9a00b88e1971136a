// Waves of single numbers and what is made of them, as the engine sees it; waves.cpp computes it.
//
// Every number x of C columns, at N positions, by itself, with F frequencies and U units:
//
//   h = cos(2 pi x w + b)  (F),   z = h V + c  (U),   y = x, z  (1 + U, columns side by side)
//
// The cosines and sines are kept for the way back by blocks of `waves_together` positions, the last
// one perhaps shorter: n of it are a matrix (C, 2 F, n), the cosines of a column before its sines.
#pragma once

#include <cstddef>

namespace deltarule::kernels {

inline constexpr std::ptrdiff_t waves_together = 16;

struct WaveShape {
    std::ptrdiff_t positions, columns, frequencies, units;
};

template <class T>
struct WaveWeights {
    const T* frequency;  // w (C, F)
    const T* phase;      // b (C, F)
    const T* weight;     // V (C, F, U)
    const T* bias;       // c (C, U)
};

template <class T>
struct WaveLoops {
    using Index = std::ptrdiff_t;

    // `scratch`: C F + U waves_together numbers.
    void (*forward)(const WaveShape& shape, const WaveWeights<T>& of, const T* x, T* y, T* kept,
                    T* scratch);
    // `scratch`: U waves_together numbers.
    void (*backward)(const WaveShape& shape, const WaveWeights<T>& of, const T* kept, const T* dy,
                     T* dx, T* scratch);
    // Of columns first ... first + count - 1: dw, db, dV, dc, one after another.
    // `scratch`: (F (2 + U) + 2 U) waves_together numbers.
    void (*gradient)(const WaveShape& shape, const WaveWeights<T>& of, Index first, Index count,
                     const T* x, const T* kept, const T* dy, T* gradient, T* scratch);
};

struct Waves {
    WaveLoops<float> float32;
    WaveLoops<double> float64;
};

}  // namespace deltarule::kernels
