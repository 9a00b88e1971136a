// The element-wise losses: one struct each, in the raw prediction z with its link merged.
//
//   value(z, t, a)   the loss of one element, t its target, a the parameters of the row
//   slope(z, t, a)   its derivative with respect to z
//
// Written on vectors, like the activations.
#pragma once

#include "activations.hpp"

namespace deltarule::DELTARULE_ISA {

struct SquaredError {
    template <class V>
    static V value(V z, V t, const V*) {
        return (z - t) * (z - t);
    }
    template <class V>
    static V slope(V z, V t, const V*) {
        return number<V>(2) * (z - t);
    }
};

struct HalfSquaredError {
    template <class V>
    static V value(V z, V t, const V*) {
        return number<V>(0.5) * (z - t) * (z - t);
    }
    template <class V>
    static V slope(V z, V t, const V*) {
        return z - t;
    }
};

struct AbsoluteError {
    template <class V>
    static V value(V z, V t, const V*) {
        return abs(z - t);
    }
    template <class V>
    static V slope(V z, V t, const V*) {
        const V e = z - t;
        return e > V{} ? number<V>(1) : (e < V{} ? number<V>(-1) : e);
    }
};

struct Huber {
    template <class V>
    static V value(V z, V t, const V* a) {
        const V e = abs(z - t), half = number<V>(0.5);
        return e > a[0] ? a[0] * (e - half * a[0]) : half * e * e;
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        return min(max(z - t, -a[0]), a[0]);
    }
};

// Sigmoid and cross-entropy in one: each term is a softplus or a sigmoid of its own sign, so that
// neither a confident right answer nor its slope is rounded to 0.
// a[0] = pos_weight, a[1] = alpha, where NaN stands for "no class balance".
struct BinaryCrossEntropy {
    template <class V>
    struct Weights {
        V positive, negative;
        Weights(V t, const V* a)
            : positive(t * a[0] * unless_given(a[1])),
              negative((number<V>(1) - t) * unless_given(number<V>(1) - a[1])) {}
        static V unless_given(V alpha) { return alpha == alpha ? alpha : number<V>(1); }
    };
    // weight * term, with 0 where the weight is 0 even if the term is infinite.
    template <class V>
    static V weighted(V weight, V term) {
        return weight == V{} ? unless_nan(term, V{}) : weight * term;
    }
    template <class V>
    static V value(V z, V t, const V* a) {
        const Weights<V> w(t, a);
        const V tail = log1p_of_positive(exp(-abs(z)));
        return weighted(w.negative, max(z, V{}) + tail) + weighted(w.positive, max(-z, V{}) + tail);
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        const Weights<V> w(t, a);
        const Exponential<V> e = exponential(-abs(z));
        const V d = number<V>(1) + e.value(), near = number<V>(1) / d, far = e.value() / d;
        const Ints<Element<V>> above = z > V{};
        return unless_nan(z, w.negative * (above ? near : far) - w.positive * (above ? far : near));
    }
};

}  // namespace deltarule::DELTARULE_ISA
