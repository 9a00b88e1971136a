// Losses that weigh the two sides of a real target t differently, or that forgive small distances.
#include "residual.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// The weight of the residual's side: q below the target, 1 - q above.
template <class V>
V side(V e, V q) {
    return e > V{} ? number<V>(1) - q : q;
}

// a[0] = q
struct Pinball {
    template <class V>
    static V value(DoubleWord<V> e, const V* a) {
        return side(e.high, a[0]) * abs(e.high);
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V* a) {
        return side(e.high, a[0]) * sign(e.high);
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V*) {
        return unless_nan(e.high, V{});
    }
};

// a[0] = q
struct Expectile {
    template <class V>
    static V value(DoubleWord<V> e, const V* a) {
        const V w = side(e.high, a[0]) * e.high;
        return madd(w, e.high, settled((w + w) * e.low));
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V* a) {
        return number<V>(2) * side(e.high, a[0]) * e.high;
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V* a) {
        return unless_nan(e.high, number<V>(2) * side(e.high, a[0]));
    }
};

// What |e| exceeds epsilon by, or 0.
template <class V>
DoubleWord<V> excess(DoubleWord<V> e, V epsilon) {
    const DoubleWord<V> d = sum(abs(e), -epsilon);
    return {max(d.high, V{}), d.low};
}

// a[0] = epsilon
struct EpsilonInsensitive {
    template <class V>
    static V value(DoubleWord<V> e, const V* a) {
        return excess(e, a[0]).high;
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V* a) {
        return unless_nan(e.high, excess(e, a[0]).high > V{} ? sign(e.high) : V{});
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V*) {
        return unless_nan(e.high, V{});
    }
};

// a[0] = epsilon
struct SquaredEpsilonInsensitive {
    template <class V>
    static V value(DoubleWord<V> e, const V* a) {
        const DoubleWord<V> r = excess(e, a[0]);
        return r.high == V{} ? V{} : square(r);
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V* a) {
        return copy_sign(number<V>(2) * excess(e, a[0]).high, e.high);
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V* a) {
        return unless_nan(e.high, excess(e, a[0]).high > V{} ? number<V>(2) : V{});
    }
};

constexpr kernels::LossRow rows[] = {
    elementwise_loss<OfResidual<Pinball>>(
        LossFacts{.name = "pinball",
                  .formula = "(q if z <= t else 1 - q) * abs(z - t)",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "Koenker and Bassett 1978; slope 0 at z = t",
                  .gradient = "(q if z <= t else 1 - q) * sign(z - t)",
                  .second_derivative = "0",
                  .parameters = {{"q", 0.5, Domain::unit_interval}},
                  .aliases = {"quantile", "tilted", "check"},
                  .kink = "z = t"}),
    elementwise_loss<OfResidual<Expectile>>(
        LossFacts{.name = "expectile",
                  .formula = "(q if z <= t else 1 - q) * (z - t)**2",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "Newey and Powell 1987",
                  .gradient = "2 * (q if z <= t else 1 - q) * (z - t)",
                  .second_derivative = "2 * (q if z <= t else 1 - q)",
                  .parameters = {{"q", 0.5, Domain::unit_interval}}}),
    elementwise_loss<OfResidual<EpsilonInsensitive>>(
        LossFacts{.name = "epsilon_insensitive",
                  .formula = "max(0, abs(z - t) - epsilon)",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "Vapnik 1995; slope 0 at the kinks",
                  .gradient = "sign(z - t) if abs(z - t) > epsilon else 0",
                  .second_derivative = "0",
                  .parameters = {{"epsilon", 0.1, Domain::non_negative}},
                  .kink = "abs(z - t) = epsilon"}),
    elementwise_loss<OfResidual<SquaredEpsilonInsensitive>>(
        LossFacts{.name = "squared_epsilon_insensitive",
                  .formula = "max(0, abs(z - t) - epsilon)**2",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "Vapnik 1995; squared: Ho and Lin 2012",
                  .gradient = "2 * sign(z - t) * max(0, abs(z - t) - epsilon)",
                  .second_derivative = "2 if abs(z - t) > epsilon else 0",
                  .parameters = {{"epsilon", 0.1, Domain::non_negative}}}),
};

}  // namespace

kernels::Rows<kernels::LossRow> quantile() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
