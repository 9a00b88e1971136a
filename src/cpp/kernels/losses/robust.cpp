// Losses that grow linearly in the distance of a real prediction z from a real target t.
#include "residual.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// e > bound, decided by the exact residual.
template <class V>
Ints<Element<V>> beyond(DoubleWord<V> e, V bound) {
    return (e.high > bound) | ((e.high == bound) & (e.low > V{}));
}

// a[0] = delta
struct Huber {
    template <class V>
    static V value(DoubleWord<V> e, const V* a) {
        const DoubleWord<V> u = abs(e);
        const V line = (u.high - number<V>(0.5) * a[0]) + u.low;
        return u.high > a[0] ? a[0] * line : half_square(u);
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V* a) {
        return min(max(e.high, -a[0]), a[0]);
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V* a) {
        return unless_nan(e.high, beyond(abs(e), a[0]) ? V{} : number<V>(1));
    }
};

// a[0] = beta
struct SmoothL1 {
    template <class V>
    static V value(DoubleWord<V> e, const V* a) {
        const DoubleWord<V> u = abs(e);
        const V half = number<V>(0.5), q = u.high / a[0];
        const V line = (u.high - half * a[0]) + u.low;
        return u.high > a[0] ? line : madd(q, u.low, half * u.high * q);
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V* a) {
        const V one = number<V>(1);
        return min(max(e.high / a[0], -one), one);
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V* a) {
        return unless_nan(e.high, beyond(abs(e), a[0]) ? V{} : number<V>(1) / a[0]);
    }
};

// a[0] = delta.  With the smaller and the larger of |e| and delta, r their ratio and
// w = sqrt(1 + r^2), nothing overflows and nothing cancels:
// value = smaller |e| / (w + (1 or r)), slope = smaller / w, curve = ((1 or r) / w)^3.
struct PseudoHuber {
    template <class V>
    struct Parts {
        Ints<Element<V>> far;
        DoubleWord<V> u, smaller, ratio;
        V root;
        Parts(DoubleWord<V> e, V delta) : u(abs(e)) {
            far = u.high > delta;
            smaller = {far ? delta : u.high, far ? V{} : u.low};
            ratio = quotient(smaller, {far ? u.high : delta, far ? u.low : V{}});
            ratio = {u.high < number<V>(__builtin_inf()) ? ratio.high : unless_nan(u.high, V{}),
                     settled(ratio.low)};
            root = sqrt(madd(ratio.high, ratio.high, number<V>(1)));
        }
        // 1 or r
        DoubleWord<V> share() const {
            return {far ? ratio.high : number<V>(1), far ? ratio.low : V{}};
        }
        // The root with what its rounding lost, (1 + r^2 - root^2) / (2 root).
        DoubleWord<V> whole_root() const {
            const V one = number<V>(1), half = number<V>(0.5);
            const DoubleWord<V> square = product(ratio, ratio), back = exact_product(root, root);
            const V lost = ((one - back.high) + square.high) + (square.low - back.low);
            return {root, half * lost / root};
        }
    };
    template <class V>
    static V value(DoubleWord<V> e, const V* a) {
        const Parts<V> p(e, a[0]);
        const DoubleWord<V> w = p.whole_root(), s = p.share(), d = sum_of_ordered(w.high, s.high);
        const DoubleWord<V> q = quotient(p.u, DoubleWord<V>{d.high, d.low + (w.low + s.low)});
        const DoubleWord<V> v = product(p.smaller, q);
        return p.u.high < number<V>(__builtin_inf()) ? v.high + settled(v.low) : p.u.high;
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V* a) {
        const Parts<V> p(e, a[0]);
        return copy_sign(p.smaller.high / p.root, e.high);
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V* a) {
        const Parts<V> p(e, a[0]);
        const DoubleWord<V> c = quotient(p.share(), p.whole_root());
        const V square = c.high * c.high;
        return madd(number<V>(3) * square, c.low, square * c.high);
    }
};

struct LogCosh {
    template <class V>
    static V value(DoubleWord<V> e, const V*) {
        // The slope, to within a quarter, times what the rounding of z - t lost.
        const V one = number<V>(1), slope = min(max(e.high, -one), one);
        return log_cosh(e.high) + slope * e.low;
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V*) {
        return tanh(e.high);
    }
    // 1 / cosh^2 = 4 E / (1 + E)^2, E = e^(-2 |e|)
    template <class V>
    static V curve(DoubleWord<V> e, const V*) {
        const DoubleWord<V> u = abs(e);
        const V two = number<V>(2);
        const Exponential<V> decay = exponential(-two * u.high, -two * u.low);
        const V d = number<V>(1) + decay.value();
        return decay.scale(number<V>(4) * decay.mantissa / (d * d));
    }
};

// Twice the log cosh of half the residual.
struct LogitDistance {
    template <class V>
    static DoubleWord<V> half(DoubleWord<V> e) {
        return {number<V>(0.5) * e.high, number<V>(0.5) * e.low};
    }
    template <class V>
    static V value(DoubleWord<V> e, const V* a) {
        return number<V>(2) * LogCosh::value(half(e), a);
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V* a) {
        return LogCosh::slope(half(e), a);
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V* a) {
        return number<V>(0.5) * LogCosh::curve(half(e), a);
    }
};

constexpr kernels::LossRow rows[] = {
    elementwise_loss<OfResidual<Huber>>(
        LossFacts{.name = "huber",
                  .formula = "(z - t)**2 / 2 if abs(z - t) <= delta "
                             "else delta * (abs(z - t) - delta / 2)",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "Huber 1964",
                  .gradient = "z - t if abs(z - t) <= delta else delta * sign(z - t)",
                  .second_derivative = "1 if abs(z - t) <= delta else 0",
                  .parameters = {{"delta", 1.0, Domain::positive}}}),
    elementwise_loss<OfResidual<SmoothL1>>(
        LossFacts{.name = "smooth_l1",
                  .formula = "(z - t)**2 / (2 * beta) if abs(z - t) <= beta "
                             "else abs(z - t) - beta / 2",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "Girshick 2015; huber(delta=beta) / beta",
                  .gradient = "(z - t) / beta if abs(z - t) <= beta else sign(z - t)",
                  .second_derivative = "1 / beta if abs(z - t) <= beta else 0",
                  .parameters = {{"beta", 1.0, Domain::positive}}}),
    elementwise_loss<OfResidual<PseudoHuber>>(
        LossFacts{.name = "pseudo_huber",
                  .formula = "delta**2 * (sqrt(1 + ((z - t) / delta)**2) - 1)",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "Charbonnier et al. 1997",
                  .gradient = "(z - t) / sqrt(1 + ((z - t) / delta)**2)",
                  .second_derivative = "(1 + ((z - t) / delta)**2)**(-3/2)",
                  .parameters = {{"delta", 1.0, Domain::positive}},
                  .aliases = {"charbonnier"}}),
    elementwise_loss<OfResidual<LogCosh>>(LossFacts{.name = "log_cosh",
                                                    .formula = "log(cosh(z - t))",
                                                    .link = Link::identity,
                                                    .targets = Targets::real,
                                                    .source = "Green 1990",
                                                    .gradient = "tanh(z - t)",
                                                    .second_derivative = "1 / cosh(z - t)**2",
                                                    .aliases = {"logcosh"}}),
    elementwise_loss<OfResidual<LogitDistance>>(
        LossFacts{.name = "logit_distance",
                  .formula = "-log(4 * exp(z - t) / (1 + exp(z - t))**2)",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "-log of 4 times the logistic density; 2 log_cosh((z - t) / 2)",
                  .gradient = "tanh((z - t) / 2)",
                  .second_derivative = "1 / (2 * cosh((z - t) / 2)**2)"}),
};

}  // namespace

kernels::Rows<kernels::LossRow> robust() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
