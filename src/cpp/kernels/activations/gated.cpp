// One half of a row gates the other, and functions of the pieces of a row.
//
// A gate f(a) falls to 0 like e^u where the other half may still be as large as e^-u; so e^u is
// kept as the square of e^(u/2), and the other half is multiplied in between.
#include "../row_loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// e^(u + u_low) for u <= 0.
template <class V>
struct Decay {
    DoubleWord<V> mantissa;
    PowerOfTwo<V> half;

    explicit Decay(const Exponential<V>& root)
        : mantissa(product(DoubleWord<V>{root.mantissa, root.low},
                           DoubleWord<V>{root.mantissa, root.low})),
          half(root.power) {}
    Decay(V u, V u_low) : Decay(exponential(number<V>(0.5) * u, number<V>(0.5) * u_low)) {}

    // e^u v w
    DELTARULE_INLINE V times(DoubleWord<V> v, V w) const {
        return half.times(half.times(product(mantissa, v).value()) * w);
    }
    // 1 + e^u
    DELTARULE_INLINE DoubleWord<V> and_one() const {
        const V t = half.times(half.times(mantissa.high)),
                low = half.times(half.times(mantissa.low));
        const DoubleWord<V> d = sum_of_ordered(number<V>(1), t);
        return {d.high, d.low + low};
    }
};

template <class V>
DELTARULE_INLINE DoubleWord<V> word(V v) {
    return {v, V{}};
}
// v (high + low), rounded once; an infinite v stays.
template <class V>
DELTARULE_INLINE V times(V v, DoubleWord<V> w) {
    const V p = product_and_rest(v, w.high, v * w.low);
    return p == p ? p : v * w.high;
}
template <class V>
struct Slopes {
    V a, b;
};

// a sigmoid(b)
struct Glu {
    template <class V>
    static V value(V a, V b, const V*) {
        const V infinity = number<V>(__builtin_inf());
        const Decay<V> t(negative(b), V{});
        const DoubleWord<V> q = quotient(word(number<V>(1)), t.and_one());
        const auto ends = (abs(a) == infinity) & (abs(b) < infinity);
        return ends ? a : (b < V{} ? t.times(q, a) : times(a, q));
    }
    template <class V>
    static Slopes<V> slopes(V a, V b, const V*) {
        const V one = number<V>(1);
        const Decay<V> t(negative(b), V{});
        const DoubleWord<V> q = quotient(word(one), t.and_one());
        return {b < V{} ? t.times(q, one) : q.value(), t.times(product(q, q), a)};
    }
};

// silu(a) b, silu(a) = a sigmoid(v), v = p[0] a
struct Swiglu {
    template <class V>
    struct Gate {
        V size, size_low;  // |v|
        Decay<V> t;
        DoubleWord<V> d, q;  // 1 + t, its inverse
        Gate(V a, V alpha) : Gate(bounded_pair(abs(a), alpha)) {}
        explicit Gate(DoubleWord<V> v)
            : size(v.high),
              size_low(v.low),
              t(-v.high, -v.low),
              d(t.and_one()),
              q(quotient(word(number<V>(1)), d)) {}
        static DoubleWord<V> bounded_pair(V a, V alpha) {
            const V end = number<V>(-2 * Constants<Element<V>>::exp_lowest), p = a * alpha;
            return {at_most(p, end), p < end ? product_error(a, alpha, p) : V{}};
        }
        // silu(a) w
        DELTARULE_INLINE V value(V a, V w) const {
            const V least = number<V>(sizeof(Element<V>) == 4 ? -__FLT_MAX__ : -__DBL_MAX__);
            const V left = t.times(product(word(at_least(a, least)), q), w);
            return a < V{} ? left : times(a, q) * w;
        }
        // silu'(a) w: on the left t q^2 ((1 + t) - |v|), on the right q + t q^2 |v|
        DELTARULE_INLINE V slope(V a, V w) const {
            const DoubleWord<V> square = product(q, q), s = exact_sum(d.high, -size);
            const V left = t.times(product(square, {s.high, s.low + (d.low - size_low)}), w);
            const V more = t.times(square, size);
            return a < V{} ? left : w * (q.high + (q.low + more));
        }
    };
    template <class V>
    static V value(V a, V b, const V* p) {
        return Gate<V>(a, p[0]).value(a, b);
    }
    template <class V>
    static Slopes<V> slopes(V a, V b, const V* p) {
        const Gate<V> gate(a, p[0]);
        return {gate.slope(a, b), gate.value(a, number<V>(1))};
    }
};

// gelu(a) b
struct Geglu {
    // Q(z) = t ratio at z = |a|, where it is not 0 even beside b.
    template <class V>
    struct Tail {
        V z;
        Decay<V> t;  // e^(-z^2/2)
        DoubleWord<V> ratio;
        explicit Tail(V a)
            : z(at_most(abs(a), number<V>(sizeof(Element<V>) == 4 ? 26 : 74))),
              t(number<V>(-0.5) * z * z,
                product_error(number<V>(-0.5) * z, z, number<V>(-0.5) * z * z)),
              ratio(normal_tail(a).ratio) {
            static constexpr double series[] = {1, -1, 3, -15, 105, -945, 10395};  // in 1/z^2
            const V w = number<V>(1) / (z * z);
            const V far = number<V>(normal_density_at_zero) * polynomial(w, series) / z;
            const auto beyond = z > splat(Constants<Element<V>>::tail_end);
            ratio = {beyond ? far : ratio.high, beyond ? V{} : ratio.low};
        }
        // z Q(z) w
        DELTARULE_INLINE V below(V w) const { return t.times(product(word(z), ratio), w); }
        // (Q(z) - z density(z)) w
        DELTARULE_INLINE V slope(V w) const {
            using T = Element<V>;
            constexpr T c = T(normal_density_at_zero);
            const DoubleWord<V> p = exact_product(z, splat(c));
            const V low = madd(-z, number<V>(normal_density_at_zero - double(c)), ratio.low);
            const DoubleWord<V> d = exact_sum(ratio.high, -p.high);
            return t.times({d.high, d.low + (low - p.low)}, w);
        }
    };
    // gelu(a) w
    template <class V>
    DELTARULE_INLINE static V gate(const Tail<V>& tail, V a, V w) {
        return a < V{} ? tail.below(-w) : times(w, exact_sum(a, -tail.below(number<V>(1))));
    }
    template <class V>
    static V value(V a, V b, const V*) {
        return gate(Tail<V>(a), a, b);
    }
    template <class V>
    static Slopes<V> slopes(V a, V b, const V*) {
        const Tail<V> tail(a);
        const V one = number<V>(1);
        return {a < V{} ? tail.slope(b) : b * (one - tail.slope(one)), gate(tail, a, one)};
    }
};

// max(0, a) b
struct Reglu {
    template <class V>
    static V value(V a, V b, const V*) {
        return a <= V{} ? unless_nan(b, V{}) : a * b;
    }
    template <class V>
    static Slopes<V> slopes(V a, V b, const V*) {
        const V zero{};
        return {a > zero ? b : unless_nan(a, zero), a > zero ? a : unless_nan(a, zero)};
    }
};

template <class Gate>
struct Gated {
    static constexpr Width width = Width::half;
    template <class T>
    static void value(Row<T> x, RowOut<T> y, const T* a) {
        const std::ptrdiff_t m = y.size;
        if (x.size != 2 * m) return y.fill(T(not_given));
        const Row<T> first = x.part(0, m), second = x.part(m, m);
        const Vec<T> p[] = {splat(a[0])};
        for_each_block<T>(m, [&](auto b) { y.put(b, Gate::value(first(b), second(b), p)); });
    }
    template <class T>
    static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T* a) {
        const std::ptrdiff_t m = g.size;
        if (x.size != 2 * m) return out.fill(T(not_given));
        const Row<T> first = x.part(0, m), second = x.part(m, m);
        const RowOut<T> left = out.part(0, m), right = out.part(m, m);
        const Vec<T> p[] = {splat(a[0])};
        for_each_block<T>(m, [&](auto b) {
            const Slopes<Vec<T>> s = Gate::slopes(first(b), second(b), p);
            const Vec<T> v = g(b);
            left.put(b, v * s.a);
            right.put(b, v * s.b);
        });
    }
};

struct Crelu {
    static constexpr Width width = Width::twice;
    template <class T>
    static void value(Row<T> x, RowOut<T> y, const T*) {
        const std::ptrdiff_t n = x.size;
        if (y.size != 2 * n) return y.fill(T(not_given));
        for_each_block<T>(n, [&](auto b) {
            const Vec<T> v = x(b), zero{};
            y.part(0, n).put(b, v > zero ? v : unless_nan(v, zero));
            y.part(n, n).put(b, v < zero ? -v : unless_nan(v, zero));
        });
    }
    template <class T>
    static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T*) {
        const std::ptrdiff_t n = x.size;
        if (g.size != 2 * n) return out.fill(T(not_given));
        for_each_block<T>(n, [&](auto b) {
            const Vec<T> v = x(b), zero{}, up = g.part(0, n)(b), down = g.part(n, n)(b);
            out.put(b, v > zero ? up : (v < zero ? -down : unless_nan(v, zero)));
        });
    }
};

// The largest of every a[0] neighbours; of equal ones the first.
struct Maxout {
    static constexpr Width width = Width::per_pieces;
    template <class T>
    static void value(Row<T> x, RowOut<T> y, const T* a) {
        const std::ptrdiff_t pieces = std::ptrdiff_t(a[0]);
        if (!fits(x.size, y.size, a[0])) return y.fill(T(not_given));
        for (std::ptrdiff_t i = 0; i < y.size; ++i)
            y.at[i * y.step] = x[i * pieces + winner(x, i, pieces)];
    }
    template <class T>
    static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T* a) {
        const std::ptrdiff_t pieces = std::ptrdiff_t(a[0]);
        if (!fits(x.size, g.size, a[0])) return out.fill(T(not_given));
        for (std::ptrdiff_t i = 0; i < g.size; ++i) {
            const std::ptrdiff_t at = winner(x, i, pieces);
            const T most = x[i * pieces + at], other = most == most ? T(0) : most;
            for (std::ptrdiff_t k = 0; k < pieces; ++k)
                out.at[(i * pieces + k) * out.step] = k == at && most == most ? g[i] : other;
        }
    }

private:
    static bool fits(std::ptrdiff_t n, std::ptrdiff_t m, double pieces) {
        return pieces >= 1 && double(m) * pieces == double(n);
    }
    // The first NaN, or else the first of the largest.
    template <class T>
    static std::ptrdiff_t winner(const Row<T>& x, std::ptrdiff_t i, std::ptrdiff_t pieces) {
        std::ptrdiff_t at = 0;
        T most = x[i * pieces];
        for (std::ptrdiff_t k = 1; k < pieces && most == most; ++k) {
            const T v = x[i * pieces + k];
            if (!(v <= most)) most = v, at = k;
        }
        return at;
    }
};

constexpr kernels::ActivationRow rows[] = {
    rowwise<Gated<Glu>>(ActivationFacts{.name = "glu",
                                        .formula = "left(x) * sigmoid(right(x))",
                                        .slope_reads = Reads::x,
                                        .source = "Dauphin et al. 2017"}),
    rowwise<Gated<Swiglu>>(
        ActivationFacts{.name = "swiglu",
                        .formula = "left(x) * sigmoid(alpha * left(x)) * right(x)",
                        .slope_reads = Reads::x,
                        .source = "Shazeer 2020",
                        .parameters = {{"alpha", 1.0, Domain::positive}}}),
    rowwise<Gated<Geglu>>(ActivationFacts{
        .name = "geglu",
        .formula = "left(x) * normcdf(left(x)) * right(x)",
        .slope_reads = Reads::x,
        .source = "Shazeer 2020",
        .scale = {.slope =
                      "abs(right(x)) * (normcdf(left(x)) + abs(left(x)) * normpdf(left(x)))"}}),
    rowwise<Gated<Reglu>>(ActivationFacts{.name = "reglu",
                                          .formula = "max(0, left(x)) * right(x)",
                                          .slope_reads = Reads::x,
                                          .source = "Shazeer 2020"}),
    rowwise<Crelu>(ActivationFacts{.name = "crelu",
                                   .formula = "join(max(0, x), max(0, -x))",
                                   .slope_reads = Reads::x,
                                   .source = "Shang et al. 2016",
                                   .low = 0}),
    rowwise<Maxout>(ActivationFacts{.name = "maxout",
                                    .formula = "group_max(x, pieces)",
                                    .slope_reads = Reads::x,
                                    .source = "Goodfellow et al. 2013",
                                    .parameters = {{"pieces", 2.0, Domain::count}}}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> gated() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
