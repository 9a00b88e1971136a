// The arithmetic of recurrent cells between their matrix products, as the engine sees it;
// cells.cpp computes it.
//
// One row and one time step; H units.  A gate s = 1/(1 + e^-z) is kept as the number that keeps the
// digits of both s and 1 - s: s where z < 0, else s - 1; a tanh is kept with its slope, which
// 1 - tanh^2 would lose.
#pragma once

#include <cstddef>

namespace deltarule::kernels {

template <class T>
struct CellLoops {
    using Index = std::ptrdiff_t;

    // z (4H: input, forget, candidate, output) becomes what is kept of the gates; c from c_before,
    // h; `kept` (3H): the candidate's slope, tanh(c), its slope.
    void (*lstm)(Index units, T* z, const T* c_before, T* c, T* h, T* kept);
    // From dh and dc, the slopes of h and c: dz takes the place of the gates (4H), dc becomes the
    // slope of c_before.
    void (*lstm_back)(Index units, T* gates, const T* c_before, const T* kept, const T* dh, T* dc);

    // z (3H: reset, update, candidate without its recurrent part), u (H: that part, h_before R + b)
    // become what is kept; h = update h_before + (1 - update) tanh(z + reset u);
    // `kept` (2H): u, the slope of the tanh.
    void (*gru)(Index units, T* z, const T* u, const T* h_before, T* h, T* kept);
    // From dh: dz in the place of the gates (3H), du (H), and the part of the slope of h_before
    // that needs no product, which dh becomes.
    void (*gru_back)(Index units, T* gates, const T* h_before, const T* kept, T* dh, T* du);
};

struct Cells {
    CellLoops<float> float32;
    CellLoops<double> float64;
};

}  // namespace deltarule::kernels
