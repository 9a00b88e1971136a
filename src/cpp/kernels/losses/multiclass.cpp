// Losses of one class among many, the softmax merged.
#include "../normaliser.hpp"
#include "../row_loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

template <class T>
bool no_such_class(const Row<T>& x, const RowTarget<T>& t) {
    return t.is_code() && std::uint64_t(t.code) >= std::uint64_t(x.size);
}

// Targets q = (1 - s) t + s mass(t) / K of a row, and the sums its loss is made of.
template <class T>
class Smoothed {
public:
    using V = Vec<T>;
    Smoothed(T smoothing, std::ptrdiff_t size)
        : keep_(splat(T(1) - smoothing)),
          share_(splat(smoothing / T(size))),
          spreads_(share_ != V{}) {}
    // gap = m - x
    DELTARULE_INLINE void add(V t, V gap) {
        mass_sum_.add(t);
        cross_sum_.add(t == V{} ? V{} : t * gap);
        gap_sum_.add(spreads_ ? gap : V{});
    }
    DELTARULE_INLINE void settle() {
        mass_sum_.settle();
        cross_sum_.settle();
        gap_sum_.settle();
    }
    // -sum of q log softmax(x)
    RowLoss<T> finish(const Normaliser<T>& n) {
        mass = mass_sum_.total().high();
        const V cross = keep_ * cross_sum_.total().high();
        const V spread = share_ * mass * gap_sum_.total().high();
        return {(cross + spread)[0], mass[0], n.odds()[0]};
    }
    DELTARULE_INLINE V operator()(V t) const { return madd(keep_, t, share_ * mass); }

    V mass{};

private:
    V keep_, share_;
    Ints<T> spreads_;
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
        const V each = splat(factor), spread = splat(share);
        if (s == T(0))
            for_each_block<T>(x.size, [&](auto b) { out.put(b, each * (kept(b) * n.high)); });
        else
            for_each_block<T>(x.size,
                              [&](auto b) { out.put(b, each * (kept(b) * n.high - spread)); });
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
        return (T(1) - s) * gap + s / T(x.size) * gaps.total().high()[0];
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

// sum_k t_k (log t_k - log softmax(x)_k) / log(base), base = a[0]; log-probabilities are logits of
// themselves.  With P = mass(t) softmax(x) it is mass log mass and the sum of t log(t/P) - t + P,
// terms that are not negative and whose errors are of the size of P - t.
struct KlDivergence {
    template <class T>
    DELTARULE_INLINE static RowLoss<T> value(Row<T> x, const RowTarget<T>& t, const T* a) {
        if (no_such_class(x, t)) return RowLoss<T>(T(not_given));
        const T scale = per_log(a[0]), none = T(0);
        if (t.is_code()) return times(scale, SoftmaxCrossEntropy::value(x, t, &none));
        return RowLoss<T>(scale * divergence(x, t.distribution, [](auto, auto) {}));
    }
    template <class T>
    DELTARULE_INLINE static RowLoss<T> both(Row<T> x, const RowTarget<T>& t, RowOut<T> out,
                                            T factor, const T* a) {
        if (no_such_class(x, t)) return out.fill(T(not_given)), RowLoss<T>(T(not_given));
        const T scale = per_log(a[0]), steep = factor * scale;
        if (t.is_code())
            return times(scale, SoftmaxCrossEntropy::of_code(x, t.code, out, steep, T(0)));
        const Vec<T> each = splat(steep);
        return RowLoss<T>(scale * divergence(x, t.distribution, [&](auto b, Vec<T> slope) {
                              out.put(b, each * slope);
                          }));
    }

private:
    template <class T>
    static T per_log(T base) {
        return T(1.0 / log(splat(double(base)))[0]);
    }
    template <class T>
    static RowLoss<T> times(T scale, RowLoss<T> v) {
        return {scale * v.base, scale * v.weight, v.odds};
    }
    // w - log(1 + w) for |w / (2 + w)| <= 3 - 2 sqrt(2)
    template <class V>
    DELTARULE_INLINE static V excess(V w) {
        const V s = w / (number<V>(2) + w), z = s * s;
        return s * (w - z * polynomial(z, Constants<Element<V>>::log));
    }
    // slope(block, P - t) sees every block.
    template <class T, class F>
    static T divergence(const Row<T>& x, const Row<T>& t, F slope) {
        using V = Vec<T>;
        const Terms<T> terms(x);
        const V one = number<V>(1), zero{};
        const std::ptrdiff_t top = index_of(t, largest(t));
        Sum<T> above_one, loss;  // mass - 1, and the sum
        const Normaliser<T> n = terms.sum(x, [&](auto b, V, V) {
            const V q = t(b);
            above_one.add_exactly(lane_at<T>(top - b.at) ? q - one : q);
        });
        const V more = above_one.total().high(), mass = one + more, log_mass = log1p(more);
        const V log_total = n.log_total() - log_mass;
        const V small = splat(Traits<T>::smallest_normal), least = small * number<V>(0x1p20);
        const Residual<T> residual(terms, n, mass);
        for_each_block<T>(
            x.size,
            [&](auto b) {
                const V v = x(b, terms.max), q = t(b), term = terms(v), d = residual(term, q);
                const V p = mass * n.probability(term), w = d / q;
                const auto near = (w > number<V>(-0.29)) & (w < number<V>(0.41)), tiny = p < least;
                const V odds = log(tiny ? q : at_least(q / p, small));
                const V ratio = tiny ? odds + (log_total - terms.shifted(v)) : odds;
                const V far = madd(q, ratio, d);
                loss.add(b.only(q == zero ? d : (near ? q * excess(w) : far)));
                slope(b, d);
            },
            loss);
        const V own = mass == zero ? zero : mass * log_mass;
        return (loss.total().high() + own)[0];
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
                  .aliases = {"cross_entropy", "categorical_cross_entropy", "softmax_loss",
                              "half_multinomial", "softmax_log_likelihood"}}),
    rowwise_loss<KlDivergence>(
        LossFacts{.name = "kl_divergence",
                  .formula = "sum(xlogx(t) - t * (z - log(sum(exp(z))))) / log(base)",
                  .link = Link::softmax,
                  .targets = Targets::classes,
                  .source = "Kullback and Leibler 1951",
                  .gradient = "(sum(t) * exp(z) / sum(exp(z)) - t) / log(base)",
                  .parameters = {{"base", 2.718281828459045, Domain::at_least_one}},
                  .aliases = {"kld", "relative_entropy"}}),
};

}  // namespace

kernels::Rows<kernels::LossRow> multiclass() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
