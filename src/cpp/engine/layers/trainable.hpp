// An activation that learns its parameters a, one set for the layer:
//
//   y = f(x; a),   dx = dy * f'(x; a),   da[k] = sum of dy * df/da[k] over the batch and the units
#pragma once

#include "layer.hpp"

namespace deltarule::engine {

template <class T>
struct Trainable {
    const kernels::ActivationRow* row;
    Index width;
    T initial[kernels::max_parameters] = {};
    Index count = 0;       // of parameters
    Index parameters = 0;  // offset into the parameters and the gradients

    void place(Layout<T>& layout) { parameters = layout.add(count); }

    void initialise(T* all) const {
        for (Index k = 0; k < count; ++k) all[parameters + k] = initial[k];
    }
    void forward(const Tools<T>&, const T* all, const Pass<T>& p) const {
        T a[kernels::max_parameters] = {};
        for (Index k = 0; k < count; ++k) a[k] = all[parameters + k];
        row->template loops<T>().value(p.rows, width, p.x, p.y, a);
    }
    void backward(const Tools<T>&, const T* all, T* gradients, const Pass<T>& p) const {
        const auto& loops = row->template loops<T>();
        T a[kernels::max_parameters] = {};
        for (Index k = 0; k < count; ++k) a[k] = all[parameters + k];
        for (Index k = 0; k < count; ++k)
            gradients[parameters + k] = T(loops.parameter_slope[k](p.rows * width, p.x, p.dy, a));
        loops.vjp(p.rows, width, p.x, p.y, p.dy, p.dx, a);
    }
};

}  // namespace deltarule::engine
