// A matrix of weights among the parameters of a layer: its products, and its gradient in parts.
#pragma once

#include <algorithm>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class Matrix {
public:
    const Index rows, columns;

    // Takes a block of the layer; its shape in records may be longer than (rows, columns).
    Matrix(Layer<T>& layer, std::string name, Index r, Index c, std::vector<Index> shape = {})
        : rows(r), columns(c), layer_(layer), block_(Index(layer.blocks().size())) {
        if (shape.empty()) shape = {r, c};
        layer.blocks().push_back({std::move(name), std::move(shape), true});
    }
    Index size() const { return rows * columns; }
    int block() const { return int(block_); }
    Index offset() const { return layer_.blocks()[std::size_t(block_)].at; }
    const T* in(const Weights<T>& w) const { return w.parameters + offset(); }

    static constexpr Index long_row = 512;  // where dot products cost less than the copy

    // Somebody will multiply by the transpose.
    void place(Layout<T>& transposes) {
        if (columns < long_row) transposed_ = transposes.add(rows, columns);
    }
    // The same, and rows may lie apart, so that there must be a copy.
    void place_copy(Layout<T>& transposes) { transposed_ = transposes.add(rows, columns); }
    const T* transposed(const Weights<T>& w) const { return w.transposed + transposed_; }

    // y (n x columns) = x (n x rows) W + b
    void apply(const Tools<T>& tools, const Weights<T>& w, Index n, const T* x, const T* b,
               T* y) const {
        multiply(*tools.table, n, rows, columns, x, in(w), b, y);
    }
    // dx (n x rows) = dy (n x columns) W^T
    void apply_transposed(const Tools<T>& tools, const Weights<T>& w, Index n, const T* dy,
                          T* dx) const {
        if (transposed_ < 0)
            return multiply_by_transpose(*tools.table, n, rows, columns, dy, in(w), dx);
        multiply(*tools.table, n, columns, rows, dy, transposed(w), static_cast<const T*>(nullptr),
                 dx);
    }

    // Tiles of few enough numbers to stay near the core, and enough of them for many threads.
    std::vector<Tile> parts(Index most = 32) const {
        constexpr Index numbers = 12288, widest = 512, worth_sharing = 1024, step = 24;
        const Index wide = std::min(columns, widest);
        const Index shares = std::clamp(rows * columns / worth_sharing, Index{1}, most);
        const Index even = std::min(numbers / wide, (rows + shares - 1) / shares);
        const Index high = (even + step - 1) / step * step;
        std::vector<Tile> tiles;
        for (Index j = 0; j < columns; j += wide)
            for (Index i = 0; i < rows; i += high)
                tiles.push_back(
                    {i, std::min(high, rows - i), j, std::min(wide, columns - j), int(block_)});
        return tiles;
    }
    std::vector<Range> ranges(const Tile& t) const {
        if (t.columns == columns) return {{offset() + t.row * columns, t.rows * columns, true}};
        std::vector<Range> each;
        for (Index r = 0; r < t.rows; ++r)
            each.push_back({offset() + (t.row + r) * columns + t.column, t.columns, true});
        return each;
    }
    // A tile of dW = x^T dy over n rows.
    void differentiate(const Tools<T>& tools, Index n, const T* x, const T* dy, const Tile& t,
                       T* gradient) const {
        outer_products(*tools.table, n, rows, columns, t, x, dy, gradient);
    }
    void finish(const Tools<T>& tools, const Weights<T>& w, const Tile& t) const {
        if (transposed_ >= 0)
            transpose(*tools.table, rows, columns, t, in(w), w.transposed + transposed_);
    }

private:
    const Layer<T>& layer_;
    Index block_;
    Index transposed_ = -1;  // offset of W^T; -1 where nobody needs it
};

}  // namespace deltarule::engine::layers
