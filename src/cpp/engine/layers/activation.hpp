// Any row of the catalogue as a layer:  y = f(x),  dx = dy * f'(x)  (dx = J^T dy for a row-wise
// one).
#pragma once

#include "layer.hpp"

namespace deltarule::engine {

template <class T>
struct Activation {
    const kernels::ActivationRow* row;
    Index columns;
    T parameters[kernels::max_parameters] = {};

    Index width() const { return columns; }
    // Where the slope does not read x, y may overwrite it.
    bool overwrites() const { return row->facts.slope_reads != kernels::Reads::x; }
    bool keeps_delta() const { return false; }

    void forward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const {
        row->template loops<T>().value(p.rows, columns, p.x, p.y, parameters);
    }
    void backward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const {
        row->template loops<T>().vjp(p.rows, columns, p.x, p.y, p.dy, p.dx, parameters);
    }
};

}  // namespace deltarule::engine
