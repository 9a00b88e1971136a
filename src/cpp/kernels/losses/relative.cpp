// Losses of the relative distance of a prediction z from a target t.
#include "residual.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// a[0] = eps
struct Mape {
    template <class V>
    static V value(V z, V t, const V* a) {
        const DoubleWord<V> e = abs(residual(z, t));
        // A power of two goes with the factor 100 where that overflows or what it loses underflows.
        constexpr double little = sizeof(Element<V>) == 4 ? 0x1p-100 : 0x1p-960;
        const V one = number<V>(1), up = number<V>(0x1p64), down = number<V>(0x1p-8);
        const V shift = e.high < number<V>(little) ? up : (e.high < one ? one : down);
        const DoubleWord<V> p = product(word(number<V>(100) * shift), e);
        return ratio({p.high, settled(p.low)}, word(max(abs(t), a[0]))) * (one / shift);
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        return number<V>(100) * sign(z - t) / max(abs(t), a[0]);
    }
    template <class V>
    static V curve(V z, V t, const V*) {
        return unless_nan(z - t, V{});
    }
    // -100 |z| / t^2 with the sign of (z - t) z, or as the slope where |t| <= eps.
    template <class V>
    static V target_slope(V z, V t, const V* a) {
        const V side = sign(z - t), beyond = over_square(z, abs(t), -100) * sign(t) * side;
        return abs(t) > a[0] ? beyond : number<V>(-100) * side / a[0];
    }
};

// Both sides scaled by the same power of two, so that |z| + |t| neither overflows nor has fewer
// digits than its terms.
struct Smape {
    template <class V>
    struct Parts {
        V lift, prediction, target;
        DoubleWord<V> e, total;
        Ints<Element<V>> finite, same_side;  // of 0; elsewhere the loss is 2, or 0 at z = t = 0
        Parts(V z, V t) {
            const V up = number<V>(sizeof(Element<V>) == 4 ? 0x1p26 : 0x1p55);
            lift = max(abs(z), abs(t)) > number<V>(1) ? number<V>(0.25) : up;
            prediction = abs(lift * z), target = abs(lift * t);
            e = residual(lift * z, lift * t), total = exact_sum(prediction, target);
            finite = total.high < number<V>(__builtin_inf());
            same_side = ((z > V{}) & (t > V{})) | ((z < V{}) & (t < V{}));
        }
        // 4 |other| / (|z| + |t|) with the sign of e, to be divided by |z| + |t|.
        V rate(V other) const { return number<V>(4) * sign(e.high) * lift * other / total.high; }
        V curved(V result) const { return same_side & finite ? result : unless_nan(e.high, V{}); }
    };
    template <class V>
    static V value(V z, V t, const V*) {
        const Parts<V> p(z, t);
        const V inside = number<V>(2) * ratio(abs(p.e), p.total);
        const V any = p.finite ? inside : unless_nan(p.e.high, number<V>(2));
        return p.total.high == V{} ? V{} : any;
    }
    template <class V>
    static V slope(V z, V t, const V*) {
        const Parts<V> p(z, t);
        return p.curved(p.rate(p.target) / p.total.high);
    }
    template <class V>
    static V curve(V z, V t, const V*) {
        const Parts<V> p(z, t);
        const V lifted = number<V>(-2) * sign(z) * p.lift * p.rate(p.target);
        return p.curved(lifted / p.total.high / p.total.high);
    }
    template <class V>
    static V target_slope(V z, V t, const V*) {
        const Parts<V> p(z, t);
        return -p.curved(p.rate(p.prediction) / p.total.high);
    }
};

// log(1 + z) - log(1 + t) = sign(z - t) log(1 + |z - t| / (1 + the smaller)).
struct Msle {
    template <class V>
    static DoubleWord<V> difference(V z, V t) {
        const V one = number<V>(1), infinity = number<V>(__builtin_inf());
        const DoubleWord<V> e = abs(residual(z, t)), least = exact_sum(one, min(z, t));
        // A ratio that would overflow is taken 2^-40 as large: 1 + w is w there.
        const Ints<Element<V>> large = (e.high > number<V>(0x1p80)) & (least.high < one);
        const V scale = large ? number<V>(0x1p-40) : one;
        const DoubleWord<V> w = quotient(DoubleWord<V>{e.high * scale, e.low * scale}, least);
        const DoubleWord<V> u = exact_sum(large ? V{} : one, w.high);
        const V lost = settled((u.low + w.low) / u.high);
        const DoubleWord<V> l = log_pair(u.high, lost, large ? number<V>(40) : V{});
        const V edge =
            least.high > V{} ? e.high : (least.high < V{} ? infinity - infinity : infinity);
        const Ints<Element<V>> inside = (e.high < infinity) & (least.high > V{});
        const V high = inside ? l.high : edge, low = inside ? l.low : V{};
        return {unless_nan(z, copy_sign(high, z - t)), z < t ? -low : low};
    }
    template <class V>
    static V value(V z, V t, const V*) {
        const DoubleWord<V> d = difference(z, t);
        return square(d);
    }
    template <class V>
    static V slope(V z, V t, const V*) {
        const V slope = number<V>(2) * difference(z, t).high / (number<V>(1) + z);
        return z < number<V>(__builtin_inf()) ? slope : unless_nan(z, V{});
    }
    template <class V>
    static V curve(V z, V t, const V*) {
        const DoubleWord<V> d = difference(z, t), s = exact_sum(number<V>(1), -d.high);
        const V factor = s.high + settled(s.low - d.low), u = number<V>(1) + z;
        return z < number<V>(__builtin_inf()) ? number<V>(2) * factor / u / u : unless_nan(z, V{});
    }
    template <class V>
    static V target_slope(V z, V t, const V*) {
        return number<V>(-2) * difference(z, t).high / (number<V>(1) + t);
    }
};

constexpr kernels::LossRow rows[] = {
    elementwise_loss<Mape>(LossFacts{.name = "mape",
                                     .formula = "100 * abs(z - t) / max(abs(t), eps)",
                                     .link = Link::identity,
                                     .targets = Targets::real,
                                     .source = "textbook; slope 0 at z = t",
                                     .gradient = "100 * sign(z - t) / max(abs(t), eps)",
                                     .second_derivative = "0",
                                     .parameters = {{"eps", 1e-7, Domain::positive}},
                                     .aliases = {"mean_absolute_percentage_error"},
                                     .kink = "z = t"}),
    elementwise_loss<Smape>(LossFacts{
        .name = "smape",
        .formula = "0 if z == t else (2 if z * t <= 0 else 2 * abs(z - t) / (abs(z) + abs(t)))",
        .link = Link::identity,
        .targets = Targets::real,
        .source = "Makridakis 1993, without the factor 100; slope 0 at z = t "
                  "and z = 0",
        .gradient = "4 * abs(t) * sign(z - t) / (abs(z) + abs(t))**2 if z * t "
                    "> 0 else 0",
        .second_derivative = "-8 * abs(t) * sign(z - t) * sign(z) / (abs(z) + "
                             "abs(t))**3 if z * t > 0 else 0",
        .aliases = {"symmetric_mean_absolute_percentage_error"},
        .kink = "z = t or z = 0"}),
    elementwise_loss<Msle>(
        LossFacts{.name = "msle",
                  .formula = "(log(1 + z) - log(1 + t))**2",
                  .link = Link::none,
                  .targets = Targets::above_minus_one,
                  .source = "textbook; with the 1 as in Keras",
                  .gradient = "2 * (log(1 + z) - log(1 + t)) / (1 + z)",
                  .second_derivative = "2 * (1 - (log(1 + z) - log(1 + t))) / (1 + z)**2",
                  .aliases = {"mean_squared_logarithmic_error"},
                  .z_above = -1,
                  .scale = {.curve = "2 * (1 + abs(log(1 + z) - log(1 + t))) / (1 + z)**2"}}),
};

}  // namespace

kernels::Rows<kernels::LossRow> relative() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
