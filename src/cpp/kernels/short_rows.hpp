// Softmax cross-entropy with class codes for many rows of few classes: a row per lane and a class
// per vector, so that nothing is added up across lanes.  The same numbers as those of a row by
// itself, to the same bounds; a lane does not depend on the others.
#pragma once

#include "normaliser.hpp"
#include "row_loops.hpp"
#include "transpose.hpp"

namespace deltarule::DELTARULE_ISA {

inline constexpr Index few_classes = 16;

template <class T>
class ShortRows {
public:
    using V = Vec<T>;

    // So many rows, at most one per lane, of `classes` numbers.
    ShortRows(Sources<T> z, Index start, Index rows, const std::int64_t* codes, Index code_step)
        : classes_(z.size), rows_(rows) {
        for (Index c = 0; c < classes_; c += n) {
            V square[n];
            const Index columns = classes_ - c < n ? classes_ - c : n;
            for (Index i = 0; i < n; ++i)
                square[i] = i < rows ? load(z.at + (start + i) * z.step + c, columns, V{}) : V{};
            transpose_square(square);
            for (Index i = 0; i < columns; ++i) x_[c + i] = square[i];
        }
        for (Index i = 0; i < rows; ++i) {
            const std::int64_t code = codes[(start + i) * code_step];
            code_[i] = code >= 0 && code < classes_ ? typename Traits<T>::Int(code) : -1;
        }
    }

    // The losses of the rows.
    DELTARULE_INLINE V losses() {
        const V zero{}, unit = number<V>(1);
        V max = splat(T(-__builtin_inf()));
        for (Index j = 0; j < classes_; ++j) max = deltarule::DELTARULE_ISA::max(max, x_[j]);
        const Terms<T> terms(typename Terms<T>::Maxima{max});
        DoubleWord<V> rest{};
        V equal = -unit, here = splat(T(not_given));
        for (Index j = 0; j < classes_; ++j) {
            const auto other = x_[j] != max, mine = code_ == typename Traits<T>::Int(j);
            term_[j] = terms(x_[j]);
            const DoubleWord<V> s = exact_sum(rest.high, other ? term_[j] : zero);
            rest = {s.high, rest.low + s.low};
            equal += other ? zero : unit;
            here = mine ? x_[j] : here;
        }
        const DoubleWord<V> top = terms.top_of_each();
        rest = sum(rest, product(DoubleWord<V>{equal, zero}, top));
        is_top_ = here == max;
        inverse_ = quotient(DoubleWord<V>{unit, zero}, sum(top, rest));
        others_ = product(rest, inverse_).value();
        const V gap = here == here ? -terms.shifted(here) : here;
        return log_loss(gap, unit, rounded_quotient(rest, top));
    }

    // After them their slopes times `factor`.
    DELTARULE_INLINE void put_slopes(Results<T> out, Index start, T factor) const {
        const V unit = number<V>(1), scale = splat(factor), nothing = splat(T(not_given));
        for (Index c = 0; c < classes_; c += n) {
            V square[n];
            const Index columns = classes_ - c < n ? classes_ - c : n;
            for (Index i = 0; i < n; ++i) {
                const Index j = i < columns ? c + i : c;
                const V p = product_and_rest(term_[j], inverse_.high, term_[j] * inverse_.low);
                const V mine = is_top_ ? -others_ : p - unit;
                const V slope = scale * (code_ == typename Traits<T>::Int(j) ? mine : p);
                square[i] = code_ < 0 ? nothing : slope;
            }
            transpose_square(square);
            for (Index i = 0; i < rows_; ++i)
                store(out.at + (start + i) * out.step + c, columns, square[i]);
        }
    }

private:
    static constexpr Index n = lanes<T>;
    DELTARULE_INLINE static DoubleWord<V> sum(DoubleWord<V> a, DoubleWord<V> b) {
        const DoubleWord<V> s = exact_sum(a.high, b.high);
        return sum_of_ordered(s.high, s.low + (a.low + b.low));
    }

    Index classes_, rows_;
    V x_[few_classes], term_[few_classes];
    Ints<T> code_{}, is_top_{};
    DoubleWord<V> inverse_{};
    V others_{};
};

// The losses of all rows, and their slopes times `factor` if `slopes`.
template <bool slopes, class T>
[[gnu::noinline, gnu::flatten]] void short_rows(Index rows, Sources<T> z, const std::int64_t* codes,
                                                Index code_step, T* values, Index step,
                                                Results<T> slope, T factor) {
    for (Index start = 0; start < rows; start += lanes<T>) {
        const Index some = rows - start < lanes<T> ? rows - start : lanes<T>;
        ShortRows<T> block(z, start, some, codes, code_step);
        const Vec<T> losses = block.losses();
        for (Index i = 0; i < some; ++i) values[(start + i) * step] = losses[i];
        if constexpr (slopes) block.put_slopes(slope, start, factor);
    }
}

}  // namespace deltarule::DELTARULE_ISA
