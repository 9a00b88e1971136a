// An activation that learns its parameters a, one set for the layer:
//
//   y = f(x; a),   dx = dy * f'(x; a),   da[k] = sum of dy * df/da[k] over the batch and the units
#pragma once

#include <vector>

#include "layer.hpp"

namespace deltarule::engine {

template <class T>
struct Trainable {
    const kernels::ActivationRow* row;
    Index columns;
    T initial[kernels::max_parameters] = {};
    Index count = 0;       // of parameters
    Index parameters = 0;  // offset into the parameters and the gradients

    Index width() const { return columns; }
    bool overwrites() const { return false; }
    bool keeps_delta() const { return true; }

    void place(Layout<T>& layout, Layout<T>&, bool) { parameters = layout.add(count); }

    void initialise(T* all) const {
        for (Index k = 0; k < count; ++k) all[parameters + k] = initial[k];
    }
    void forward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const {
        const Own a(*this, w.parameters);
        row->template loops<T>().value(p.rows, columns, p.x, p.y, a.at);
    }
    void backward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const {
        const Own a(*this, w.parameters);
        row->template loops<T>().vjp(p.rows, columns, p.x, p.y, p.dy, p.dx, a.at);
    }

    // One part: the whole.
    std::vector<Tile> parts() const { return {{0, 1, 0, count}}; }
    static Index scratch(const Tile&) { return kernels::max_parameters; }

    template <class Sink>
    void differentiate(const Tools<T>&, const Weights<T>& w, const Pass<T>& p, const Tile&,
                       T* scratch, const Sink& sink) const {
        const Own a(*this, w.parameters);
        const auto& slope = row->template loops<T>().parameter_slope;
        for (Index k = 0; k < count; ++k)
            scratch[k] = T(slope[k](p.rows * columns, p.x, p.dy, a.at));
        sink(parameters, count, scratch, false);
    }

private:
    struct Own {
        T at[kernels::max_parameters] = {};
        Own(const Trainable& layer, const T* all) {
            for (Index k = 0; k < layer.count; ++k) at[k] = all[layer.parameters + k];
        }
    };
};

}  // namespace deltarule::engine
