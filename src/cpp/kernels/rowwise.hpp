// Functions of a whole row of K numbers: softmax, log_softmax and the losses that merge them.
//
// A row is read through `Row`, contiguous (step 1) or strided; nothing is written that was not read
// first, so a result may overwrite its input.  One rule serves every row: d_j = 0 where x_j equals
// the maximum m, else x_j - m.  It gives softmax its limit for entries of -inf and +inf, 1/K for a
// row of -inf, and NaN for a row that holds a NaN.
//
// With rest = sum over all but one maximal entry of e^(d_j), the normaliser is 1 + rest: its
// logarithm is log1p(rest) and the slope of a confident right answer is -rest / (1 + rest), neither
// of which is rounded to 0.
#pragma once

#include "activations.hpp"

namespace deltarule::DELTARULE_ISA {

template <class T>
struct Row {
    const T* at;
    std::ptrdiff_t step, size;

    // The lanes from i on; beyond the end of the row, `fill`.
    DELTARULE_INLINE Vec<T> operator()(std::ptrdiff_t i, Vec<T> fill) const {
        const std::ptrdiff_t n = size - i;
        if (step == 1) return n >= lanes<T> ? load(at + i) : load(at + i, n, fill);
        for (std::ptrdiff_t k = 0; k < lanes<T> && k < n; ++k) fill[k] = at[(i + k) * step];
        return fill;
    }
};

template <class T>
struct RowOut {
    T* at;
    std::ptrdiff_t step, size;

    DELTARULE_INLINE void put(std::ptrdiff_t i, Vec<T> v) const {
        const std::ptrdiff_t n = size - i;
        if (step == 1) return n >= lanes<T> ? store(at + i, v) : store(at + i, n, v);
        for (std::ptrdiff_t k = 0; k < lanes<T> && k < n; ++k) at[(i + k) * step] = v[k];
    }
};

// Adds vectors in blocks of 32, so that the rounding error grows with K/(32 lanes), not with K.
template <class V>
struct Accumulator {
    V total{}, block{};
    int count = 0;
    DELTARULE_INLINE void add(V v) {
        block += v;
        if (++count == 32) {
            total += block;
            block = V{};
            count = 0;
        }
    }
    DELTARULE_INLINE Element<V> sum() const { return deltarule::DELTARULE_ISA::sum(total + block); }
};

// What every row function needs first.
template <class T>
struct Normaliser {
    using V = Vec<T>;
    V max, rest, total;  // splats: m, rest, 1 + rest

    explicit Normaliser(const Row<T>& x) {
        const V lowest = splat(T(-__builtin_inf()));
        V highest = lowest;
        for (std::ptrdiff_t i = 0; i < x.size; i += lanes<T>)
            highest = deltarule::DELTARULE_ISA::max(highest, x(i, lowest));
        max = splat(maximum(highest));
        Accumulator<V> others, ties;
        for (std::ptrdiff_t i = 0; i < x.size; i += lanes<T>) {
            const V v = x(i, lowest);
            const auto here = first<T>(x.size - i);
            const V e = exponential_below(v).value();
            others.add(here ? (v == max ? V{} : e) : V{});
            ties.add(here ? (v == max ? number<V>(1) : V{}) : V{});
        }
        rest = splat(others.sum() + (ties.sum() - T(1)));
        total = number<V>(1) + rest;
    }
    DELTARULE_INLINE V shifted(V x) const { return x == max ? V{} : x - max; }
    // e^(x - m) with the rounding error of the difference carried along (Knuth's two-sum).
    DELTARULE_INLINE Exponential<V> exponential_below(V x) const {
        const V d = shifted(x), back = d - x, low = (x - (d - back)) - (max + back);
        return exponential(d, abs(low) < number<V>(1) ? low : V{});
    }
    // Where the (first) maximum is; 0 in a row of NaN.
    DELTARULE_INLINE std::ptrdiff_t index_of_max(const Row<T>& x) const {
        for (std::ptrdiff_t i = 0; i < x.size; ++i)
            if (x.at[i * x.step] == max[0]) return i;
        return 0;
    }
    DELTARULE_INLINE V log_total() const { return log1p_of_positive(rest); }
    DELTARULE_INLINE V log_probability(V x) const { return shifted(x) - log_total(); }
    DELTARULE_INLINE V probability(V x) const {
        const Exponential<V> e = exponential_below(x);
        return e.scale(e.mantissa / total);
    }
    // mass p - q; where p is the largest and q most of the mass, 1 - p is taken from `rest`.
    DELTARULE_INLINE V residual(V x, V q, V mass) const {
        const V from_rest = (mass - q) - mass * (rest / total), direct = mass * probability(x) - q;
        return x == max ? (number<V>(2) * abs(q) > abs(mass) ? from_rest : direct) : direct;
    }
};

template <class T, class F>
DELTARULE_INLINE void for_each_block(std::ptrdiff_t size, F f) {
    for (std::ptrdiff_t i = 0; i < size; i += lanes<T>) f(i);
}

struct Softmax {
    template <class T>
    static void value(Row<T> x, RowOut<T> y) {
        const Normaliser<T> n(x);
        for_each_block<T>(x.size, [&](auto i) { y.put(i, n.probability(x(i, n.max))); });
    }
    // sum_i g_i dp_i/dx_j = p_j (g_j - mean), mean = sum_i p_i g_i.  Taken relative to the g of the
    // largest entry, so that 1 - p of a confident row is a sum of small terms and not a difference.
    template <class T>
    static void vjp(Row<T> x, Row<T> g, RowOut<T> out) {
        using V = Vec<T>;
        if (x.size == 0) return;
        const Normaliser<T> n(x);
        const V top = splat(g.at[n.index_of_max(x) * g.step]);
        Accumulator<V> mean;
        for_each_block<T>(x.size, [&](auto i) {
            const V p = n.probability(x(i, n.max));
            mean.add(first<T>(x.size - i) ? p * (g(i, top) - top) : V{});
        });
        const V above = splat(mean.sum());
        for_each_block<T>(x.size, [&](auto i) {
            const V p = n.probability(x(i, n.max));
            out.put(i, p * ((g(i, V{}) - top) - above));
        });
    }
};

struct LogSoftmax {
    template <class T>
    static void value(Row<T> x, RowOut<T> y) {
        const Normaliser<T> n(x);
        const Vec<T> log_total = n.log_total();
        for_each_block<T>(x.size, [&](auto i) { y.put(i, n.shifted(x(i, n.max)) - log_total); });
    }
    // sum_i g_i dl_i/dx_j = g_j - p_j sum_i g_i
    template <class T>
    static void vjp(Row<T> x, Row<T> g, RowOut<T> out) {
        using V = Vec<T>;
        const Normaliser<T> n(x);
        Accumulator<V> total;
        for_each_block<T>(x.size, [&](auto i) { total.add(g(i, V{})); });
        const V mass = splat(total.sum());
        for_each_block<T>(x.size, [&](auto i) {
            const V v = x(i, n.max);
            out.put(i, -n.residual(v, g(i, V{}), mass));
        });
    }
};

// The targets of a row: a class code, or a distribution over the classes.
template <class T>
struct RowTarget {
    std::int64_t code;  // -1: read the distribution
    Row<T> distribution;

    DELTARULE_INLINE Vec<T> operator()(std::ptrdiff_t i) const {
        if (code < 0) return distribution(i, Vec<T>{});
        Ints<T> lane{};
        for (int k = 0; k < lanes<T>; ++k) lane[k] = typename Traits<T>::Int(k);
        const auto hit = lane == typename Traits<T>::Int(code - i);
        return hit ? number<Vec<T>>(1) : Vec<T>{};
    }
    DELTARULE_INLINE Vec<T> mass() const {
        if (code >= 0) return number<Vec<T>>(1);
        Accumulator<Vec<T>> total;
        for_each_block<T>(distribution.size, [&](auto i) { total.add(distribution(i, Vec<T>{})); });
        return splat(total.sum());
    }
};

// Softmax and cross-entropy in one: -sum_k q_k log softmax(x)_k with
// q = (1 - s) t + s mass(t) / K, s = a[0] the label smoothing.
struct CrossEntropy {
    template <class T>
    struct Smooth {
        using V = Vec<T>;
        V mass, keep, spread;
        Smooth(const RowTarget<T>& t, std::ptrdiff_t size, const T* a)
            : mass(t.mass()), keep(splat(T(1) - a[0])), spread(splat(a[0] / T(size)) * mass) {}
        DELTARULE_INLINE V operator()(V t) const { return madd(keep, t, spread); }
    };
    template <class T>
    static T value(const Normaliser<T>& n, Row<T> x, const RowTarget<T>& t, const T* a) {
        using V = Vec<T>;
        if (t.code >= 0 && a[0] == T(0)) return -n.log_probability(splat(x.at[t.code * x.step]))[0];
        const Smooth<T> smooth(t, x.size, a);
        const V log_total = n.log_total();
        Accumulator<V> loss;
        for_each_block<T>(x.size, [&](auto i) {
            const V q = smooth(t(i)), l = log_total - n.shifted(x(i, n.max));
            loss.add(first<T>(x.size - i) ? (q == V{} ? unless_nan(x(i, n.max), V{}) : q * l)
                                          : V{});
        });
        return loss.sum();
    }
    template <class T>
    static void slope(const Normaliser<T>& n, Row<T> x, const RowTarget<T>& t, RowOut<T> out,
                      const T* a) {
        const Smooth<T> smooth(t, x.size, a);
        for_each_block<T>(x.size, [&](auto i) {
            out.put(i, n.residual(x(i, n.max), smooth(t(i)), smooth.mass));
        });
    }
};

// sum_k t_k (log t_k - log softmax(x)_k); log-probabilities are logits of themselves.
struct KlDivergence {
    template <class T>
    static T value(const Normaliser<T>& n, Row<T> x, const RowTarget<T>& t, const T*) {
        using V = Vec<T>;
        const V log_total = n.log_total();
        Accumulator<V> loss;
        for_each_block<T>(x.size, [&](auto i) {
            const V q = t(i), v = x(i, n.max);
            const V term = q * ((log(q) + log_total) - n.shifted(v));
            loss.add(first<T>(x.size - i) ? (q == V{} ? unless_nan(v, V{}) : term) : V{});
        });
        return loss.sum();
    }
    template <class T>
    static void slope(const Normaliser<T>& n, Row<T> x, const RowTarget<T>& t, RowOut<T> out,
                      const T*) {
        const Vec<T> mass = t.mass();
        for_each_block<T>(x.size, [&](auto i) { out.put(i, n.residual(x(i, n.max), t(i), mass)); });
    }
};

}  // namespace deltarule::DELTARULE_ISA
