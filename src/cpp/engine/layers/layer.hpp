// What every layer is given: the tools of the net, its weights and some rows of a batch.
//
// A layer is a struct with
//   width()                                  columns of y
//   forward(tools, weights, pass)            x -> y
//   backward(tools, weights, pass)           dy -> dx
//   overwrites(), keeps_delta()              whether y may be x, whether dx must not be dy
// and, where it has parameters,
//   place(parameters, transposes, first)     their offsets
//   initialise(parameters, ...)
//   parts()                                  its gradient in parts that different threads compute
//   differentiate(tools, weights, pass, part, scratch, sink)
//                                            one part, over all rows of the batch; the sink is
//                                            given (offset, count, gradient, decays)
//   finish(tools, weights, part)             what follows from new parameters
// Forward and backward are given any rows of a batch, on any thread, and compute each by itself;
// backward is not called for the first layer.
#pragma once

#include "../matmul.hpp"

namespace deltarule::engine {

template <class T>
struct Tools {
    const kernels::Table* table;

    const kernels::VectorLoops<T>& vectors() const { return table->template vectors<T>(); }
};

// The parameters, and the transposed weights that follow from them.
template <class T>
struct Weights {
    T* parameters;
    T* transposed;
};

// One layer's share of `rows` of a batch, all row-major.
template <class T>
struct Pass {
    Index rows;
    const T* x;
    T* y;
    T* dy;
    T* dx;
};

}  // namespace deltarule::engine
