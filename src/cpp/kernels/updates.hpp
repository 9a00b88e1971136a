// What an optimizer does to one parameter w with gradient g, on vectors.
//
// The state lives with the engine; `a` holds the constants of the step, the same for every lane.
#pragma once

#include "simd.hpp"

namespace deltarule::DELTARULE_ISA {

// Velocity v = momentum v - rate g; w += v, or with Nesterov's look-ahead w += momentum v - rate g.
// a = rate, momentum, 1 for Nesterov else 0.  Source: Sutskever et al. 2013.
struct MomentumStep {
    static constexpr int states = 1;
    template <class V>
    static void apply(V& w, V g, V& v, V&, const V* a) {
        const V pull = a[0] * g;
        v = a[1] * v - pull;
        w += a[2] == V{} ? v : a[1] * v - pull;
    }
};

// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= rate m / (sqrt(v) + epsilon).
// a = rate with both bias corrections, b1, b2, epsilon.  Source: Kingma and Ba 2015, section 2.
struct AdamStep {
    static constexpr int states = 2;
    template <class V>
    static void apply(V& w, V g, V& m, V& v, const V* a) {
        const V unit = splat(Element<V>(1));
        m = madd(a[1], m, (unit - a[1]) * g);
        v = madd(a[2], v, (unit - a[2]) * g * g);
        w -= a[0] * m / (sqrt(v) + a[3]);
    }
};

}  // namespace deltarule::DELTARULE_ISA
