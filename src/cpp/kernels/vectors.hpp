// Loops over plain vectors, as the engine sees them; vectors.cpp computes them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace deltarule::kernels {

// What optimizers do to a parameter; updates.hpp says it.
enum class Update { momentum, adam, nadam, adagrad, rmsprop, lion, count };
inline constexpr int update_constants = 5;

template <class T>
struct VectorLoops {
    using Index = std::ptrdiff_t;

    void (*scale)(Index n, T* x, T factor);
    double (*sum)(Index n, const T* x);
    double (*sum_of_squares)(Index n, const T* x);
    void (*add)(Index n, T* y, const T* x);                    // y += x
    void (*multiply)(Index n, const T* x, const T* m, T* y);   // y = x m
    void (*approach)(Index n, T* y, const T* x, T share);      // y += share (x - y)
    void (*clamp)(Index n, T* x, T bound);                     // to [-bound, bound]; NaN stays
    void (*add_squares)(Index n, T* sums, const T* x);         // sums += x^2
    double (*add_decay)(Index n, T* g, const T* w, T factor);  // g += factor w; sum of w^2
    double (*add_signs)(Index n, T* g, const T* w, T factor);  // g += factor sign(w); sum of |w|
    void (*maximum)(Index n, T* y, const T* x);                // y = max(y, x); NaN stays
    // What is left of dy goes to where x is the maximum y, and is no longer left.
    void (*give_to_maximum)(Index n, const T* x, const T* y, T* left, T* dx);
    // One step of n parameters w by each Update; s1 and s2 are its state, s2 where it has two.
    void (*update[int(Update::count)])(Index n, T* w, const T* g, T* s1, T* s2, const T* a);
    // Of numbers that (key, stream, place, place + 1 ...) determine: `kept` with the probability
    // 1 - rate to 16 bits, else 0.
    void (*draw_kept)(Index n, std::uint64_t key, std::uint64_t stream, std::uint64_t place,
                      double rate, T kept, T* out);
};

}  // namespace deltarule::kernels
