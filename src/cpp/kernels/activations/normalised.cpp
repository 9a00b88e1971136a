// Softmax and its kin.
#include "../normaliser.hpp"
#include "../row_loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// Where the terms of a row are read again after their sum: from what was kept, or anew where the
// place for it still holds what is to be read.
template <class T, class Terms>
struct Again {
    const Terms& terms;
    Kept<T> kept;
    bool anew;
    template <class R, class Block>
    DELTARULE_INLINE Vec<T> operator()(const R& x, Block b) const {
        return anew ? terms(x(b, terms.max)) : kept(b);
    }
    template <class Block>
    DELTARULE_INLINE void put(Block b, Vec<T> term) const {
        if (!anew) kept.put(b, term);
    }
};
template <class T, class Terms>
Again<T, Terms> again(const Terms& terms, Scratch<T>& scratch, const Row<T>& g,
                      const RowOut<T>& out) {
    const Kept<T> kept(scratch, out);
    return {terms, kept, !kept.beside && g.at == out.at};
}

struct Softmax {
    template <class T>
    DELTARULE_INLINE static void value(Row<T> x, RowOut<T> y, const T* a) {
        a[0] == T(1) ? value_of(x, y, Unit<T>{}) : value_of(x, y, Temperature<T>(a[0]));
    }
    template <class T>
    DELTARULE_INLINE static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T* a) {
        a[0] == T(1) ? vjp_of(x, g, out, Unit<T>{}) : vjp_of(x, g, out, Temperature<T>(a[0]));
    }

    template <class R, class T, class Scale>
    DELTARULE_INLINE static void value_of(const R& x, const RowOut<T>& y, Scale scale) {
        using V = Vec<T>;
        const Terms<T, Scale> terms(x, scale);
        Scratch<T> scratch;
        const Kept<T> kept(scratch, y);
        const Normaliser<T> n = terms.sum(x, [&](auto b, V, V e) {
            kept.put(b, e);
            x.fetch_next(b);
            y.fetch(b);
        });
        for_each_block<T>(x.size, [&](auto b) { y.put(b, n.probability(kept(b))); });
    }
    // sum_i g_i dp_i/dx_j = p_j (g_j - mean) / t, mean = sum_i p_i g_i.  Taken relative to the g of
    // the largest entry, so that 1 - p of a confident row is a sum of small terms and not a
    // difference.
    template <class R, class T, class Scale>
    DELTARULE_INLINE static void vjp_of(const R& x, const Row<T>& g, const RowOut<T>& out,
                                        Scale scale) {
        using V = Vec<T>;
        if (x.size == 0) return;
        const Terms<T, Scale> terms(x, scale);
        Scratch<T> scratch;
        const auto term = again(terms, scratch, g, out);
        const V top = splat(g[index_of(x, terms.max)]);
        Sum<T> sum;
        const Normaliser<T> n = terms.sum(
            x,
            [&](auto b, V, V e) {
                sum.add(e * (g(b, top) - top));
                term.put(b, e);
                x.fetch_next(b);
                g.fetch_next(b);
                out.fetch(b);
            },
            sum);
        const V above = n.share(sum.total());
        for_each_block<T>(x.size, [&](auto b) {
            const V p = n.probability(term(x, b));
            out.put(b, scale.divided(p * ((g(b) - top) - above)));
        });
    }
};

struct PlainSoftmax {
    template <class T>
    DELTARULE_INLINE static void value(Row<T> x, RowOut<T> y, const T*) {
        Softmax::value_of(x, y, Unit<T>{});
    }
    template <class T>
    DELTARULE_INLINE static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T*) {
        Softmax::vjp_of(x, g, out, Unit<T>{});
    }
};

struct Softmin {
    template <class T>
    DELTARULE_INLINE static void value(Row<T> x, RowOut<T> y, const T*) {
        Softmax::value_of(Negated<T>{x}, y, Unit<T>{});
    }
    template <class T>
    DELTARULE_INLINE static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T*) {
        Softmax::vjp_of(Negated<T>{x}, g, out, Reversed<T>{});
    }

private:
    // The slope of -x.
    template <class T>
    struct Reversed : Unit<T> {
        DELTARULE_INLINE Vec<T> divided(Vec<T> x) const { return -x; }
    };
};

struct LogSoftmax {
    template <class T>
    DELTARULE_INLINE static void value(Row<T> x, RowOut<T> y, const T* a) {
        a[0] == T(1) ? value_of(x, y, Unit<T>{}) : value_of(x, y, Temperature<T>(a[0]));
    }
    template <class T>
    DELTARULE_INLINE static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T* a) {
        a[0] == T(1) ? vjp_of(x, g, out, Unit<T>{}) : vjp_of(x, g, out, Temperature<T>(a[0]));
    }

private:
    template <class T, class Scale>
    DELTARULE_INLINE static void value_of(const Row<T>& x, const RowOut<T>& y, Scale scale) {
        using V = Vec<T>;
        const Terms<T, Scale> terms(x, scale);
        const V log_total = terms
                                .sum(x,
                                     [&](auto b, V, V) {
                                         x.fetch_next(b);
                                         y.fetch(b);
                                     })
                                .log_total();
        for_each_block<T>(x.size,
                          [&](auto b) { y.put(b, terms.exponent(x(b, terms.max)) - log_total); });
    }
    // sum_i g_i dl_i/dx_j = (g_j - p_j sum_i g_i) / t
    template <class T, class Scale>
    DELTARULE_INLINE static void vjp_of(const Row<T>& x, const Row<T>& g, const RowOut<T>& out,
                                        Scale scale) {
        using V = Vec<T>;
        const Terms<T, Scale> terms(x, scale);
        Scratch<T> scratch;
        const auto term = again(terms, scratch, g, out);
        Sum<T> mass;
        const Normaliser<T> n = terms.sum(
            x,
            [&](auto b, V, V e) {
                mass.add(g(b));
                term.put(b, e);
                x.fetch_next(b);
                g.fetch_next(b);
                out.fetch(b);
            },
            mass);
        const Residual<T> residual(terms, n, mass.total().high());
        for_each_block<T>(x.size,
                          [&](auto b) { out.put(b, scale.divided(-residual(term(x, b), g(b)))); });
    }
};

// The projection onto the simplex: max(0, x - tau).  Michelot 1986: tau from the mean of those
// above the last tau, until no more fall below it.  In shifted numbers d = x - m all sums are exact
// or nearly so.
template <class T>
class Threshold {
public:
    using V = Vec<T>;
    V max;
    bool undefined = false;  // the row holds a NaN
    Wide<T> count;           // of the entries above tau

    explicit Threshold(const Row<T>& x) : max(largest(x)), high_(number<V>(-1)), low_{} {
        std::ptrdiff_t last = 0, above = 0;
        do {
            last = above, above = 0;
            Sum<T> sum;
            for_each_block<T>(x.size, [&](auto b) {
                const V v = x(b, splat(T(-__builtin_inf())));
                undefined = undefined || mask_bits<T>(v != v);
                const DoubleWord<V> d = shifted(v);
                const auto in = over(d) > V{};
                above += count_different(b.only(in ? number<V>(1) : V{}), V{});
                sum.add_exactly(DoubleWord<V>{in ? d.high : V{}, in ? d.low : V{}});
            });
            count = double(above);
            const Wide<T> tau = (sum.total() - Wide<T>(1)) / count;
            high_ = tau.high(), low_ = tau.low();
        } while (above != last && above > 1 && !undefined);
    }
    // x - tau where it is positive, else 0.
    DELTARULE_INLINE V operator()(V x) const {
        const V y = over(shifted(x));
        return y > V{} ? y : V{};
    }

private:
    DELTARULE_INLINE DoubleWord<V> shifted(V x) const {
        const DoubleWord<V> d = exact_sum(x, -max);
        const auto finite = abs(d.high) < number<V>(2);
        const V far = x == max ? V{} : x - max;
        return {finite ? d.high : far, finite ? d.low : V{}};
    }
    DELTARULE_INLINE V over(DoubleWord<V> d) const {
        const DoubleWord<V> y = exact_sum(d.high, -high_);
        return d.high > number<V>(-2) ? y.high + (y.low + (d.low - low_)) : d.high;
    }
    V high_, low_;
};

struct Sparsemax {
    template <class T>
    DELTARULE_INLINE static void value(Row<T> x, RowOut<T> y, const T*) {
        if (x.size == 0) return;
        const Threshold<T> above(x);
        if (above.undefined) return y.fill(T(not_given));
        for_each_block<T>(x.size, [&](auto b) { y.put(b, above(x(b, above.max))); });
    }
    // On the support s of the result, J = diag(s) - s s^T / |s|.
    template <class T>
    DELTARULE_INLINE static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T*) {
        using V = Vec<T>;
        if (x.size == 0) return;
        const Threshold<T> above(x);
        if (above.undefined) return out.fill(T(not_given));
        const V outside = splat(T(-__builtin_inf())), zero{};
        Sum<T> sum;
        for_each_block<T>(
            x.size, [&](auto b) { sum.add(above(x(b, outside)) > zero ? g(b) : zero); }, sum);
        const V mean = (sum.total() / above.count).high();
        for_each_block<T>(
            x.size, [&](auto b) { out.put(b, above(x(b, outside)) > zero ? g(b) - mean : zero); });
    }
};

struct Hardmax {
    template <class T>
    DELTARULE_INLINE static void value(Row<T> x, RowOut<T> y, const T*) {
        if (x.size == 0) return;
        const std::ptrdiff_t at = index_of(x, largest(x));
        const bool defined = clear(x, y);
        if (defined) y.at[at * y.step] = T(1);
    }
    template <class T>
    DELTARULE_INLINE static void vjp(Row<T> x, Row<T>, RowOut<T> out, const T*) {
        clear(x, out);
    }

private:
    // 0, or NaN where the row holds one.
    template <class T>
    static bool clear(const Row<T>& x, const RowOut<T>& y) {
        Ints<T> odd{};
        for_each_block<T>(x.size, [&](auto b) {
            const Vec<T> v = x(b);
            odd |= v != v;
        });
        const bool defined = !mask_bits<T>(odd);
        y.fill(defined ? T(0) : T(not_given));
        return defined;
    }
};

constexpr kernels::ActivationRow rows[] = {
    rowwise<Softmax>(ActivationFacts{.name = "softmax",
                                     .formula = "exp(x / temperature) / sum(exp(x / temperature))",
                                     .slope_reads = Reads::x,
                                     .source = "Bridle 1990",
                                     .parameters = {{"temperature", 1.0, Domain::positive}},
                                     .low = 0,
                                     .high = 1,
                                     .ulp = {{3, 4, 8}, {3, 4, 8}}}),
    rowwise<LogSoftmax>(
        ActivationFacts{.name = "log_softmax",
                        .formula = "x / temperature - log(sum(exp(x / temperature)))",
                        .slope_reads = Reads::x,
                        .source = "Bridle 1990",
                        .parameters = {{"temperature", 1.0, Domain::positive}},
                        .high = 0,
                        .ulp = {{3, 4, 8}, {3, 4, 8}}}),
    rowwise<PlainSoftmax>(ActivationFacts{.name = "softmax2d",
                                          .formula = "exp(x) / sum(exp(x))",
                                          .slope_reads = Reads::x,
                                          .source = "Bridle 1990",
                                          .low = 0,
                                          .high = 1,
                                          .axis = -3,
                                          .ulp = {{3, 4, 8}, {3, 4, 8}}}),
    rowwise<Softmin>(ActivationFacts{.name = "softmin",
                                     .formula = "exp(-x) / sum(exp(-x))",
                                     .slope_reads = Reads::x,
                                     .source = "Bridle 1990",
                                     .low = 0,
                                     .high = 1,
                                     .ulp = {{3, 4, 8}, {3, 4, 8}}}),
    rowwise<Sparsemax>(ActivationFacts{.name = "sparsemax",
                                       .formula = "max(0, x - simplex_threshold(x))",
                                       .slope_reads = Reads::x,
                                       .source = "Martins and Astudillo 2016",
                                       .low = 0,
                                       .high = 1}),
    rowwise<Hardmax>(ActivationFacts{.name = "hardmax",
                                     .formula = "1 if x == max(x) else 0",
                                     .slope_reads = Reads::nothing,
                                     .source = "ONNX operator Hardmax",
                                     .low = 0,
                                     .high = 1,
                                     .lipschitz = 0}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> normalised() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
