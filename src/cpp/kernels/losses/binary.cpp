// Losses of two classes, t the probability of class 1.
#include "sides.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

template <class V>
Ints<Element<V>> is_probability(V z) {
    return (z >= V{}) & (z <= number<V>(1));
}

// z is the probability.  a[0] = alpha, a[1] = label_smoothing
struct BinaryCrossEntropy {
    template <class V>
    static V value(V z, V t, const V* a) {
        const V sum = Sides<V>(t, a[0], a[1]).sum_of(-log_pair(z), -log1p_pair(word(-z)));
        return is_probability(z) ? sum : undefined<V>();
    }
    // (w0 z - w1 (1 - z)) / (z (1 - z)) for the weights w1, w0 of the classes
    template <class V>
    static V slope(V z, V t, const V* a) {
        const Sides<V> w(t, a[0], a[1]);
        const DoubleWord<V> rest = exact_sum(number<V>(1), -z);
        const V both = w.difference_of(rest, word(z)) / rest.high / abs(z);
        const V one_class =
            w.positive.high == V{} ? w.negative.high / rest.high : -w.positive.high / abs(z);
        const V d = (w.positive.high == V{}) | (w.negative.high == V{}) ? one_class : both;
        return is_probability(z) ? d : undefined<V>();
    }
    template <class V>
    static V curve(V z, V t, const V* a) {
        const Sides<V> w(t, a[0], a[1]);
        const V u = number<V>(1) - z;
        const V p = w.positive.high == V{} ? V{} : w.positive.high / z / z;
        const V n = w.negative.high == V{} ? V{} : w.negative.high / u / u;
        return is_probability(z) ? p + n : undefined<V>();
    }
    template <class V>
    static V target_slope(V z, V t, const V* a) {
        const Sides<V> w(number<V>(0.5), a[0], V{});
        const V keep = number<V>(2) * (number<V>(1) - a[1]);
        const V d = w.difference_of(log_pair(z), log1p_pair(word(-z))) * keep;
        return is_probability(z) ? unless_nan(t, d) : undefined<V>();
    }
};

// log(1 + u) for 0 <= u <= 1, as long as a double needs a division to get there.
template <class T>
struct UnitLog;
template <>
struct UnitLog<float> {
    // (u - log(1 + u)) / u^2 to 2^-27 of log(1 + u)
    static constexpr double series[] = {
        0.4999993276153525,   -0.33330511252919937,  0.24958586669348928,
        -0.19695396470110213, 0.15355384121953272,   -0.10680534250972573,
        0.05766422872922936,  -0.020204467399790364, 0.003318445873120347};
    template <class V>
    static V log(V u, V correction) {
        return u - madd(u * u, polynomial(u, series), -correction);
    }
};
template <>
struct UnitLog<double> {
    // (log(1 + u)/s - 2) / s^2 in s^2, s = u / (2 + u), to 2^-57: as in fdlibm
    static constexpr double series[] = {
        0.66666666666666666886,  0.39999999999999522501, 0.28571428571600100865,
        0.22222222198236573622,  0.18181819897975158042, 0.15384543964411424889,
        0.13335178641270451324,  0.11734278928939064663, 0.10845179468935176564,
        0.074921389862435911437, 0.15630586926377200033};
    template <class V>
    static V log(V u, V correction) {
        const V s = u / (number<V>(2) + u), z = s * s, half_square = number<V>(0.5) * u * u;
        return u - (half_square - madd(s, madd(z, polynomial(z, series), half_square), correction));
    }
};

// The loss of a logit whose classes weigh 1 - t and t: fewer operations for the common case, and
// one division that value and slope share.
struct PlainCrossEntropy {
    template <class V>
    struct Parts {
        V decay, decay_low, inverse;  // e^-|z| and 1 / (1 + e^-|z|)
        explicit Parts(V z) {
            const Exponential<V> e = deltarule::DELTARULE_ISA::decay(z);
            decay = e.value(), decay_low = e.scale(e.low);
            inverse = number<V>(1) / (number<V>(1) + decay);
        }
        // log(1 + decay): 1.4 ulp
        V tail() const { return UnitLog<Element<V>>::log(decay, decay_low * inverse); }
    };
    template <class V>
    static V value(V z, V t, const Parts<V>& p) {
        const V tail = p.tail(), against = z > V{} ? number<V>(1) - t : t;
        return unless_nan(z, against == V{} ? tail : madd(against, abs(z), tail));
    }
    // (near + far e^-|z|) / (1 + e^-|z|); the two may cancel, so their low words count.
    template <class V>
    static V slope(V z, V t, const Parts<V>& p) {
        const DoubleWord<V> rest = sum_of_ordered(number<V>(1), -t);
        const Ints<Element<V>> up = z > V{};
        const V near = up ? rest.high : -t, near_low = up ? rest.low : V{};
        const V far = up ? -t : rest.high, far_low = up ? V{} : rest.low;
        const V low = madd(far, p.decay_low, madd(far_low, p.decay, near_low));
        return unless_nan(z, (madd(far, p.decay, near) + low) * p.inverse);
    }
};

// z is the logit: sigmoid and cross-entropy in one.  Each term is a softplus or a sigmoid of its
// own sign, so that neither a confident right answer nor its slope is rounded to 0.
// P names the parameters.
template <class P>
struct LogitCrossEntropy {
    // w |z| + (w0 + w1) log(1 + e^-|z|) with the weight w of the class that z speaks against
    template <class V>
    static V value(V z, V t, const V* a) {
        if (P::plain(a)) return PlainCrossEntropy::value(z, t, PlainCrossEntropy::Parts<V>(z));
        return weighted_value(z, t, a);
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        if (P::plain(a)) return PlainCrossEntropy::slope(z, t, PlainCrossEntropy::Parts<V>(z));
        return weighted_slope(z, t, a);
    }
    template <class V>
    static void both(V z, V t, const V* a, V* out) {
        if (P::plain(a)) {
            const PlainCrossEntropy::Parts<V> p(z);
            out[0] = PlainCrossEntropy::value(z, t, p), out[1] = PlainCrossEntropy::slope(z, t, p);
        } else {
            out[0] = weighted_value(z, t, a), out[1] = weighted_slope(z, t, a);
        }
    }
    template <class V>
    static V weighted_value(V z, V t, const V* a) {
        const Sides<V> w = P::sides(t, a);
        const DoubleWord<V> against = select(z > V{}, w.negative, w.positive);
        const V u = abs(z);
        const DoubleWord<V> tail = product(w.total(), log1p_pair(Decay<V>(z).t));
        const V line = madd(against.high, u, settled(against.low * u) + tail.low + tail.high);
        return unless_nan(z, against.high == V{} ? tail.high : line);
    }
    template <class V>
    static V weighted_slope(V z, V t, const V* a) {
        const Sides<V> w = P::sides(t, a);
        const Ints<Element<V>> up = z > V{};
        const V m = Decay<V>(z).lone_mean(select(up, w.negative, -w.positive),
                                          select(up, -w.positive, w.negative));
        return unless_nan(z, m);
    }
    template <class V>
    static V curve(V z, V t, const V* a) {
        const Exponential<V> e = exponential(-abs(z));
        const V d = number<V>(1) + e.value();
        return e.scale(e.mantissa * P::sides(t, a).total().high / (d * d));
    }
    // softplus(-z) - softplus(z) = -z where the classes weigh the same.
    template <class V>
    static V target_slope(V z, V t, const V* a) {
        const Sides<V> high = P::sides(number<V>(1), a), low = P::sides(V{}, a);
        const V up = sum(high.positive, -low.positive).high;
        const V down = sum(low.negative, -high.negative).high;
        const V tail = log1p_of_finite(exp(-abs(z)));
        const V line = weighted(z > V{} ? -down : up, abs(z));
        return unless_nan(t, madd(up - down, tail, line));
    }
};

// a[0] = pos_weight, a[1] = alpha, a[2] = label_smoothing
struct Weighted {
    template <class V>
    static bool plain(const V* a) {
        const V one = number<V>(1);
        const Ints<Element<V>> other = (a[0] != one) | (a[1] == a[1]) | (a[2] != V{});
        return mask_bits<Element<V>>(other) == 0;
    }
    template <class V>
    static Sides<V> sides(V t, const V* a) {
        Sides<V> w(t, a[1], a[2]);
        w.positive = product(w.positive, word(a[0]));
        return w;
    }
};
// a[0] = alpha, a[1] = label_smoothing
struct Balanced {
    template <class V>
    static bool plain(const V*) {
        return false;
    }
    template <class V>
    static Sides<V> sides(V t, const V* a) {
        return Sides<V>(t, a[0], a[1]);
    }
};

// a[0] = epsilon: bce_with_logits plus epsilon (1 - p_t).
struct PolyBinary {
    template <class V>
    static V value(V z, V t, const V* a) {
        const Sides<V> w(t);
        const Ints<Element<V>> up = z > V{};
        const Decay<V> decay(z);
        const DoubleWord<V> against = select(up, w.negative, w.positive);
        const DoubleWord<V> with = select(up, w.positive, w.negative);
        const DoubleWord<V> lack = product(word(a[0]), decay.mean(against, with));
        const DoubleWord<V> rest = sum(log1p_pair(decay.t), lack), u = word(abs(z));
        const V far = sum(product(against, u), rest).high;
        // (1 + epsilon) e^-|z| is all there is of a confident right answer.
        const V faint = decay.e.scale(decay.e.mantissa * (number<V>(1) + a[0]));
        const V right = decay.t.high < number<V>(0x1p-60) ? faint : rest.high;
        const V wrong = u.high < number<V>(__builtin_inf()) ? far : u.high;
        return unless_nan(z, against.high == V{} ? right : wrong);
    }
    // With the weight w of sigmoid(|z|) and v of sigmoid(-|z|) in the slope of bce_with_logits:
    // (w d + (v d + epsilon (1 - 2t)) e^-|z|) / d^2
    template <class V>
    static V slope(V z, V t, const V* a) {
        const Sides<V> w(t);
        const Ints<Element<V>> up = z > V{};
        const Decay<V> decay(z);
        const DoubleWord<V> lean = product(word(a[0]), sum(w.negative, -t));
        const DoubleWord<V> near = product(select(up, w.negative, -w.positive), decay.d);
        const DoubleWord<V> far = product(select(up, -w.positive, w.negative), decay.d);
        return unless_nan(z, decay.lone_mean(near, sum(far, lean)) / decay.d.high);
    }
    // p (1 - p) (1 + epsilon (1 - 2t)(1 - 2p)), 1 - 2p = -tanh(z/2)
    template <class V>
    static V curve(V z, V t, const V* a) {
        const V lean = (number<V>(1) - number<V>(2) * t) * -tanh(number<V>(0.5) * z);
        return sigmoid_slope(z) * madd(a[0], lean, number<V>(1));
    }
};

// t f(-z) + (1 - t) f(z) with the sparse softplus f(u) = 0, (u + 1)^2/4 or u.
struct BinarySparsemax {
    template <class V>
    static V rising(V u) {
        const V half = number<V>(0.5);
        const DoubleWord<V> d = exact_sum(half, half * u);
        const V bent = d.high > V{} ? square(d) : unless_nan(u, V{});
        return u < number<V>(1) ? bent : u;
    }
    template <class V>
    static V value(V z, V t, const V*) {
        return Sides<V>(t).sum_of(rising(-z), rising(z));
    }
    template <class V>
    static V slope(V z, V t, const V*) {
        const V one = number<V>(1);
        const V middle = number<V>(0.5) * sum(exact_sum(one, t * number<V>(-2)), z).high;
        return abs(z) < one ? middle : unless_nan(z, z > V{} ? one - t : -t);
    }
    template <class V>
    static V curve(V z, V, const V*) {
        return abs(z) < number<V>(1) ? number<V>(0.5) : unless_nan(z, V{});
    }
    template <class V>
    static V target_slope(V z, V, const V*) {
        return -z;
    }
};

constexpr kernels::Parameter alpha = {"alpha", not_given, Domain::optional_unit_interval};
constexpr kernels::Parameter smoothing = {"label_smoothing", 0.0, Domain::unit_interval};

constexpr kernels::LossRow rows[] = {
    elementwise_loss<BinaryCrossEntropy>(
        LossFacts{.name = "binary_cross_entropy",
                  .formula = "-given(alpha) * ((1 - label_smoothing) * t + "
                             "label_smoothing / 2) * log(z) "
                             "- given(1 - alpha) "
                             "* ((1 - label_smoothing) * (1 - t) + label_smoothing / 2) "
                             "* log(1 - z)",
                  .link = Link::none,
                  .targets = Targets::unit_interval,
                  .source = "Good 1952; nothing is clipped; alpha: class balance as in "
                            "Lin et al. 2017",
                  .gradient = "given(1 - alpha) "
                              "* ((1 - label_smoothing) * (1 - t) + label_smoothing / 2) "
                              "/ (1 - z) "
                              "- given(alpha) * ((1 - label_smoothing) * t + "
                              "label_smoothing / 2) / z",
                  .second_derivative = "given(1 - alpha) "
                                       "* ((1 - label_smoothing) * (1 - t) + "
                                       "label_smoothing / 2) / (1 - z)**2 "
                                       "+ given(alpha) * ((1 - label_smoothing) * t + "
                                       "label_smoothing / 2) / z**2",
                  .input = "probability",
                  .parameters = {alpha, smoothing},
                  .aliases = {"bce", "log_loss"},
                  .z_above = 0,
                  .z_below = 1,
                  .scale = {.slope = "given(1 - alpha) "
                                     "* ((1 - label_smoothing) * (1 - t) + "
                                     "label_smoothing / 2) / (1 - z) "
                                     "+ given(alpha) * ((1 - label_smoothing) * t + "
                                     "label_smoothing / 2) / z"}}),
    elementwise_loss<LogitCrossEntropy<Weighted>>(
        LossFacts{.name = "bce_with_logits",
                  .formula = "pos_weight * given(alpha) * ((1 - label_smoothing) * t + "
                             "label_smoothing / 2) "
                             "* softplus(-z) + given(1 - alpha) "
                             "* ((1 - label_smoothing) * (1 - t) + label_smoothing / 2) "
                             "* softplus(z)",
                  .link = Link::sigmoid,
                  .targets = Targets::unit_interval,
                  .source = "Good 1952; alpha: class balance as in Lin et al. 2017",
                  .gradient = "given(1 - alpha) "
                              "* ((1 - label_smoothing) * (1 - t) + label_smoothing / 2) "
                              "* sigmoid(z) "
                              "- pos_weight * given(alpha) * ((1 - label_smoothing) * t "
                              "+ label_smoothing / 2) "
                              "* sigmoid(-z)",
                  .second_derivative = "(given(1 - alpha) * ((1 - label_smoothing) * (1 "
                                       "- t) + label_smoothing / 2) "
                                       "+ pos_weight * given(alpha) * ((1 - "
                                       "label_smoothing) * t + label_smoothing / 2)) "
                                       "* sigmoid(z) * sigmoid(-z)",
                  .input = "logit",
                  .parameters = {{"pos_weight", 1.0, Domain::non_negative}, alpha, smoothing},
                  .aliases = {"sigmoid_cross_entropy", "logistic", "half_binomial",
                              "binary_cross_entropy_with_logits"},
                  .scale = {.slope = "given(1 - alpha) "
                                     "* ((1 - label_smoothing) * (1 - t) + "
                                     "label_smoothing / 2) * sigmoid(z) "
                                     "+ pos_weight * given(alpha) "
                                     "* ((1 - label_smoothing) * t + label_smoothing / "
                                     "2) * sigmoid(-z)"}}),
    elementwise_loss<LogitCrossEntropy<Balanced>>(LossFacts{
        .name = "alpha_balanced_cross_entropy",
        .formula = "alpha * ((1 - label_smoothing) * t + label_smoothing / 2) "
                   "* softplus(-z) "
                   "+ (1 - alpha) "
                   "* ((1 - label_smoothing) * (1 - t) + label_smoothing / 2) "
                   "* softplus(z)",
        .link = Link::sigmoid,
        .targets = Targets::unit_interval,
        .source = "Lin et al. 2017, section 3.1",
        .gradient = "(1 - alpha) * ((1 - label_smoothing) * (1 - t) + "
                    "label_smoothing / 2) * sigmoid(z) "
                    "- alpha * ((1 - label_smoothing) * t + label_smoothing / "
                    "2) * sigmoid(-z)",
        .second_derivative = "((1 - alpha) * ((1 - label_smoothing) * (1 - t) + label_smoothing "
                             "/ 2) "
                             "+ alpha * ((1 - label_smoothing) * t + label_smoothing / 2)) "
                             "* sigmoid(z) * sigmoid(-z)",
        .input = "logit",
        .parameters = {{"alpha", 0.25, Domain::unit_interval}, smoothing},
        .scale = {.slope = "(1 - alpha) "
                           "* ((1 - label_smoothing) * (1 - t) + label_smoothing / 2) * "
                           "sigmoid(z) "
                           "+ alpha * ((1 - label_smoothing) * t + label_smoothing / 2) "
                           "* sigmoid(-z)"}}),
    elementwise_loss<PolyBinary>(
        LossFacts{.name = "poly_binary",
                  .formula = "t * (softplus(-z) + epsilon * sigmoid(-z)) "
                             "+ (1 - t) * (softplus(z) + epsilon * sigmoid(z))",
                  .link = Link::sigmoid,
                  .targets = Targets::unit_interval,
                  .source = "Leng et al. 2022",
                  .gradient = "sigmoid(z) - t + epsilon * (1 - 2 * t) * sigmoid(z) * sigmoid(-z)",
                  .second_derivative = "sigmoid(z) * sigmoid(-z) "
                                       "* (1 + epsilon * (1 - 2 * t) * (sigmoid(-z) - sigmoid(z)))",
                  .input = "logit",
                  .parameters = {{"epsilon", 2.0, Domain::real}},
                  .scale = {.value = "t * (softplus(-z) + abs(epsilon) * sigmoid(-z)) "
                                     "+ (1 - t) * (softplus(z) + abs(epsilon) * sigmoid(z))",
                            .slope = "t * sigmoid(-z) * (1 + abs(epsilon) * sigmoid(z)) "
                                     "+ (1 - t) * sigmoid(z) * (1 + abs(epsilon) * sigmoid(-z))",
                            .curve = "sigmoid(z) * sigmoid(-z) "
                                     "* (1 + abs(epsilon * (1 - 2 * t) * (sigmoid(-z) - "
                                     "sigmoid(z))))"}}),
    elementwise_loss<BinarySparsemax>(
        LossFacts{.name = "binary_sparsemax",
                  .formula = "t * (-z if z <= -1 else (max(0, 1 - z)**2 / 4)) "
                             "+ (1 - t) * (z if z >= 1 else (max(0, 1 + z)**2 / 4))",
                  .link = Link::sign,
                  .targets = Targets::unit_interval,
                  .source = "Blondel et al. 2019",
                  .gradient = "(1 - t) * min(1, max(0, 1 + z) / 2) - t * min(1, max(0, 1 "
                              "- z) / 2)",
                  .second_derivative = "1 / 2 if abs(z) < 1 else 0",
                  .input = "score",
                  .scale = {.slope = "(1 - t) * min(1, max(0, 1 + z) / 2) + t * min(1, "
                                     "max(0, 1 - z) / 2)"}}),
};

}  // namespace

kernels::Rows<kernels::LossRow> binary() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
