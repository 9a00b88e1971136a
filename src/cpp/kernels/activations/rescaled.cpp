// Rows brought to mean 0 and variance 1, or to norm 1.
//
// Both scale the row by a power of two first, so that no square overflows or vanishes.  Infinite
// entries count as equal, as for softmax: the row becomes its signs there and 0 elsewhere.
#include "../power.hpp"
#include "../row_loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// x times the power of two that brings `size` to [1, 2).
template <class T>
class Scaled {
public:
    using V = Vec<T>;
    explicit Scaled(V size) {
        using Tr = Traits<T>;
        constexpr typename Tr::Int most = 2 * Tr::bias - 1;
        const Ints<T> e = bits(size) >> Tr::mantissa_bits;
        const Ints<T> one = Ints<T>{} + 1, end = Ints<T>{} + most;
        const auto infinite = size == number<V>(__builtin_inf());
        factor_ = power_of_two<T>(Tr::bias - (e < one ? one : e > end ? end : e));
        factor_ = infinite ? V{} : factor_;
    }
    DELTARULE_INLINE V operator()(V x) const {
        const auto infinite = abs(x) == number<V>(__builtin_inf());
        return infinite ? copy_sign(number<V>(1), x) : x * factor_;
    }
    V factor() const { return factor_; }

private:
    V factor_;
};

// |x|, read as a row.
template <class T>
struct Sizes {
    Row<T> row;
    std::ptrdiff_t size = row.size;

    T operator[](std::ptrdiff_t i) const { return row[i] < T(0) ? -row[i] : row[i]; }
    template <class Block>
    DELTARULE_INLINE Vec<T> operator()(Block b, Vec<T> fill = Vec<T>{}) const {
        return b.only(abs(row(b)), fill);
    }
};

template <class V>
DELTARULE_INLINE DoubleWord<V> word(V v) {
    return {v, V{}};
}

// The square of high + low, |low| <= ulp(high), as a product and what it lost.
template <class V>
DELTARULE_INLINE DoubleWord<V> square(DoubleWord<V> a) {
    const V p = a.high * a.high;
    return {p, madd(a.high + a.high, a.low, product_error(a.high, a.high, p))};
}

// y = d / sqrt(mean(d^2) + eps), d = x - mean(x), in two passes with sums to twice the digits.
template <class T>
class Standardised {
public:
    using V = Vec<T>;
    Standardised(const Row<T>& x, T eps)
        : x_(x), scaled_(max(sqrt(splat(eps)), largest(Sizes<T>{x}))), size_(double(x.size)) {
        Sum<T> sum, squares;
        for_each_block<T>(x.size, [&](auto b) { sum.add_exactly(scaled_(x(b))); });
        mean_ = sum.total() / size_;
        for_each_block<T>(x.size, [&](auto b) {
            const DoubleWord<V> s = square(deviation(b));
            squares.add_exactly(DoubleWord<V>{b.only(s.high), b.only(s.low)});
        });
        const V factor = scaled_.factor(), e = splat(eps) * factor, p = e * factor;
        const Wide<T> variance = squares.total() / size_ + Wide<T>(double(p[0]));
        const bool constant = variance.high()[0] == T(0);
        inverse_ = constant ? Wide<T>(0) : Wide<T>(1) / root(variance);
    }
    // y to nearly twice the digits
    template <class Block>
    DELTARULE_INLINE DoubleWord<V> operator()(Block b) const {
        return product(deviation(b), DoubleWord<V>{inverse_.high(), inverse_.low()});
    }
    // v / sqrt(variance + eps)
    DELTARULE_INLINE V divided(V v) const { return v * inverse_.high() * scaled_.factor(); }
    Wide<T> size() const { return size_; }

private:
    template <class Block>
    DELTARULE_INLINE DoubleWord<V> deviation(Block b) const {
        const DoubleWord<V> d = exact_sum(scaled_(x_(b)), -mean_.high());
        return sum_of_ordered(d.high, d.low - mean_.low());
    }
    Row<T> x_;
    Scaled<T> scaled_;
    Wide<T> size_, mean_, inverse_;
};

struct Standardize {
    template <class T>
    static void value(Row<T> x, RowOut<T> y, const T* a) {
        const Standardised<T> f(x, a[0]);
        for_each_block<T>(x.size, [&](auto b) { y.put(b, f(b).value()); });
    }
    // (g - mean(g) - y mean(g y)) / sqrt(variance + eps)
    template <class T>
    static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T* a) {
        using V = Vec<T>;
        const Standardised<T> f(x, a[0]);
        Sum<T> plain, along;
        for_each_block<T>(x.size, [&](auto b) {
            const V v = g(b);
            const DoubleWord<V> w = product(f(b), word(v));
            plain.add_exactly(v);
            along.add_exactly(DoubleWord<V>{b.only(w.high), b.only(w.low)});
        });
        const Wide<T> mean = plain.total() / f.size(), slope = along.total() / f.size();
        for_each_block<T>(x.size, [&](auto b) {
            const DoubleWord<V> part = product(f(b), DoubleWord<V>{slope.high(), slope.low()});
            const DoubleWord<V> centred = exact_sum(g(b), -mean.high());
            const DoubleWord<V> d = exact_sum(centred.high, -part.high);
            out.put(b, f.divided(d.high + (d.low + ((centred.low - mean.low()) - part.low))));
        });
    }
};

// The norm of order p > 0 of a row scaled so that its largest size m is in [1, 2): m S^(1/p) with
// S = sum (|u| / m)^p.
template <class T>
class Norm {
public:
    using V = Vec<T>;
    Norm(T p, V most) : p_(splat(p)), most_(most) {}

    DELTARULE_INLINE void add(V u) {
        if (p_[0] == T(2))
            sum_.add_exactly(square(word(u)));
        else
            sum_.add_exactly(p_[0] == T(1) ? abs(u) : power_of_share(u, p_));
    }
    Wide<T> total() const {
        if (p_[0] == T(2)) return root(sum_.total());
        if (p_[0] == T(1)) return sum_.total();
        const Exponential<V> root = power_of_sum(number<V>(1));
        return Wide<T>(word(most_)) * Wide<T>(DoubleWord<V>{root.value(), root.scale(root.low)});
    }
    // d norm / du = sign(u) (|u| / norm)^(p - 1), for y = u / norm.
    DELTARULE_INLINE V slope(V u, V y) const {
        if (p_[0] == T(2)) return y;
        const V one = number<V>(1), less = p_ - one;
        const V share = p_[0] < T(__builtin_inf()) ? power_of_sum(-less).value() : one;
        const V size = p_[0] == T(1) ? one : power_of_share(u, less) * share;
        return u == V{} ? unless_nan(u, V{}) : copy_sign(size, u);
    }

private:
    // S^(q / p)
    Exponential<V> power_of_sum(V q) const {
        return power(sum_.total().word(), quotient(word(q), word(p_)));
    }
    // (|u| / m)^q
    DELTARULE_INLINE V power_of_share(V u, V q) const {
        const V size = abs(u), one = number<V>(1);
        const V share = power(quotient(word(size), word(most_)), word(q)).value();
        return size == most_ ? one : unless_nan(u, share);
    }
    V p_, most_;
    Sum<T> sum_;
};

// y = x / max(norm of x, eps).
template <class T>
class Normed {
public:
    using V = Vec<T>;
    Normed(const Row<T>& x, T p, T eps)
        : largest(max(V{}, DELTARULE_ISA::largest(Sizes<T>{x}))),
          x_(x),
          scaled_(largest),
          norm_(p, scaled_(largest)),
          eps_(splat(eps)) {
        for_each_block<T>(x.size, [&](auto b) { norm_.add(scaled_(x_(b))); });
        const Wide<T> norm = norm_.total();
        const T size = norm.high()[0], least = eps * scaled_.factor()[0];
        floored = size <= least;
        inverse_ = Wide<T>(1) / norm;
    }
    template <class Block>
    DELTARULE_INLINE V operator()(Block b) const {
        const V u = scaled_(x_(b));
        return floored ? over_eps(x_(b)) : madd(u, inverse_.high(), u * inverse_.low());
    }
    // d norm / dx
    template <class Block>
    DELTARULE_INLINE V slope(Block b, V y) const {
        return norm_.slope(scaled_(x_(b)), y);
    }
    // v / norm
    DELTARULE_INLINE V divided(V v) const { return v * inverse_.high() * scaled_.factor(); }
    // v / eps, 0 for eps = 0
    DELTARULE_INLINE V over_eps(V v) const { return eps_ == V{} ? unless_nan(v, V{}) : v / eps_; }

    V largest;
    bool floored;  // the norm is not above eps

private:
    Row<T> x_;
    Scaled<T> scaled_;
    Norm<T> norm_;
    Wide<T> inverse_;
    V eps_;
};

// a = p, eps
struct L2Normalize {
    template <class T>
    static void value(Row<T> x, RowOut<T> y, const T* a) {
        const Normed<T> f(x, a[0], a[1]);
        for_each_block<T>(x.size, [&](auto b) { y.put(b, f(b)); });
    }
    // (g - h sum(g y)) / norm, h = d norm / dx.  As sum(h y) = 1, at the largest entry t this is
    // (g_t R - h_t G) / norm with the sums R of h y and G of g y over the others.
    template <class T>
    static void vjp(Row<T> x, Row<T> g, RowOut<T> out, const T* a) {
        using V = Vec<T>;
        if (x.size == 0) return;
        const Normed<T> f(x, a[0], a[1]);
        if (f.floored)
            return for_each_block<T>(x.size, [&](auto b) { out.put(b, f.over_eps(g(b))); });
        const std::ptrdiff_t t = index_of(Sizes<T>{x}, f.largest);
        const bool alone = a[0] == T(__builtin_inf());  // only h_t is not 0, ties or not
        const auto slope = [&](auto b, V y) { return alone ? V{} : f.slope(b, y); };
        Sum<T> own, along;
        V y_t{}, g_t{}, h_t{};
        for_each_block<T>(
            x.size,
            [&](auto b) {
                const auto top = lane_at<T>(t - b.at);
                const V y = f(b), v = g(b), zero{};
                own.add(b.only(top ? zero : y * slope(b, y)));
                along.add(top ? zero : y * v);
                y_t += top ? y : zero;
                g_t += top ? v : zero;
                h_t += top ? f.slope(b, y) : zero;
            },
            own, along);
        y_t = splat(sum(y_t)), g_t = splat(sum(g_t)), h_t = splat(sum(h_t));
        const V rest = along.total().high(), all = madd(y_t, g_t, rest);
        const V there = f.divided(g_t * own.total().high() - h_t * rest);
        for_each_block<T>(x.size, [&](auto b) {
            const V here = f.divided(g(b) - slope(b, f(b)) * all);
            out.put(b, lane_at<T>(t - b.at) ? there : here);
        });
    }
};

constexpr kernels::ActivationRow rows[] = {
    rowwise<Standardize>(
        ActivationFacts{.name = "standardize",
                        .formula = "(x - mean(x)) / sqrt(mean((x - mean(x))**2) + eps)",
                        .slope_reads = Reads::x,
                        .source = "Ioffe and Szegedy 2015; Ba et al. 2016",
                        .parameters = {{"eps", 1e-5, Domain::non_negative}},
                        .lipschitz = 316.22776601683794,
                        .scale = {.slope = "1 / sqrt(mean((x - mean(x))**2) + eps)"}}),
    rowwise<L2Normalize>(ActivationFacts{
        .name = "l2_normalize",
        .formula = "x / max(sum(abs(x)**p)**(1 / p), eps)",
        .slope_reads = Reads::x,
        .source = "Wang et al. 2017 (NormFace)",
        .parameters = {{"p", 2.0, Domain::at_least_one}, {"eps", 1e-12, Domain::non_negative}},
        .low = -1,
        .high = 1,
        .lipschitz = 1e12}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> rescaled() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
