// Losses of two classes that turn away from what is already right: z a logit, t the probability of
// class 1.
#include "sides.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// Of a logit z: sigmoid(|z|), sigmoid(-|z|) with and without its scale, log(1 + e^-|z|) and
// log(1 + e^|z|).
template <class V>
struct Logit {
    Decay<V> decay;
    DoubleWord<V> large, unscaled, small, tail, whole;
    explicit Logit(V z)
        : decay(z),
          large(quotient(word(number<V>(1)), decay.d)),
          unscaled(quotient(decay.unscaled(), decay.d)),
          small{decay.e.scale(unscaled.high), decay.e.scale(unscaled.low)},
          tail(log1p_pair(decay.t)),
          whole(sum(tail, abs(z))) {}
    // x times sigmoid(-|z|) where `far`, else times sigmoid(|z|)
    DoubleWord<V> times_chance(DoubleWord<V> x, Ints<Element<V>> far) const {
        const DoubleWord<V> p = product(x, select(far, unscaled, large));
        return {far ? decay.e.scale(p.high) : p.high, far ? decay.e.scale(p.low) : p.low};
    }
};

template <class V>
DoubleWord<V> scaled(const Exponential<V>& e, DoubleWord<V> factor) {
    const DoubleWord<V> p = product(DoubleWord<V>{e.mantissa, e.low}, factor);
    return {e.scale(p.high), e.scale(settled(p.low))};
}

// The term of a class at its margin m (z for class 1, -z for class 0): N^gamma L with
// N = sigmoid(-m), S = sigmoid(m), L = softplus(-m).
template <class V>
struct FocalTerm {
    const Logit<V>& logit;
    Ints<Element<V>> right;  // m > 0
    V gamma;
    DoubleWord<V> n, s, loss;
    Exponential<V> power;  // N^gamma
    FocalTerm(const Logit<V>& l, Ints<Element<V>> right_, V gamma_)
        : logit(l),
          right(right_),
          gamma(gamma_),
          n(select(right, l.small, l.large)),
          s(select(right, l.large, l.small)),
          loss(select(right, l.tail, l.whole)),
          power(exponential_of_product(-select(right, l.whole, l.tail), word(gamma))) {}
    DoubleWord<V> value() const { return scaled(power, loss); }
    // -f' = N^gamma (gamma S L + N)
    DoubleWord<V> fall() const {
        const DoubleWord<V> damped = product(s, loss);
        const Ints<Element<V>> gone = s.high == V{};
        const DoubleWord<V> pull = select(gone, word(V{}), product(word(gamma), damped));
        return scaled(power, sum(n, pull));
    }
    // N^gamma S (N (2 gamma + 1) + gamma L (gamma S - N))
    V curve() const {
        const V steep = n.high * madd(number<V>(2), gamma, number<V>(1));
        const V bend = madd(gamma * loss.high, madd(gamma, s.high, -n.high), steep);
        return s.high == V{} ? V{} : logit.times_chance(word(power.times(bend)), !right).high;
    }
};

// a[0] = gamma, a[1] = alpha, a[2] = label_smoothing
struct BinaryFocal {
    template <class V>
    static V value(V z, V t, const V* a) {
        const Logit<V> l(z);
        const FocalTerm<V> p(l, z > V{}, a[0]), n(l, z < V{}, a[0]);
        return unless_nan(z, Sides<V>(t, a[1], a[2]).sum_of(p.value(), n.value()));
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        const Logit<V> l(z);
        const FocalTerm<V> p(l, z > V{}, a[0]), n(l, z < V{}, a[0]);
        return unless_nan(z, Sides<V>(t, a[1], a[2]).difference_of(p.fall(), n.fall()));
    }
    template <class V>
    static V curve(V z, V t, const V* a) {
        const Logit<V> l(z);
        const FocalTerm<V> p(l, z > V{}, a[0]), n(l, z < V{}, a[0]);
        return unless_nan(z, Sides<V>(t, a[1], a[2]).sum_of(p.curve(), n.curve()));
    }
};

// The term of class 0 with the probability shifted by `clip`: q^gamma L, q = p - clip,
// L = -log(1 - q); 0 where p <= clip.
template <class V>
struct ShiftedTerm {
    const Logit<V>& logit;
    Ints<Element<V>> up, whole;  // z > 0; clip = 0
    V gamma, clip;
    DoubleWord<V> p, rest, q, kept, loss;  // p, 1 - p, q, 1 - q, L
    Exponential<V> power;                  // q^gamma
    ShiftedTerm(V z, const Logit<V>& l, V gamma_, V clip_)
        : logit(l),
          up(z > V{}),
          whole(clip_ == V{}),
          gamma(gamma_),
          clip(clip_),
          p(select(up, l.large, l.small)),
          rest(select(up, l.small, l.large)),
          q(excess(z, p, clip)),
          power(exponential_of_product(log_pair(q), word(gamma))) {
        const Ints<Element<V>> near = q.high < number<V>(0.5);
        kept = select(near, sum(-q, number<V>(1)), sum(rest, clip));
        loss = select(whole, select(up, l.whole, l.tail), -log_pair(kept));
    }
    // p - clip; near 0 as p (1 - clip) (1 - e^(c - z)) with sigmoid(c) = clip, of which nothing
    // cancels but c - z.
    static DoubleWord<V> excess(V z, DoubleWord<V> p, V clip) {
        const DoubleWord<V> keep = exact_sum(number<V>(1), -clip);
        const DoubleWord<V> x = sum(log_pair(quotient(word(clip), keep)), -z);
        const DoubleWord<V> q = product(product(p, keep), -expm1_pair(x.high, x.low));
        return select(p.high > clip + clip, sum(p, -clip), sum_of_ordered(q.high, q.low));
    }
    DoubleWord<V> where_on(DoubleWord<V> result) const {
        return select(q.high > V{}, result, word(V{}));
    }
    DoubleWord<V> value() const { return where_on(scaled(power, loss)); }
    // q^gamma p (gamma (1 - p) L / q + (1 - p) / (1 - q))
    DoubleWord<V> slope() const {
        const DoubleWord<V> one = word(number<V>(1));
        const Ints<Element<V>> faint = q.high < number<V>(0x1p-60);  // L / q rounds to 1
        const DoubleWord<V> pull = product(word(gamma), select(faint, one, quotient(loss, q)));
        const DoubleWord<V> damped = select(rest.high == V{}, word(V{}), product(rest, pull));
        const DoubleWord<V> inner = select(whole, sum(one, damped), sum(quotient(one, kept), pull));
        const DoubleWord<V> outer = scaled(power, product(p, inner));
        return where_on(select(whole, outer, logit.times_chance(outer, up)));
    }
    // With r = p (1 - p) / q, s = p (1 - p) / (1 - q):
    // q^gamma (gamma r L ((gamma - 1) r + 1 - 2p) + 2 gamma r s + s (1 - p - p clip / (1 - q)))
    V curve() const {
        const V one = number<V>(1), two = number<V>(2), inverse = one / kept.high;
        const V ratio = p.high / q.high, r = ratio * rest.high;
        const V share = whole ? one : rest.high * inverse;
        const V lean = madd(gamma - one, r, rest.high - p.high);
        const V first = gamma * ratio * madd(loss.high, lean, two * p.high * share);
        const DoubleWord<V> beyond = quotient(product(p, word(clip)), kept);
        const V last = p.high * inverse * sum(rest, -beyond).high;
        const V y = power.times(first + (whole ? p.high : last));
        const V all = logit.times_chance(word(y), up).high;
        return (q.high > V{}) & (rest.high > V{}) ? all : V{};
    }
};

// a[0] = gamma_neg, a[1] = gamma_pos, a[2] = clip
struct AsymmetricMultilabel {
    template <class V>
    static V value(V z, V t, const V* a) {
        const Logit<V> l(z);
        const FocalTerm<V> p(l, z > V{}, a[1]);
        return unless_nan(z,
                          Sides<V>(t).sum_of(p.value(), ShiftedTerm<V>(z, l, a[0], a[2]).value()));
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        const Logit<V> l(z);
        const DoubleWord<V> p = FocalTerm<V>(l, z > V{}, a[1]).fall();
        return unless_nan(z,
                          Sides<V>(t).difference_of(p, ShiftedTerm<V>(z, l, a[0], a[2]).slope()));
    }
    template <class V>
    static V curve(V z, V t, const V* a) {
        const Logit<V> l(z);
        const V p = FocalTerm<V>(l, z > V{}, a[1]).curve();
        return unless_nan(z, Sides<V>(t).sum_of(p, ShiftedTerm<V>(z, l, a[0], a[2]).curve()));
    }
};

constexpr kernels::LossRow rows[] = {
    elementwise_loss<BinaryFocal>(LossFacts{
        .name = "binary_focal",
        .formula = "given(alpha) * ((1 - label_smoothing) * t + label_smoothing / 2) "
                   "* sigmoid(-z)**gamma * softplus(-z) + given(1 - alpha) "
                   "* ((1 - label_smoothing) * (1 - t) + label_smoothing / 2) "
                   "* sigmoid(z)**gamma * softplus(z)",
        .link = Link::sigmoid,
        .targets = Targets::unit_interval,
        .source = "Lin et al. 2017",
        .gradient = "given(1 - alpha) * ((1 - label_smoothing) * (1 - t) + "
                    "label_smoothing / 2) "
                    "* sigmoid(z)**gamma * (gamma * sigmoid(-z) * softplus(z) "
                    "+ sigmoid(z)) "
                    "- given(alpha) * ((1 - label_smoothing) * t + "
                    "label_smoothing / 2) "
                    "* sigmoid(-z)**gamma * (gamma * sigmoid(z) * softplus(-z) "
                    "+ sigmoid(-z))",
        .second_derivative = "given(1 - alpha) * ((1 - label_smoothing) * (1 - t) + "
                             "label_smoothing / 2) "
                             "* sigmoid(z)**gamma * sigmoid(-z) * (sigmoid(z) * (2 * gamma + 1) "
                             "+ gamma * softplus(z) * (gamma * sigmoid(-z) - sigmoid(z))) "
                             "+ given(alpha) * ((1 - label_smoothing) * t + label_smoothing / "
                             "2) "
                             "* sigmoid(-z)**gamma * sigmoid(z) * (sigmoid(-z) * (2 * gamma + "
                             "1) "
                             "+ gamma * softplus(-z) * (gamma * sigmoid(z) - sigmoid(-z)))",
        .input = "logit",
        .parameters = {{"gamma", 2.0, Domain::non_negative},
                       {"alpha", not_given, Domain::optional_unit_interval},
                       {"label_smoothing", 0.0, Domain::unit_interval}},
        .aliases = {"sigmoid_focal"},
        .scale = {.slope = "given(1 - alpha) "
                           "* ((1 - label_smoothing) * (1 - t) + label_smoothing / 2) "
                           "* sigmoid(z)**gamma * (gamma * sigmoid(-z) * softplus(z) + "
                           "sigmoid(z)) "
                           "+ given(alpha) * ((1 - label_smoothing) * t + "
                           "label_smoothing / 2) "
                           "* sigmoid(-z)**gamma * (gamma * sigmoid(z) * softplus(-z) + "
                           "sigmoid(-z))",
                  .curve = "given(1 - alpha) "
                           "* ((1 - label_smoothing) * (1 - t) + label_smoothing / 2) "
                           "* sigmoid(z)**gamma * sigmoid(-z) * (sigmoid(z) * (2 * gamma "
                           "+ 1) "
                           "+ gamma * softplus(z) * (gamma * sigmoid(-z) + sigmoid(z))) "
                           "+ given(alpha) * ((1 - label_smoothing) * t + "
                           "label_smoothing / 2) "
                           "* sigmoid(-z)**gamma * sigmoid(z) * (sigmoid(-z) * (2 * "
                           "gamma + 1) "
                           "+ gamma * softplus(-z) * (gamma * sigmoid(z) + "
                           "sigmoid(-z)))"}}),
    elementwise_loss<AsymmetricMultilabel>(LossFacts{
        .name = "asymmetric_multilabel",
        .formula = "t * sigmoid(-z)**gamma_pos * softplus(-z) "
                   "- (1 - t) * max(0, sigmoid(z) - clip)**gamma_neg "
                   "* log(1 - max(0, sigmoid(z) - clip))",
        .link = Link::sigmoid,
        .targets = Targets::unit_interval,
        .source = "Ridnik et al. 2021",
        .gradient = "((1 - t) * sigmoid(z) * sigmoid(-z) * (sigmoid(z) - "
                    "clip)**gamma_neg "
                    "* (1 / (sigmoid(-z) + clip) "
                    "- gamma_neg * log(sigmoid(-z) + clip) / (sigmoid(z) - clip)) "
                    "if sigmoid(z) > clip else 0) "
                    "- t * sigmoid(-z)**gamma_pos * (gamma_pos * sigmoid(z) * "
                    "softplus(-z) + sigmoid(-z))",
        .second_derivative = "((1 - t) * sigmoid(z) * sigmoid(-z) * (sigmoid(z) - "
                             "clip)**gamma_neg "
                             "* ((sigmoid(-z) - sigmoid(z)) * (1 / (sigmoid(-z) + clip) "
                             "- gamma_neg * log(sigmoid(-z) + clip) / (sigmoid(z) - clip)) "
                             "+ sigmoid(z) * sigmoid(-z) * (1 / (sigmoid(-z) + clip)**2 "
                             "+ 2 * gamma_neg / ((sigmoid(z) - clip) * (sigmoid(-z) + clip)) "
                             "- gamma_neg * (gamma_neg - 1) * log(sigmoid(-z) + clip) / "
                             "(sigmoid(z) - clip)**2)) "
                             "if sigmoid(z) > clip else 0) "
                             "+ t * sigmoid(-z)**gamma_pos * sigmoid(z) * (sigmoid(-z) * (2 * "
                             "gamma_pos + 1) "
                             "+ gamma_pos * softplus(-z) * (gamma_pos * sigmoid(z) - "
                             "sigmoid(-z)))",
        .input = "logit",
        .parameters = {{"gamma_neg", 4.0, Domain::non_negative},
                       {"gamma_pos", 1.0, Domain::non_negative},
                       {"clip", 0.05, Domain::unit_interval}},
        .scale = {.value = "t * sigmoid(-z)**gamma_pos * softplus(-z) "
                           "+ ((1 - t) * (gamma_neg + 1) * (sigmoid(z) - "
                           "clip)**gamma_neg * sigmoid(z) "
                           "if sigmoid(z) > clip else 0)",
                  .slope = "t * sigmoid(-z)**gamma_pos * (gamma_pos * sigmoid(z) * "
                           "softplus(-z) + sigmoid(-z)) "
                           "+ ((1 - t) * (gamma_neg + 1) * sigmoid(z) * sigmoid(-z) "
                           "* (sigmoid(z) - clip)**gamma_neg * (1 + gamma_neg * "
                           "sigmoid(z) / (sigmoid(z) - clip)) "
                           "if sigmoid(z) > clip else 0)",
                  .curve = "t * sigmoid(-z)**gamma_pos * sigmoid(z) * (sigmoid(-z) * (2 "
                           "* gamma_pos + 1) "
                           "+ gamma_pos * softplus(-z) * (gamma_pos * sigmoid(z) + "
                           "sigmoid(-z))) "
                           "+ ((1 - t) * (gamma_neg + 1)**2 * sigmoid(z) * sigmoid(-z) "
                           "* (sigmoid(z) - clip)**gamma_neg "
                           "* (1 + gamma_neg * sigmoid(z) / (sigmoid(z) - clip))**2 "
                           "if sigmoid(z) > clip else 0)"}}),
};

}  // namespace

kernels::Rows<kernels::LossRow> focal() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
