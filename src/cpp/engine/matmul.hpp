// The only door to matrix products.
//
// All matrices are row-major and dense.  Letters: B rows of the batch, I inputs, U units.  Every
// element is summed up in one fixed order (kernels/products.hpp), so a product may be computed in
// any parts: rows of a batch apart from each other, tiles of a gradient apart from each other.
#pragma once

#include "arena.hpp"
#include "kernels/products.hpp"

namespace deltarule::engine {

template <class T>
const kernels::ProductLoops<T>& product_loops(const kernels::Table& table) {
    if constexpr (sizeof(T) == 4)
        return table.products->float32;
    else
        return table.products->float64;
}

// y (B x U) = x (B x I) W (I x U) + b (U); b may be null.
template <class T>
void multiply(const kernels::Table& table, Index rows, Index inputs, Index units, const T* x,
              const T* w, const T* b, T* y) {
    product_loops<T>(table).multiply(rows, units, inputs, {x, inputs, 1}, w, units, b, 0, y, units);
}

// dx (B x I) = dy (B x U) W^T, from W (I x U).
template <class T>
void multiply_by_transpose(const kernels::Table& table, Index rows, Index inputs, Index units,
                           const T* dy, const T* w, T* dx) {
    product_loops<T>(table).dots(rows, inputs, units, dy, w, dx);
}

// A part of a matrix, the `block`-th of a layer.
struct Tile {
    Index row, rows, column, columns;
    int block = 0;
};

// A tile of dW (I x U) = x^T (I x B) dy (B x U), into `to` (dense).
template <class T>
void outer_products(const kernels::Table& table, Index rows, Index inputs, Index units,
                    const Tile& t, const T* x, const T* dy, T* to) {
    product_loops<T>(table).multiply(t.rows, t.columns, rows, {x + t.row, 1, inputs}, dy + t.column,
                                     units, nullptr, 0, to, t.columns);
}

// sums (U) = sum over the rows of dy (B x U).
template <class T>
void sum_rows(const kernels::Table& table, Index rows, Index units, const T* dy, T* sums) {
    static const T one = 1;
    product_loops<T>(table).multiply(1, units, rows, {&one, 0, 0}, dy, units, nullptr, 0, sums,
                                     units);
}

// A matrix of which row i starts at at + i * step.
template <class T>
struct Strided {
    T* at;
    Index step;
};

// y (B x U) = x (B x I) W (rows of W w_row apart), plus what y holds where `adds`.
template <class T>
void multiply_strided(const kernels::Table& table, Index rows, Index inputs, Index units,
                      Strided<const T> x, const T* w, Index w_row, Strided<T> y, bool adds) {
    product_loops<T>(table).multiply(rows, units, inputs, {x.at, x.step, 1}, w, w_row,
                                     adds ? y.at : nullptr, y.step, y.at, y.step);
}

// A tile of W (I x U) into its place in W^T (U x I).
template <class T>
void transpose(const kernels::Table& table, Index inputs, Index units, const Tile& t, const T* w,
               T* transposed) {
    product_loops<T>(table).transpose(t.rows, t.columns, w + t.row * units + t.column, units,
                                      transposed + t.column * inputs + t.row, inputs);
}

}  // namespace deltarule::engine
