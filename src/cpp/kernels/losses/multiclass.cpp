// Losses of one class among many, the softmax merged.
#include "../normaliser.hpp"
#include "../power.hpp"
#include "../row_loops.hpp"
#include "../short_rows.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

template <class T>
bool no_such_class(const Row<T>& x, const RowTarget<T>& t) {
    return t.is_code() && std::uint64_t(t.code) >= std::uint64_t(x.size);
}

// Label smoothing: q = (1 - s) t + s mass(t) / K.
template <class T>
struct Smoothing {
    Wide<T> keep, share;  // 1 - s, s / K
    bool spreads;
    Smoothing(T s, std::ptrdiff_t size)
        : keep(Wide<T>(1) - Wide<T>(double(s))),
          share(Wide<T>(double(s)) / Wide<T>(double(size))),
          spreads(s != T(0)) {}
    // From the sums of t gap and of gap, gap = m - x, to that of q gap.
    T gap(Wide<T> cross, Wide<T> mass, Wide<T> all) const {
        if (!spreads) return cross.high()[0];
        const bool kept = keep.high()[0] != T(0);
        return ((kept ? keep * cross : Wide<T>(0)) + share * mass * all).high()[0];
    }
};

// The targets q of a row, and the sums its loss is made of.
template <class T>
class Smoothed {
public:
    using V = Vec<T>;
    Smoothed(T s, std::ptrdiff_t size) : smoothing_(s, size) {}
    // gap = m - x
    DELTARULE_INLINE void add(V t, V gap) {
        mass_sum_.add(t);
        cross_sum_.add(t == V{} ? V{} : t * gap);
        if (smoothing_.spreads) gap_sum_.add(gap);
    }
    DELTARULE_INLINE void settle() {
        mass_sum_.settle();
        cross_sum_.settle();
        gap_sum_.settle();
    }
    // -sum of q log softmax(x)
    RowLoss<T> finish(const Normaliser<T>& n) {
        const Wide<T> total = mass_sum_.total();
        mass = total.high();
        keep_ = smoothing_.keep.high(), spread_ = (smoothing_.share * total).high();
        const T gap = smoothing_.gap(cross_sum_.total(), total, gap_sum_.total());
        return {gap, mass[0], n.odds()[0]};
    }
    DELTARULE_INLINE V operator()(V t) const { return madd(keep_, t, spread_); }

    V mass{};

private:
    Smoothing<T> smoothing_;
    V keep_{}, spread_{};
    Sum<T> mass_sum_, cross_sum_, gap_sum_;
};

struct SoftmaxCrossEntropy {
    template <class T>
    DELTARULE_INLINE static RowLoss<T> value(Row<T> x, const RowTarget<T>& t, const T* a) {
        if (no_such_class(x, t)) return RowLoss<T>(T(not_given));
        const Terms<T> terms(x);
        if (t.is_code()) return {gap_of(x, t.code, terms, a[0]), T(1), terms.sum(x).odds()[0]};
        Smoothed<T> q(a[0], x.size);
        const Normaliser<T> n = terms.sum(
            x, [&](auto b, auto v, auto) { q.add(t.distribution(b), -terms.shifted(v)); }, q);
        return q.finish(n);
    }
    template <class T>
    DELTARULE_INLINE static RowLoss<T> both(Row<T> x, const RowTarget<T>& t, RowOut<T> out,
                                            T factor, const T* a) {
        if (no_such_class(x, t)) return out.fill(T(not_given)), RowLoss<T>(T(not_given));
        return t.is_code() ? of_code(x, t.code, out, factor, a[0])
                           : of_distribution(x, t.distribution, out, factor, a[0]);
    }
    static constexpr Index few = few_classes;
    template <class T>
    static bool are_short(const Sources<T>& z, const RowTargets<T>& t, const T* a) {
        return t.codes && a[0] == T(0) && z.size <= few_classes;
    }
    template <class T>
    DELTARULE_INLINE static bool short_rows(Index rows, Sources<T> z, RowTargets<T> t, T* values,
                                            Index step, const T* a) {
        if (!are_short(z, t, a)) return false;
        deltarule::DELTARULE_ISA::short_rows<false>(rows, z, t.codes, t.code_step, values, step,
                                                    Results<T>{}, T(1));
        return true;
    }
    template <class T>
    DELTARULE_INLINE static bool short_rows(Index rows, Sources<T> z, RowTargets<T> t, T* values,
                                            Index step, Results<T> slope, T factor, const T* a) {
        if (!are_short(z, t, a)) return false;
        deltarule::DELTARULE_ISA::short_rows<true>(rows, z, t.codes, t.code_step, values, step,
                                                   slope, factor);
        return true;
    }
    template <class T>
    DELTARULE_INLINE static RowLoss<T> of_code(const Row<T>& x, std::ptrdiff_t code,
                                               const RowOut<T>& out, T factor, T s) {
        using V = Vec<T>;
        const Terms<T> terms(x);
        Scratch<T> scratch;
        const Kept<T> kept(scratch, out);
        const T gap = gap_of(x, code, terms, s), share = s / T(x.size);
        const bool is_top = x[code] == terms.max[0] && s - share < T(0.5);
        const Normaliser<T> n = terms.sum(x, [&](auto b, V, V e) {
            kept.put(b, e);
            x.fetch_next(b);
            out.fetch(b);
        });
        const T here = is_top ? (s - share) - n.share(n.rest)[0]
                              : n.probability(splat(kept[code]))[0] - ((T(1) - s) + share);
        // Large factors apart: a term that stands for 0 must stay 0.
        const bool small = factor <= T(0x1p32) && factor >= -T(0x1p32);
        const V each = splat(small ? T(1) : factor), spread = splat(small ? factor * share : share);
        const V scale = small ? (n.inverse * Wide<T>(double(factor))).high() : n.high;
        if (s == T(0))
            for_each_block<T>(x.size, [&](auto b) { out.put(b, each * (kept(b) * scale)); });
        else
            for_each_block<T>(x.size,
                              [&](auto b) { out.put(b, each * (kept(b) * scale - spread)); });
        out.at[code * out.step] = factor * here;
        return {gap, T(1), n.odds()[0]};
    }

private:
    // The loss without the logarithm of the normaliser.
    template <class T>
    DELTARULE_INLINE static T gap_of(const Row<T>& x, std::ptrdiff_t code, const Terms<T>& terms,
                                     T s) {
        const T gap = -terms.shifted(splat(x[code]))[0];
        if (s == T(0)) return gap;
        Sum<T> gaps;
        for_each_block<T>(x.size, [&](auto b) { gaps.add(-terms.shifted(x(b, terms.max))); }, gaps);
        return Smoothing<T>(s, x.size).gap(Wide<T>(double(gap)), Wide<T>(1), gaps.total());
    }
    template <class T>
    DELTARULE_INLINE static RowLoss<T> of_distribution(const Row<T>& x, const Row<T>& t,
                                                       const RowOut<T>& out, T factor, T s) {
        using V = Vec<T>;
        const Terms<T> terms(x);
        Scratch<T> scratch;
        const Kept<T> kept(scratch, out);
        Smoothed<T> q(s, x.size);
        const Normaliser<T> n = terms.sum(
            x,
            [&](auto b, V v, V e) {
                q.add(t(b), -terms.shifted(v));
                kept.put(b, e);
            },
            q);
        const RowLoss<T> loss = q.finish(n);
        const V each = splat(factor);
        const Residual<T> residual(terms, n, q.mass);
        for_each_block<T>(x.size, [&](auto b) { out.put(b, each * residual(kept(b), q(t(b)))); });
        return loss;
    }
};

// P = mass(t) softmax(x) and P - t of a row, in double words: their errors are all that is left of
// the divergence of distributions that are nearly equal.
template <class T>
class Expected {
public:
    using V = Vec<T>;
    Expected(const Row<T>& x, const Row<T>& t) : max(largest(x)) {
        const std::ptrdiff_t top = index_of(t, largest(t));
        const V one = number<V>(1), zero{};
        Sum<T> others, above_one;  // mass - 1: 1 is taken from the largest t
        std::ptrdiff_t smaller = 0;
        for_each_block<T>(x.size, [&](auto b) {
            const V v = x(b, max), q = t(b);
            const DoubleWord<V> e = term(v);
            others.add_exactly({v == max ? zero : e.high, v == max ? zero : e.low});
            above_one.add_exactly(exact_sum(q, lane_at<T>(top - b.at) ? -one : zero));
            smaller += count_different(max, v);
        });
        const Wide<T> rest = others.total() + Wide<T>(double(x.size - smaller - 1));
        const Wide<T> total = Wide<T>(1) + rest;
        more = above_one.total().word();
        mass = (Wide<T>(1) + above_one.total()).word();
        log_total = log1p_pair(rest.word());
        share_ = (Wide<T>(mass) / total).word();
        other_share_ = (Wide<T>(mass) * rest / total).word();
    }
    // x - m
    DELTARULE_INLINE DoubleWord<V> shifted(V x) const {
        const DoubleWord<V> d = exact_sum(x, -max);
        return {x == max ? V{} : x - max, abs(d.low) < number<V>(1) ? d.low : V{}};
    }
    DELTARULE_INLINE DoubleWord<V> operator()(V x) const { return product(term(x), share_); }
    DELTARULE_INLINE DoubleWord<V> minus(V t, V x) const {
        const DoubleWord<V> p = (*this)(x), direct = exact_sum(p.high, -t);
        // 1 - t + (mass - 1) - the share of the others
        const DoubleWord<V> rest = exact_sum(number<V>(1), -t),
                            less = exact_sum(more.high, -other_share_.high),
                            near = exact_sum(rest.high, less.high);
        const V low = near.low + (rest.low + (less.low + (more.low - other_share_.low)));
        const auto mine = (x == max) & (number<V>(2) * t > mass.high);
        return exact_sum(mine ? near.high : direct.high, mine ? low : direct.low + p.low);
    }

    V max;                     // m
    DoubleWord<V> mass, more;  // of t, and less 1
    DoubleWord<V> log_total;   // log(sum of e^(x - m))

private:
    DELTARULE_INLINE DoubleWord<V> term(V x) const {
        const DoubleWord<V> d = shifted(x);
        const Exponential<V> e = precise_exponential(d.high, d.low);
        return {e.value(), e.scale(e.low)};
    }
    DoubleWord<V> share_, other_share_;  // mass / total, mass rest / total
};

// sum_k t_k (log t_k - log softmax(x)_k) / log(base), base = a[0]; log-probabilities are logits of
// themselves.  It is mass log mass and the sum of t log(t/P) - t + P: no term is negative, and an
// error of P counts only as far as P differs from t.
struct KlDivergence {
    template <class T>
    static RowLoss<T> value(Row<T> x, const RowTarget<T>& t, const T* a) {
        if (no_such_class(x, t)) return RowLoss<T>(T(not_given));
        const T none = T(0);
        if (t.is_code()) return times(per_log(a[0]), SoftmaxCrossEntropy::value(x, t, &none));
        return divergence(x, t.distribution, per_log(a[0]), [](auto, auto) {});
    }
    template <class T>
    static RowLoss<T> both(Row<T> x, const RowTarget<T>& t, RowOut<T> out, T factor, const T* a) {
        if (no_such_class(x, t)) return out.fill(T(not_given)), RowLoss<T>(T(not_given));
        const Wide<T> scale = per_log(a[0]);
        const T steep = factor * scale.high()[0];
        if (t.is_code())
            return times(scale, SoftmaxCrossEntropy::of_code(x, t.code, out, steep, T(0)));
        return divergence(x, t.distribution, scale,
                          [&](auto b, Vec<T> slope) { out.put(b, splat(steep) * slope); });
    }

private:
    template <class T>
    static Wide<T> per_log(T base) {
        return Wide<T>(1) / Wide<T>(log_pair(splat(base)));
    }
    template <class T>
    static RowLoss<T> times(Wide<T> scale, RowLoss<T> v) {
        const DoubleWord<Vec<T>> log = log1p_pair(DoubleWord<Vec<T>>{splat(v.odds), Vec<T>{}});
        return RowLoss<T>(((Wide<T>(double(v.base)) + Wide<T>(log)) * scale).high()[0]);
    }
    // slope(block, P - t) sees every block.
    template <class T, class F>
    static RowLoss<T> divergence(const Row<T>& x, const Row<T>& t, Wide<T> scale, F slope) {
        using V = Vec<T>;
        const Expected<T> expected(x, t);
        Sum<T> loss;
        for_each_block<T>(x.size, [&](auto b) {
            const V v = x(b, expected.max), q = t(b);
            const DoubleWord<V> d = expected.minus(q, v), term = term_of(expected, q, v, d);
            loss.add_exactly({b.only(term.high), b.only(term.low)});
            slope(b, d.high + d.low);
        });
        const Wide<T> own = expected.mass.high[0] == T(0)
                                ? Wide<T>(0)
                                : Wide<T>(product(expected.mass, log1p_pair(expected.more)));
        return RowLoss<T>(((loss.total() + own) * scale).high()[0]);
    }
    // t log(t/P) + d, d = P - t
    template <class T, class V>
    DELTARULE_INLINE static DoubleWord<V> term_of(const Expected<T>& expected, V t, V x,
                                                  DoubleWord<V> d) {
        const V w = d.high / t, small = splat(Traits<T>::smallest_normal), zero{};
        const DoubleWord<V> p = expected(x), shifted = expected.shifted(x);
        const auto near = abs(w) < number<V>(0.1), tiny = p.high < small * number<V>(0x1p50);
        const DoubleWord<V> odds = quotient({at_least(t, small), zero}, p);
        // log t, plus log(sum / mass) - (x - m) where P has lost digits
        const DoubleWord<V> log_odds =
            log_pair(DoubleWord<V>{tiny ? t : odds.high, tiny ? zero : odds.low});
        const V log_mass = log(expected.mass.high);
        const DoubleWord<V> base = exact_sum(expected.log_total.high, -shifted.high);
        const V base_low = (expected.log_total.low - shifted.low) + (base.low - log_mass);
        const DoubleWord<V> whole = exact_sum(log_odds.high, base.high);
        const DoubleWord<V> ratio = {
            tiny ? whole.high : log_odds.high,
            tiny ? settled(log_odds.low + (whole.low + base_low)) : log_odds.low};
        const DoubleWord<V> cross = product({t, zero}, ratio), far = exact_sum(cross.high, d.high);
        const V far_low = settled(far.low + (cross.low + d.low)), excess = t * log_excess(w);
        return {t == zero ? d.high : (near ? excess : far.high),
                t == zero ? d.low : (near ? zero : far_low)};
    }
    // w - log(1 + w) for |w / (2 + w)| <= 3 - 2 sqrt(2)
    template <class V>
    DELTARULE_INLINE static V log_excess(V w) {
        const V s = w / (number<V>(2) + w), z = s * s;
        return s * (w - z * polynomial(z, Constants<Element<V>>::log));
    }
};

constexpr kernels::LossRow rows[] = {
    rowwise_loss<SoftmaxCrossEntropy>(
        LossFacts{.name = "softmax_cross_entropy",
                  .formula = "sum(((1 - label_smoothing) * t + label_smoothing * sum(t) / size(t)) "
                             "* (log(sum(exp(z))) - z))",
                  .link = Link::softmax,
                  .targets = Targets::classes,
                  .source = "Bridle 1990; smoothing: Szegedy et al. 2016",
                  .gradient = "sum(t) * exp(z) / sum(exp(z)) "
                              "- ((1 - label_smoothing) * t + label_smoothing * sum(t) / size(t))",
                  .parameters = {{"label_smoothing", 0.0, Domain::unit_interval}},
                  .linear_in_targets = true,
                  .aliases = {"cross_entropy", "softmax_loss", "half_multinomial",
                              "softmax_log_likelihood"}}),
    rowwise_loss<KlDivergence>(LossFacts{
        .name = "kl_divergence",
        .formula = "sum(xlogx(t) - t * (z - log(sum(exp(z))))) / log(base)",
        .link = Link::softmax,
        .targets = Targets::classes,
        .source = "Kullback and Leibler 1951",
        .gradient = "(sum(t) * exp(z) / sum(exp(z)) - t) / log(base)",
        .parameters = {{"base", 2.718281828459045, Domain::at_least_one}},
        .aliases = {"kld", "relative_entropy"},
        .scale = {.value = "sum(abs(xlogx(t) - t * (z - log(sum(exp(z)))))) / log(base)"}}),
};

}  // namespace

kernels::Rows<kernels::LossRow> multiclass() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
