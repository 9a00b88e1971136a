// The loss of a net: a row of the catalogue, or a user's formula run as tapes.
#pragma once

#include <utility>

#include "layer.hpp"
#include "tape_program.hpp"

namespace deltarule::engine {

template <class T>
struct Loss {
    using Target = kernels::Target<T>;

    const kernels::LossRow* row = nullptr;  // null for a formula, which is element-wise
    T parameters[kernels::max_parameters] = {};
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
        if (row) return row->template loops<T>().value(rows, cols, z, t, values, parameters);
        const T* in[] = {z, t.values};
        T* out[] = {values};
        own_value.run(*tools.table, rows * cols, in, out);
    }
    // The same and the slope of each.
    void value_and_slope(const Tools<T>& tools, Index rows, Index cols, const T* z, Target t,
                         T* values, T* slope) const {
        if (row)
            return row->template loops<T>().value_and_slope(rows, cols, z, t, values, slope,
                                                            parameters);
        const T* in[] = {z, t.values};
        T* out[] = {values, slope};
        own_value_and_slope.run(*tools.table, rows * cols, in, out);
    }
};

}  // namespace deltarule::engine
