// What an optimizer does to one parameter w with gradient g, on vectors.
//
// The state lives with the engine; `a` holds the constants of the step, the same for every lane:
// a[0] = rate, a[3] = epsilon, the others as each step says.
#pragma once

#include "simd.hpp"

namespace deltarule::DELTARULE_ISA {

// Velocity v = momentum v - rate g; w += v, or with Nesterov's look-ahead w += momentum v - rate g.
// a[1], a[2] = momentum, 1 for Nesterov else 0.  Source: Sutskever et al. 2013.
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
// a[1], a[2] = b1, b2; the rate has both bias corrections.  Source: Kingma and Ba 2015, section 2.
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

// Adam with Nesterov's look-ahead: w -= (rate g + a[4] m) / (sqrt(v) + epsilon), m and v as above.
// a[1], a[2], a[4] = b1, b2, rate of the moment.  Source: Dozat 2016.
struct NadamStep {
    static constexpr int states = 2;
    template <class V>
    static void apply(V& w, V g, V& m, V& v, const V* a) {
        const V unit = splat(Element<V>(1));
        m = madd(a[1], m, (unit - a[1]) * g);
        v = madd(a[2], v, (unit - a[2]) * g * g);
        w -= madd(a[0], g, a[4] * m) / (sqrt(v) + a[3]);
    }
};

// v += g^2, w -= rate g / (sqrt(v) + epsilon).  Source: Duchi, Hazan and Singer 2011.
struct AdagradStep {
    static constexpr int states = 1;
    template <class V>
    static void apply(V& w, V g, V& v, V&, const V* a) {
        v = madd(g, g, v);
        w -= a[0] * g / (sqrt(v) + a[3]);
    }
};

// v = rho v + (1 - rho) g^2, w -= rate g / (sqrt(v) + epsilon).
// a[1] = rho.  Source: Tieleman and Hinton 2012, lecture 6.5.
struct RmspropStep {
    static constexpr int states = 1;
    template <class V>
    static void apply(V& w, V g, V& v, V&, const V* a) {
        const V unit = splat(Element<V>(1));
        v = madd(a[1], v, (unit - a[1]) * g * g);
        w -= a[0] * g / (sqrt(v) + a[3]);
    }
};

// w -= rate sign(b1 m + (1 - b1) g), then m = b2 m + (1 - b2) g.
// a[1], a[2] = b1, b2.  Source: Chen et al. 2023.
struct LionStep {
    static constexpr int states = 1;
    template <class V>
    static void apply(V& w, V g, V& m, V&, const V* a) {
        const V unit = splat(Element<V>(1));
        const V c = madd(a[1], m, (unit - a[1]) * g);
        w -= c == V{} || c != c ? c : a[0] * copy_sign(unit, c);
        m = madd(a[2], m, (unit - a[2]) * g);
    }
};

}  // namespace deltarule::DELTARULE_ISA
