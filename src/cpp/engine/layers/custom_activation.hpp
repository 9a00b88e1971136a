// A user's formula as a layer:  y = f(x),  dx = dy f'(x), both run as tapes.
#pragma once

#include "../tape_program.hpp"
#include "layer.hpp"

namespace deltarule::engine {

template <class T>
struct CustomActivation {
    TapeProgram value;     // of x
    TapeProgram pullback;  // of x, y and dy
    Index columns;

    Index width() const { return columns; }
    // Where the slope does not read x, y may overwrite it.
    bool overwrites() const { return !pullback.reads(0); }
    bool keeps_delta() const { return false; }

    void forward(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const {
        const T* in[] = {p.x};
        T* out[] = {p.y};
        value.run(*tools.table, p.rows * columns, in, out);
    }
    void backward(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const {
        const T* in[] = {p.x, p.y, p.dy};
        T* out[] = {p.dx};
        pullback.run(*tools.table, p.rows * columns, in, out);
    }
};

}  // namespace deltarule::engine
