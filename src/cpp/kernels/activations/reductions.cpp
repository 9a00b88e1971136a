// Rows reduced to one number.
#include "../normaliser.hpp"
#include "../power.hpp"
#include "../row_loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// The gradient of both: the softmax, and 0 in a row of -inf.
template <class T>
void softmax_times(const Row<T>& x, T g, const RowOut<T>& out) {
    using V = Vec<T>;
    const Terms<T> terms(x);
    Scratch<T> scratch;
    const Kept<T> kept(scratch, out);
    const Normaliser<T> n = terms.sum(x, [&](auto b, V, V e) { kept.put(b, e); });
    const V factor = splat(terms.max[0] == -T(__builtin_inf()) ? T(0) : g);
    for_each_block<T>(x.size, [&](auto b) { out.put(b, factor * n.probability(kept(b))); });
}

struct LogSumExp {
    static constexpr Width width = Width::one;
    template <class T>
    static void value(Row<T> x, RowOut<T> y, const T*) {
        const Terms<T> terms(x);
        y.at[0] = x.size == 0 ? terms.max[0] : (terms.max + terms.sum(x).log_total())[0];
    }
    template <class T>
    static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T*) {
        softmax_times(x, g[0], out);
    }
};

struct LogMeanExp {
    static constexpr Width width = Width::one;
    template <class T>
    static void value(Row<T> x, RowOut<T> y, const T*) {
        using V = Vec<T>;
        const Terms<T> terms(x);
        if (x.size == 0) return void(y.at[0] = T(not_given));
        const Normaliser<T> n = terms.sum(x);
        const Wide<T> size = double(x.size), mean = (Wide<T>(1) + n.rest / n.top) / size;
        const DoubleWord<V> below = mean.high()[0] > T(0.5)
                                        ? log1p_pair((excess(x, terms) / size).word())
                                        : log_pair(mean.word());
        const DoubleWord<V> sum = exact_sum(terms.max, below.high);
        const V exact = sum.high + (sum.low + below.low);
        y.at[0] = (exact == exact ? exact : sum.high)[0];
    }
    template <class T>
    static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T*) {
        softmax_times(x, g[0], out);
    }

private:
    // The sum of e^(x_j - m) - 1.
    template <class T>
    static Wide<T> excess(const Row<T>& x, const Terms<T>& terms) {
        using V = Vec<T>;
        Sum<T> sum;
        for_each_block<T>(x.size, [&](auto b) {
            const V v = x(b, terms.max), d = terms.shifted(v);
            const V low = exact_sum(v, -terms.max).low;
            const DoubleWord<V> e = expm1_of_negative_pair(d, abs(low) < -d ? low : V{});
            sum.add_exactly(e);
        });
        return sum.total();
    }
};

constexpr kernels::ActivationRow rows[] = {
    rowwise<LogSumExp>(
        ActivationFacts{.name = "logsumexp",
                        .formula = "log(sum(exp(x)))",
                        .slope_reads = Reads::x,
                        .source = "Blanchard, Higham and Higham 2021",
                        .scale = {.value = "abs(max(x)) + log(sum(exp(x - max(x))))"}}),
    rowwise<LogMeanExp>(
        ActivationFacts{.name = "logmeanexp",
                        .formula = "log(mean(exp(x)))",
                        .slope_reads = Reads::x,
                        .source = "Blanchard, Higham and Higham 2021",
                        .scale = {.value = "abs(max(x)) + abs(log(mean(exp(x - max(x)))))"}}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> reductions() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
