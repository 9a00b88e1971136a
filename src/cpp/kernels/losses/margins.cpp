// Losses of the margin m = t z of a score z and a sign t, and of distances.
#include "residual.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

struct SoftMargin {
    template <class V>
    static V value(V m, const V*) {
        return softplus(-m);
    }
    template <class V>
    static V slope(V m, const V*) {
        return -sigmoid(-m);
    }
    template <class V>
    static V curve(V m, const V*) {
        return sigmoid_slope(m);
    }
};

// 1 - m where that is positive, else 0.
template <class V>
V lack(V m) {
    return max(number<V>(1) - m, V{});
}

struct Hinge {
    template <class V>
    static V value(V m, const V*) {
        return lack(m);
    }
    template <class V>
    static V slope(V m, const V*) {
        return m < number<V>(1) ? number<V>(-1) : unless_nan(m, V{});
    }
    template <class V>
    static V curve(V m, const V*) {
        return unless_nan(m, V{});
    }
};

// The square of the same, from the exact difference.
template <class V>
V square_of_lack(V m) {
    const DoubleWord<V> d = exact_sum(number<V>(1), -m);
    return d.high > V{} ? square(d) : unless_nan(m, V{});
}

struct SquaredHinge {
    template <class V>
    static V value(V m, const V*) {
        return square_of_lack(m);
    }
    template <class V>
    static V slope(V m, const V*) {
        return number<V>(-2) * lack(m);
    }
    template <class V>
    static V curve(V m, const V*) {
        return m < number<V>(1) ? number<V>(2) : unless_nan(m, V{});
    }
};

// a[0] = gamma
struct SmoothedHinge {
    template <class V>
    static V value(V m, const V* a) {
        const DoubleWord<V> r = exact_sum(number<V>(1), -m);
        const V half = number<V>(0.5), u = max(r.high, V{}), q = u / a[0], low = settled(r.low);
        return u > a[0] ? (u - half * a[0]) + low : madd(q, low, half * u * q);
    }
    template <class V>
    static V slope(V m, const V* a) {
        return -min(lack(m) / a[0], number<V>(1));
    }
    template <class V>
    static V curve(V m, const V* a) {
        const V one = number<V>(1);
        const DoubleWord<V> r = exact_sum(one, -m), d = exact_sum(r.high, -a[0]);
        const Ints<Element<V>> bent = (m < one) & (d.high + settled(d.low + r.low) <= V{});
        return bent ? one / a[0] : unless_nan(m, V{});
    }
};

struct ModifiedHuber {
    template <class V>
    static V value(V m, const V*) {
        return m < number<V>(-1) ? number<V>(-4) * m : square_of_lack(m);
    }
    template <class V>
    static V slope(V m, const V*) {
        return m < number<V>(-1) ? number<V>(-4) : number<V>(-2) * lack(m);
    }
    template <class V>
    static V curve(V m, const V*) {
        const Ints<Element<V>> bent = (m >= number<V>(-1)) & (m < number<V>(1));
        return bent ? number<V>(2) : unless_nan(m, V{});
    }
};

struct Perceptron {
    template <class V>
    static V value(V m, const V*) {
        return m < V{} ? -m : unless_nan(m, V{});
    }
    template <class V>
    static V slope(V m, const V*) {
        return m < V{} ? number<V>(-1) : unless_nan(m, V{});
    }
    template <class V>
    static V curve(V m, const V*) {
        return unless_nan(m, V{});
    }
};

struct ExponentialLoss {
    template <class V>
    static V value(V m, const V*) {
        return exp(-m);
    }
    template <class V>
    static V slope(V m, const V*) {
        return -exp(-m);
    }
    template <class V>
    static V curve(V m, const V*) {
        return exp(-m);
    }
};

// 2 sigmoid(-2m); with E = e^(-2 |m|) the slope is -4 E / (1 + E)^2 and the curve
// 8 E (1 - E) / (1 + E)^3 with the sign of m.
struct SigmoidMargin {
    template <class V>
    static V value(V m, const V*) {
        return number<V>(2) * sigmoid(number<V>(-2) * m);
    }
    template <class V>
    static V slope(V m, const V*) {
        return number<V>(-4) * sigmoid_slope(number<V>(2) * m);
    }
    template <class V>
    static V curve(V m, const V*) {
        const V u = number<V>(-2) * abs(m);
        const Exponential<V> e = exponential(u);
        const V d = number<V>(1) + e.value(), rest = expm1_of_negative(u);
        return copy_sign(e.scale(number<V>(-8) * e.mantissa * rest / (d * d * d)), m);
    }
};

// a[0] = q.  (c/m)^q / (q + 1) above c = q / (q + 1), 1 - m below.
struct Dwd {
    template <class V>
    struct Parts {
        DoubleWord<V> next, log_ratio;  // q + 1, log(c/m)
        Ints<Element<V>> straight;      // m <= c, decided by (q + 1) m <= q
        Parts(V m, V q) : next(exact_sum(q, number<V>(1))) {
            const DoubleWord<V> p = product(next, DoubleWord<V>{m, V{}});
            straight = (p.high - q) + settled(p.low) <= V{};
            const DoubleWord<V> c = log_pair(quotient(DoubleWord<V>{q, V{}}, next));
            const DoubleWord<V> l = log_pair(m), d = exact_sum(c.high, -l.high);
            log_ratio = {d.high, settled(d.low + (c.low - l.low))};
        }
    };
    template <class V>
    static V value(V m, const V* a) {
        const Parts<V> p(m, a[0]);
        const Exponential<V> tail = exponential_of_product(p.log_ratio, DoubleWord<V>{a[0], V{}});
        const V beyond = tail.scale(tail.mantissa / p.next.high);
        return p.straight ? number<V>(1) - m : unless_nan(m, beyond);
    }
    template <class V>
    static V slope(V m, const V* a) {
        const Parts<V> p(m, a[0]);
        const V beyond = exponential_of_product(p.log_ratio, p.next).value();
        return p.straight ? number<V>(-1) : unless_nan(m, -beyond);
    }
    // (q + 1)/m (c/m)^(q + 1)
    template <class V>
    static V curve(V m, const V* a) {
        const Parts<V> p(m, a[0]);
        const V beyond = exponential_of_product(p.log_ratio, p.next).times(p.next.high / m);
        return p.straight ? V{} : unless_nan(m, beyond);
    }
};

struct ZeroOne {
    template <class V>
    static V value(V m, const V*) {
        return m <= V{} ? number<V>(1) : unless_nan(m, V{});
    }
    template <class V>
    static V slope(V m, const V*) {
        return unless_nan(m, V{});
    }
    template <class V>
    static V curve(V m, const V*) {
        return unless_nan(m, V{});
    }
};

// a[0] = margin
struct HingeEmbedding {
    template <class V>
    static V value(V z, V t, const V* a) {
        return t > V{} ? z : max(a[0] - z, V{});
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        const V one = number<V>(1), apart = z < a[0] ? -one : V{};
        return unless_nan(z, t > V{} ? one : apart);
    }
    template <class V>
    static V curve(V z, V, const V*) {
        return unless_nan(z, V{});
    }
};

// a[0] = margin
struct Contrastive {
    template <class V>
    static V value(V z, V t, const V* a) {
        const DoubleWord<V> d = exact_sum(a[0], -z);
        const V push = d.high > V{} ? square(d) : unless_nan(z, V{});
        return weighted(t, z * z) + weighted(number<V>(1) - t, push);
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        const V two = number<V>(2), one = number<V>(1);
        const DoubleWord<V> d = exact_sum(a[0], -z);
        const DoubleWord<V> push = select(d.high > V{}, d, word(unless_nan(z, V{})));
        const DoubleWord<V> both =
            sum(product(word(t), word(z)), -product(exact_sum(one, -t), push));
        const V alone = t == V{} ? -push.high : z;
        return two * ((t == V{}) | (t == one) ? alone : both.high);
    }
    template <class V>
    static V curve(V z, V t, const V* a) {
        const V two = number<V>(2), push = z < a[0] ? two * (number<V>(1) - t) : V{};
        return unless_nan(z, madd(two, t, push));
    }
};

constexpr kernels::LossRow rows[] = {
    elementwise_loss<OfMargin<SoftMargin>>(
        LossFacts{.name = "soft_margin",
                  .formula = "log(1 + exp(-t * z))",
                  .link = Link::sign,
                  .targets = Targets::signs,
                  .source = "Friedman, Hastie and Tibshirani 2000",
                  .gradient = "-t * sigmoid(-t * z)",
                  .second_derivative = "sigmoid(t * z) * sigmoid(-t * z)",
                  .input = "margin score",
                  .aliases = {"logistic_margin"}}),
    elementwise_loss<OfMargin<Hinge>>(
        LossFacts{.name = "hinge",
                  .formula = "max(0, 1 - t * z)",
                  .link = Link::sign,
                  .targets = Targets::signs,
                  .source = "Cortes and Vapnik 1995; slope 0 at the kink",
                  .gradient = "-t if t * z < 1 else 0",
                  .second_derivative = "0",
                  .input = "margin score",
                  .kink = "t * z = 1"}),
    elementwise_loss<OfMargin<SquaredHinge>>(
        LossFacts{.name = "squared_hinge",
                  .formula = "max(0, 1 - t * z)**2",
                  .link = Link::sign,
                  .targets = Targets::signs,
                  .source = "Cortes and Vapnik 1995, with squared slacks",
                  .gradient = "-2 * t * max(0, 1 - t * z)",
                  .second_derivative = "2 if t * z < 1 else 0",
                  .input = "margin score"}),
    elementwise_loss<OfMargin<SmoothedHinge>>(
        LossFacts{.name = "smoothed_hinge",
                  .formula = "0 if t * z >= 1 else ((1 - t * z)**2 / (2 * gamma) if 1 - "
                             "t * z <= gamma else 1 - t * z - gamma / 2)",
                  .link = Link::sign,
                  .targets = Targets::signs,
                  .source = "Shalev-Shwartz and Zhang 2013",
                  .gradient = "-t * min(1, max(0, 1 - t * z) / gamma)",
                  .second_derivative = "1 / gamma if 0 < 1 - t * z <= gamma else 0",
                  .input = "margin score",
                  .parameters = {{"gamma", 1.0, Domain::positive}}}),
    elementwise_loss<OfMargin<ModifiedHuber>>(
        LossFacts{.name = "modified_huber",
                  .formula = "max(0, 1 - t * z)**2 if t * z >= -1 else -4 * t * z",
                  .link = Link::sign,
                  .targets = Targets::signs,
                  .source = "Zhang 2004",
                  .gradient = "-2 * t * max(0, 1 - t * z) if t * z >= -1 else -4 * t",
                  .second_derivative = "2 if -1 <= t * z < 1 else 0",
                  .input = "margin score"}),
    elementwise_loss<OfMargin<Perceptron>>(
        LossFacts{.name = "perceptron",
                  .formula = "max(0, -t * z)",
                  .link = Link::sign,
                  .targets = Targets::signs,
                  .source = "Rosenblatt 1958; slope 0 at the kink",
                  .gradient = "-t if t * z < 0 else 0",
                  .second_derivative = "0",
                  .input = "score",
                  .kink = "z = 0"}),
    elementwise_loss<OfMargin<ExponentialLoss>>(LossFacts{.name = "exponential",
                                                          .formula = "exp(-t * z)",
                                                          .link = Link::sign,
                                                          .targets = Targets::signs,
                                                          .source = "Freund and Schapire 1997",
                                                          .gradient = "-t * exp(-t * z)",
                                                          .second_derivative = "exp(-t * z)",
                                                          .input = "score"}),
    elementwise_loss<OfMargin<SigmoidMargin>>(
        LossFacts{.name = "sigmoid_margin",
                  .formula = "1 - tanh(t * z)",
                  .link = Link::sign,
                  .targets = Targets::signs,
                  .source = "Mason et al. 2000; LossFunctions.jl",
                  .gradient = "-t / cosh(t * z)**2",
                  .second_derivative = "2 * tanh(t * z) / cosh(t * z)**2",
                  .input = "score"}),
    elementwise_loss<OfMargin<Dwd>>(
        LossFacts{.name = "dwd",
                  .formula = "1 - t * z if t * z <= q / (q + 1) else (q / ((q + 1) * t * "
                             "z))**q / (q + 1)",
                  .link = Link::sign,
                  .targets = Targets::signs,
                  .source = "Marron, Todd and Ahn 2007; any q: Wang and Zou 2018",
                  .gradient = "-t if t * z <= q / (q + 1) else -t * (q / ((q + 1) * t * "
                              "z))**(q + 1)",
                  .second_derivative = "0 if t * z <= q / (q + 1) else (q + 1) / (t * z) "
                                       "* (q / ((q + 1) * t * z))**(q + 1)",
                  .input = "score",
                  .parameters = {{"q", 1.0, Domain::positive}}}),
    elementwise_loss<OfMargin<ZeroOne>>(
        LossFacts{.name = "zero_one",
                  .formula = "1 if t * z <= 0 else 0",
                  .link = Link::sign,
                  .targets = Targets::signs,
                  .source = "textbook; a score of 0 is an error; it has no slope to follow",
                  .gradient = "0",
                  .second_derivative = "0",
                  .input = "score",
                  .kink = "z = 0"}),
    elementwise_loss<HingeEmbedding>(
        LossFacts{.name = "hinge_embedding",
                  .formula = "z if t > 0 else max(0, margin - z)",
                  .link = Link::none,
                  .targets = Targets::signs,
                  .source = "PyTorch HingeEmbeddingLoss; slope 0 at the kink",
                  .gradient = "1 if t > 0 else (-1 if z < margin else 0)",
                  .second_derivative = "0",
                  .input = "distance",
                  .parameters = {{"margin", 1.0, Domain::non_negative}},
                  .kink = "t = -1 and z = margin"}),
    elementwise_loss<Contrastive>(
        LossFacts{.name = "contrastive",
                  .formula = "t * z**2 + (1 - t) * max(0, margin - z)**2",
                  .link = Link::none,
                  .targets = Targets::unit_interval,
                  .source = "Hadsell et al. 2006; t = 1: alike, t = 0: different",
                  .gradient = "2 * t * z - 2 * (1 - t) * max(0, margin - z)",
                  .second_derivative = "2 * t + (2 * (1 - t) if z < margin else 0)",
                  .input = "distance",
                  .parameters = {{"margin", 1.0, Domain::non_negative}},
                  .scale = {.slope = "2 * t * abs(z) + 2 * (1 - t) * max(0, margin - z)"}}),
};

}  // namespace

kernels::Rows<kernels::LossRow> margins() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
