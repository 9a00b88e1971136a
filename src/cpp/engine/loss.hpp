// The loss of a net: a row of the catalogue, or a user's formula run as tapes.
#pragma once

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "layer.hpp"
#include "tape_program.hpp"

namespace deltarule::engine {

template <class T>
struct Loss {
    using Target = kernels::Target<T>;

    const kernels::LossRow* row = nullptr;  // null for a formula, which is element-wise
    T parameters[kernels::max_parameters] = {};
    std::vector<T> levels;  // of each column: its first parameter; empty: the same for all
    TapeProgram own_value, own_value_and_slope;  // of z and t

    bool targets_are_classes() const {
        return row && row->facts.targets == kernels::Targets::classes;
    }
    // A row-wise loss has one value per row, others one per element.
    bool rowwise() const { return row && row->kind == kernels::Kind::rowwise; }
    // The loss of a batch is the root of the mean over its elements.
    bool root_of_mean() const { return row && row->facts.root_of_mean; }

    // z (rows x cols) and its targets -> values.
    void value(const Tools<T>& tools, Index rows, Index cols, const T* z, Target t,
               T* values) const {
        if (!levels.empty()) return by_level(rows, cols, z, t.values, values, nullptr);
        if (row) return row->template loops<T>().value(rows, cols, z, t, values, parameters);
        const T* in[] = {z, t.values};
        T* out[] = {values};
        own_value.run(*tools.table, rows * cols, in, out);
    }
    // The same and the slope of each.
    void value_and_slope(const Tools<T>& tools, Index rows, Index cols, const T* z, Target t,
                         T* values, T* slope) const {
        if (!levels.empty()) return by_level(rows, cols, z, t.values, values, slope);
        if (row)
            return row->template loops<T>().value_and_slope(rows, cols, z, t, values, slope,
                                                            parameters);
        const T* in[] = {z, t.values};
        T* out[] = {values, slope};
        own_value_and_slope.run(*tools.table, rows * cols, in, out);
    }

private:
    // Every column with its own first parameter, some rows at a time.
    void by_level(Index rows, Index cols, const T* z, const T* t, T* values, T* slope) const {
        constexpr Index most = 256;
        T column[4][most] = {}, a[kernels::max_parameters];
        std::copy(std::begin(parameters), std::end(parameters), a);
        for (Index start = 0; start < rows; start += most) {
            const Index n = std::min(most, rows - start);
            for (Index j = 0; j < cols; ++j) {
                const Index first = start * cols + j;
                for (Index i = 0; i < n; ++i) {
                    column[0][i] = z[first + i * cols];
                    column[1][i] = t[first + i * cols];
                }
                a[0] = levels[std::size_t(j)];
                Target target{};
                target.values = column[1];
                const auto& loops = row->template loops<T>();
                if (slope)
                    loops.value_and_slope(n, 1, column[0], target, column[2], column[3], a);
                else
                    loops.value(n, 1, column[0], target, column[2], a);
                for (Index i = 0; i < n; ++i) values[first + i * cols] = column[2][i];
                for (Index i = 0; slope && i < n; ++i) slope[first + i * cols] = column[3][i];
            }
        }
    }
};

}  // namespace deltarule::engine
