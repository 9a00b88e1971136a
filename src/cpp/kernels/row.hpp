// Rows of K numbers: how functions of a whole row read, write and add them up.
//
// A row is walked in blocks of one vector, the last of them partial.  It is contiguous (step 1) or
// strided.  Nothing is written that was not read first, so a result may overwrite its input.
#pragma once

#include "vmath.hpp"

namespace deltarule::DELTARULE_ISA {

// ---- blocks -------------------------------------------------------------------------------------

// The lanes of a row from `at` on: all of them, or the `count` that are left at its end.
template <class T>
struct Whole {
    std::ptrdiff_t at;
    static constexpr std::ptrdiff_t count = lanes<T>;
    DELTARULE_INLINE Vec<T> load(const T* p, Vec<T>) const {
        return deltarule::DELTARULE_ISA::load(p + at);
    }
    DELTARULE_INLINE void store(T* p, Vec<T> v) const {
        deltarule::DELTARULE_ISA::store(p + at, v);
    }
    // v in the lanes that exist, `other` beyond.
    DELTARULE_INLINE Vec<T> only(Vec<T> v, Vec<T> = Vec<T>{}) const { return v; }
};
template <class T>
struct Partial {
    std::ptrdiff_t at, count;
    DELTARULE_INLINE Vec<T> load(const T* p, Vec<T> fill) const {
        return deltarule::DELTARULE_ISA::load(p + at, count, fill);
    }
    DELTARULE_INLINE void store(T* p, Vec<T> v) const {
        deltarule::DELTARULE_ISA::store(p + at, count, v);
    }
    DELTARULE_INLINE Vec<T> only(Vec<T> v, Vec<T> other = Vec<T>{}) const {
        return first<T>(count) ? v : other;
    }
};

// Errors of the lanes average out: the more lanes, the more vectors may be added up plainly.
template <class T>
constexpr std::ptrdiff_t settled_after = lanes<T> >= 16 ? 4 : 1;

// f of every block; the sums that f adds to are settled in time.
template <class T, class F, class... Sums>
DELTARULE_INLINE void for_each_block(std::ptrdiff_t size, F f, Sums&... sums) {
    const std::ptrdiff_t whole = size - size % lanes<T>;
    std::ptrdiff_t i = 0;
    if constexpr (sizeof...(sums) == 0) {
        for (; i < whole; i += lanes<T>) f(Whole<T>{i});
    } else {
        while (i < whole) {
            const std::ptrdiff_t left = whole - i, most = settled_after<T> * lanes<T>;
            const std::ptrdiff_t stop = i + (left < most ? left : most);
            for (; i < stop; i += lanes<T>) f(Whole<T>{i});
            (sums.settle(), ...);
        }
    }
    if (i < size) {
        f(Partial<T>{i, size - i});
        (sums.settle(), ...);
    }
}

// ---- rows ---------------------------------------------------------------------------------------

template <class T>
struct Row {
    const T* at;
    std::ptrdiff_t step, size;

    DELTARULE_INLINE T operator[](std::ptrdiff_t i) const { return at[i * step]; }
    // The lanes of a block; beyond the end of the row, `fill`.
    template <class Block>
    DELTARULE_INLINE Vec<T> operator()(Block b, Vec<T> fill = Vec<T>{}) const {
        if (step == 1) return b.load(at, fill);
        for (std::ptrdiff_t k = 0; k < b.count; ++k) fill[k] = at[(b.at + k) * step];
        return fill;
    }
    // Asks for the block that follows the row by its own length: in a matrix, of the next row.
    template <class Block>
    DELTARULE_INLINE void fetch_next(Block b) const {
        __builtin_prefetch(at + (b.at + size) * step);
    }
    DELTARULE_INLINE Row part(std::ptrdiff_t start, std::ptrdiff_t count) const {
        return {at + start * step, step, count};
    }
};

template <class T>
struct RowOut {
    T* at;
    std::ptrdiff_t step, size;

    template <class Block>
    DELTARULE_INLINE void put(Block b, Vec<T> v) const {
        if (step == 1) return b.store(at, v);
        for (std::ptrdiff_t k = 0; k < b.count; ++k) at[(b.at + k) * step] = v[k];
    }
    // Asks for a block that will be written.
    template <class Block>
    DELTARULE_INLINE void fetch(Block b) const {
        __builtin_prefetch(at + b.at * step, 1);
    }
    DELTARULE_INLINE void fill(T value) const {
        for_each_block<T>(size, [&](auto b) { put(b, splat(value)); });
    }
    DELTARULE_INLINE RowOut part(std::ptrdiff_t start, std::ptrdiff_t count) const {
        return {at + start * step, step, count};
    }
};

// -x, read as a row.
template <class T>
struct Negated {
    Row<T> row;
    std::ptrdiff_t size = row.size;

    DELTARULE_INLINE T operator[](std::ptrdiff_t i) const { return -row[i]; }
    template <class Block>
    DELTARULE_INLINE Vec<T> operator()(Block b, Vec<T> fill = Vec<T>{}) const {
        return -row(b, -fill);
    }
    template <class Block>
    DELTARULE_INLINE void fetch_next(Block b) const {
        row.fetch_next(b);
    }
};

// The targets of a row: a class code, or a distribution over the classes.
template <class T>
struct RowTarget {
    std::int64_t code;
    Row<T> distribution;  // at = nullptr: read the code

    DELTARULE_INLINE bool is_code() const { return !distribution.at; }
};

// The loss of a row: base + weight log(1 + odds), so that rows share the logarithm.
template <class T>
struct RowLoss {
    T base, weight = T(0), odds = T(0);
    explicit RowLoss(T loss) : base(loss) {}
    RowLoss(T rest, T factor, T ratio) : base(rest), weight(factor), odds(ratio) {}
};
template <class V>
DELTARULE_INLINE V log_loss(V base, V weight, V odds) {
    return madd(weight, log1p_of_positive(odds), base);
}

// What one pass over a row leaves for the next: beside the kernel where the row is short, else in
// the row of the result.
template <class T>
struct Scratch {
    static constexpr std::ptrdiff_t capacity = 8192 / sizeof(T);
    alignas(64) T at[capacity];
};
template <class T>
struct Kept {
    T* at;
    std::ptrdiff_t step;
    bool beside;

    Kept(Scratch<T>& scratch, const RowOut<T>& result)
        : at(result.at), step(result.step), beside(result.size <= Scratch<T>::capacity) {
        if (beside) at = scratch.at, step = 1;
    }
    DELTARULE_INLINE void put(Whole<T> b, Vec<T> v) const { RowOut<T>{at, step, 0}.put(b, v); }
    DELTARULE_INLINE void put(Partial<T> b, Vec<T> v) const {
        beside ? store(at + b.at, v) : RowOut<T>{at, step, 0}.put(b, v);
    }
    DELTARULE_INLINE Vec<T> operator()(Whole<T> b) const { return Row<T>{at, step, 0}(b); }
    DELTARULE_INLINE Vec<T> operator()(Partial<T> b) const {
        return beside ? load(at + b.at) : Row<T>{at, step, 0}(b);
    }
    DELTARULE_INLINE T operator[](std::ptrdiff_t i) const { return at[i * step]; }
};

// ---- sums and maxima ----------------------------------------------------------------------------

// Sums to nearly twice the digits of T: a number as what it is for float, and a double word for
// double.
template <class T>
struct Wide;
template <>
struct Wide<float> {
    double value;
    Wide(double v = 0) : value(v) {}
    explicit Wide(DoubleWord<Vec<float>> v) : value(double(v.high[0]) + double(v.low[0])) {}
    DELTARULE_INLINE DoubleWord<Vec<float>> word() const { return {high(), low()}; }
    DELTARULE_INLINE Vec<float> high() const { return splat(float(value)); }
    DELTARULE_INLINE Vec<float> low() const { return splat(float(value - double(float(value)))); }
    DELTARULE_INLINE friend Wide operator+(Wide a, Wide b) { return a.value + b.value; }
    DELTARULE_INLINE friend Wide operator-(Wide a, Wide b) { return a.value - b.value; }
    DELTARULE_INLINE friend Wide operator*(Wide a, Wide b) { return a.value * b.value; }
    DELTARULE_INLINE friend Wide operator/(Wide a, Wide b) { return a.value / b.value; }
    DELTARULE_INLINE friend Wide root(Wide a) { return __builtin_sqrt(a.value); }
};
template <>
struct Wide<double> {
    DoubleWord<Vec<double>> value;
    Wide(double v = 0) : value{splat(v), {}} {}
    Wide(DoubleWord<Vec<double>> v) : value(exact_sum(v.high, v.low)) {
        if (!(abs(value.low)[0] < __builtin_inf())) value.low = Vec<double>{};
    }
    DELTARULE_INLINE DoubleWord<Vec<double>> word() const { return value; }
    DELTARULE_INLINE Vec<double> high() const { return value.high; }
    DELTARULE_INLINE Vec<double> low() const { return value.low; }
    DELTARULE_INLINE friend Wide operator+(Wide a, Wide b) {
        const DoubleWord<Vec<double>> s = exact_sum(a.value.high, b.value.high);
        return DoubleWord<Vec<double>>{s.high, s.low + (a.value.low + b.value.low)};
    }
    DELTARULE_INLINE friend Wide operator-(Wide a, Wide b) { return a + Wide(-b.value); }
    DELTARULE_INLINE friend Wide operator*(Wide a, Wide b) { return product(a.value, b.value); }
    DELTARULE_INLINE friend Wide operator/(Wide a, Wide b) { return quotient(a.value, b.value); }
    DELTARULE_INLINE friend Wide root(Wide a) {
        const Vec<double> r = sqrt(a.value.high), zero{};
        const DoubleWord<Vec<double>> square = exact_product(r, r);
        const Vec<double> rest = ((a.value.high - square.high) - square.low) + a.value.low;
        return DoubleWord<Vec<double>>{r, r == zero ? zero : rest / (r + r)};
    }
};

// a + b where the mask is set, else a.
template <class V>
DELTARULE_INLINE V plus_where(Ints<Element<V>> mask, V a, V b) {
#if DELTARULE_VECTOR_BYTES == 64
    return mask ? a + b : a;
#else
    return a + (mask ? b : V{});
#endif
}

// A sum over a row: plain over a few vectors at a time, exact or nearly so over those blocks and
// over the lanes.
template <class T>
class Sum;
template <>
class Sum<float> {
public:
    using V = Vec<float>;
    DELTARULE_INLINE void add(V v) { block_ += v; }
    DELTARULE_INLINE void add_where(Ints<float> mask, V v) { block_ = plus_where(mask, block_, v); }
    // In no block with others.
    DELTARULE_INLINE void add_exactly(V v) {
        add(v);
        settle();
    }
    DELTARULE_INLINE void add_exactly(DoubleWord<V> v) {
        add_exactly(v.high);
        add_exactly(v.low);
    }
    DELTARULE_INLINE void settle() {
        Vec<double> half[2];
        widen(block_, half);
        low_ += half[0];
        high_ += half[1];
        block_ = V{};
    }
    DELTARULE_INLINE Wide<float> total() const {
        return deltarule::DELTARULE_ISA::sum(low_ + high_);
    }

private:
    V block_{};
    Vec<double> low_{}, high_{};
};
template <>
class Sum<double> {
public:
    using V = Vec<double>;
    DELTARULE_INLINE void add(V v) { block_ += v; }
    DELTARULE_INLINE void add_where(Ints<double> mask, V v) {
        block_ = plus_where(mask, block_, v);
    }
    // In no block with others.
    DELTARULE_INLINE void add_exactly(V v) {
        add(v);
        settle();
    }
    DELTARULE_INLINE void add_exactly(DoubleWord<V> v) {
        add_exactly(v.high);
        add_exactly(v.low);
    }
    DELTARULE_INLINE void settle() {
        const DoubleWord<V> s = exact_sum(sum_.high, block_);
        sum_ = {s.high, sum_.low + s.low};
        block_ = V{};
    }
    DELTARULE_INLINE Wide<double> total() const { return fold<lanes<double> / 2>(sum_); }

private:
    template <int distance>
    DELTARULE_INLINE static DoubleWord<V> fold(DoubleWord<V> a) {
        const DoubleWord<V> s = exact_sum(a.high, exchanged<distance>(a.high));
        const DoubleWord<V> u = {s.high, s.low + (a.low + exchanged<distance>(a.low))};
        if constexpr (distance > 1)
            return fold<distance / 2>(u);
        else
            return u;
    }
    V block_{};
    DoubleWord<V> sum_{};
};

// The largest number of a row, in every lane; a NaN is not seen, -infinity in a row of NaN.
template <class R>
DELTARULE_INLINE auto largest(const R& x) {
    using T = std::remove_cvref_t<decltype(x[0])>;
    using V = Vec<T>;
    const V lowest = splat(T(-__builtin_inf()));
    V a = lowest, b = lowest, c = lowest, d = lowest;
    std::ptrdiff_t i = 0;
    for (; i + 4 * lanes<T> <= x.size; i += 4 * lanes<T>) {
        a = max(a, x(Whole<T>{i}));
        b = max(b, x(Whole<T>{i + lanes<T>}));
        c = max(c, x(Whole<T>{i + 2 * lanes<T>}));
        d = max(d, x(Whole<T>{i + 3 * lanes<T>}));
    }
    for (; i + lanes<T> <= x.size; i += lanes<T>) a = max(a, x(Whole<T>{i}));
    if (i < x.size) b = max(b, x(Partial<T>{i, x.size - i}, lowest));
    return splat(maximum(max(max(a, b), max(c, d))));
}

// The mask of one lane; of none if it is not one of this vector.
template <class T>
DELTARULE_INLINE Ints<T> lane_at(std::ptrdiff_t i) {
    return first<T>(i < 0 ? 0 : i + 1) & ~first<T>(i < 0 ? 0 : i);
}

// Where it is first; 0 in a row of NaN.
template <class R, class V>
DELTARULE_INLINE std::ptrdiff_t index_of(const R& x, V largest) {
    using T = Element<V>;
    std::ptrdiff_t i = 0;
    unsigned found = 0;
    for (; i + lanes<T> <= x.size && !found; i += lanes<T>)
        found = mask_bits<T>(x(Whole<T>{i}) == largest);
    if (found) return i - lanes<T> + __builtin_ctz(found);
    if (i < x.size) {
        const Partial<T> b{i, x.size - i};
        found = mask_bits<T>((x(b) == largest) & first<T>(b.count));
    }
    return found ? i + __builtin_ctz(found) : 0;
}

}  // namespace deltarule::DELTARULE_ISA
