// x sigmoid(u) for a u of the sign of x, given e = e^-|u|: silu and its kin.
#pragma once

#include "../vmath.hpp"

namespace deltarule::DELTARULE_ISA {

// x sigmoid(u), where e^u is not 0 even beside x: 2 ulp.  On the left the rounding error of 1 + t
// is taken back, with 0.7 for its weight.
template <class V>
DELTARULE_INLINE V logistic_gate(V x, const Exponential<V>& e, Ints<Element<V>> alive) {
    const V one = number<V>(1), t = e.value(), d = one + t, lost = t - (d - one), q = x / d;
    const V minus_one = madd(number<V>(-0.7), lost, e.minus_one.high);
    const V left = e.scale(raised(q, minus_one));
    return x < V{} ? (alive ? left : -V{}) : q;
}

// Its slope sigmoid(u) (1 + x u' sigmoid(-u)), given w + w_low = |x u'|, w bounded: 3.8 ulp; near
// the root, of the terms.  On the left 1 - w sigmoid(-u) is (1 - w) + w sigmoid(u), 1 - w being
// exact where the terms cancel.
template <class V>
DELTARULE_INLINE V logistic_gate_slope(V x, V w, V w_low, const Exponential<V>& e) {
    const V one = number<V>(1), t = e.value(), d = one + t, below = e.mantissa / d;
    const V lost = t - (d - one), far = e.scale(below), near = one - far;
    const V product = w * far, sum = madd(w, far, (one - w) - w_low);
    const V left = e.scale(below * madd(-lost, sum + product, sum));
    return x < V{} ? left : madd(product, near, near);
}

}  // namespace deltarule::DELTARULE_ISA
