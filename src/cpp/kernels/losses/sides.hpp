// What the losses of two classes share: the weights of the two classes, and e^-|z| of a logit z.
#pragma once

#include "residual.hpp"

namespace deltarule::DELTARULE_ISA {

// The weights of the terms for class 1 and class 0: t and 1 - t, smoothed, balanced by alpha and
// 1 - alpha unless that is NaN.  Smoothing takes t to (1 - s) t + s/2 = t - s (t - 1/2).
template <class V>
struct Sides {
    DoubleWord<V> positive, negative;
    explicit Sides(V t) : positive(word(t)), negative(exact_sum(number<V>(1), -t)) {}
    Sides(V t, V alpha, V smoothing) {
        const V one = number<V>(1);
        const DoubleWord<V> shift = product(word(-smoothing), exact_sum(t, number<V>(-0.5)));
        const Ints<Element<V>> balanced = alpha == alpha;
        positive = sum(shift, t);
        negative = sum(-positive, one);
        positive = product(positive, word(balanced ? alpha : one));
        negative = product(negative, exact_sum(one, balanced ? -alpha : V{}));
    }
    DoubleWord<V> total() const { return sum(negative, positive); }
    // The weighted sum of two terms >= 0, one per class; they may be infinite.
    V sum_of(V of_positive, V of_negative) const {
        return term(positive, of_positive) + term(negative, of_negative);
    }
    V sum_of(DoubleWord<V> of_positive, DoubleWord<V> of_negative) const {
        return sum(term(positive, of_positive), term(negative, of_negative)).high;
    }
    // The weighted difference, class 0 less class 1.
    V difference_of(DoubleWord<V> of_positive, DoubleWord<V> of_negative) const {
        return sum(product(negative, of_negative), product(-positive, of_positive)).high;
    }

private:
    static DoubleWord<V> term(DoubleWord<V> weight, DoubleWord<V> x) {
        const DoubleWord<V> p = product(weight, x);
        const Ints<Element<V>> none = weight.high == V{};
        return {none ? unless_nan(x.high, V{}) : p.high, none ? V{} : settled(p.low)};
    }
    static V term(DoubleWord<V> weight, V x) {
        return weighted(weight.high, x) + settled(weight.low * x);
    }
};

// t = e^-|z| and d = 1 + t, of which sigmoid(|z|) is 1/d and sigmoid(-|z|) is t/d.
template <class V>
struct Decay {
    Exponential<V> e;
    DoubleWord<V> t, d;
    explicit Decay(V z) : e(exponential(-abs(z))), t{e.value(), e.scale(e.low)} {
        d = sum_of_ordered(number<V>(1), t.high);
        d.low += t.low;
    }
    // e^-|z| before its scale
    DoubleWord<V> unscaled() const { return {e.mantissa, e.low}; }
    // (near + far t) / d
    DoubleWord<V> mean(DoubleWord<V> near, DoubleWord<V> far) const {
        return quotient(sum(near, product(far, t)), d);
    }
    // The same; no digit is lost where `near` is 0 and t too small to have all of its own.
    V lone_mean(DoubleWord<V> near, DoubleWord<V> far) const {
        const Ints<Element<V>> alone = near.high == V{};
        const DoubleWord<V> lone = product(far, unscaled()), both = sum(near, product(far, t));
        const V q = rounded_quotient(select(alone, lone, both), d);
        return alone ? e.scale(q) : q;
    }
};

}  // namespace deltarule::DELTARULE_ISA
