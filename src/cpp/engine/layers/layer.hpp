// What every layer is given: the tools of the net and a batch.
#pragma once

#include "../matmul.hpp"

namespace deltarule::engine {

template <class T>
struct Tools {
    const kernels::Table* table;
    Blas blas;

    const kernels::VectorLoops<T>& vectors() const { return table->template vectors<T>(); }
};

// One layer's share of a batch of `rows`: x -> y forward, dy -> dx backward, all row-major.
// dx is null where nobody needs it (the first layer); dx may be dy.
template <class T>
struct Pass {
    Index rows;
    const T* x;
    T* y;
    T* dy;
    T* dx;
};

}  // namespace deltarule::engine
