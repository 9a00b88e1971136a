// Fully connected layer.  Letters: B rows of the batch, I inputs, U units.
//
//   forward    y (B x U)  = x (B x I) W (I x U) + b
//   backward   dx (B x I) = dy W^T: dot products of long rows; for short ones a product with a
//                           transposed copy of W, which every update renews
//   gradient   dW (I x U) = x^T dy, tile by tile,   db (U) = column sums of dy
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "../random.hpp"
#include "layer.hpp"

namespace deltarule::engine {

enum class Distribution { uniform, normal };

// Variance of the initial weights = 1 / (fan_in * in + fan_out * out).
struct Initialiser {
    double in = 0.5, out = 0.5;  // Glorot: 1/2, 1/2; He: 1/2, 0; LeCun: 1, 0
    Distribution distribution = Distribution::uniform;
};

template <class T>
struct Dense {
    Index inputs, units;
    Initialiser init;
    Index weights = 0, bias = 0;  // offsets into the parameters and the gradients
    Index transposed = -1;        // offset of W^T; -1 where nobody needs it

    Index width() const { return units; }
    bool overwrites() const { return false; }
    bool keeps_delta() const { return true; }

    static constexpr Index long_row = 512;

    void place(Layout<T>& parameters, Layout<T>& transposes, bool first) {
        weights = parameters.add(inputs, units);
        bias = parameters.add(units);
        if (!first && units < long_row) transposed = transposes.add(inputs, units);
    }

    void initialise(T* parameters, std::uint64_t seed, std::uint64_t layer) const {
        const double deviation = 1 / std::sqrt(init.in * double(inputs) + init.out * double(units));
        const std::uint64_t stream = static_cast<std::uint64_t>(Stream::initialisation) | layer;
        std::array<std::uint64_t, 2> bits{};
        const double half_width = std::sqrt(3.0) * deviation;
        for (Index i = 0; i < inputs * units; ++i) {
            T& w = parameters[weights + i];
            const auto at = static_cast<std::uint64_t>(i);
            if (init.distribution == Distribution::normal) {
                w = static_cast<T>(deviation * normal(philox(seed, stream, at)));
                continue;
            }
            if (i % 2 == 0) bits = philox(seed, stream, at / 2);
            w = static_cast<T>(half_width * (2 * uniform(bits[at % 2]) - 1));
        }
        for (Index i = 0; i < units; ++i) parameters[bias + i] = T(0);
    }

    void forward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const {
        multiply(*tools.table, p.rows, inputs, units, p.x, w.parameters + weights,
                 w.parameters + bias, p.y);
    }
    void backward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const {
        if (transposed < 0)
            return multiply_by_transpose(*tools.table, p.rows, inputs, units, p.dy,
                                         static_cast<const T*>(w.parameters + weights), p.dx);
        multiply(*tools.table, p.rows, units, inputs, p.dy, w.transposed + transposed,
                 static_cast<const T*>(nullptr), p.dx);
    }

    // A part is a tile of W, or the bias: a tile of no rows.  How W is parted depends on its shape
    // alone, as the order does in which the penalties of the parts are added up.
    std::vector<Tile> parts() const {
        constexpr Index numbers = 12288, widest = 512, worth_sharing = 1024, most = 32, step = 24;
        const Index columns = std::min(units, widest);
        const Index shares = std::clamp(inputs * units / worth_sharing, Index{1}, most);
        const Index even = std::min(numbers / columns, (inputs + shares - 1) / shares);
        const Index rows = (even + step - 1) / step * step;
        std::vector<Tile> tiles;
        for (Index j = 0; j < units; j += columns)
            for (Index i = 0; i < inputs; i += rows)
                tiles.push_back({i, std::min(rows, inputs - i), j, std::min(columns, units - j)});
        tiles.push_back({0, 0, 0, units});
        return tiles;
    }
    static Index scratch(const Tile& part) { return std::max(part.rows, Index{1}) * part.columns; }

    template <class Sink>
    void differentiate(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p, const Tile& part,
                       T* scratch, const Sink& sink) const {
        if (part.rows == 0) {
            sum_rows(*tools.table, p.rows, units, p.dy, scratch);
            return sink(bias, units, scratch, false);
        }
        outer_products(*tools.table, p.rows, inputs, units, part, p.x, p.dy, scratch);
        if (part.columns == units)
            return sink(weights + part.row * units, part.rows * units, scratch, true);
        for (Index r = 0; r < part.rows; ++r)
            sink(weights + (part.row + r) * units + part.column, part.columns,
                 scratch + r * part.columns, true);
    }
    void finish(const Tools<T>& tools, const Weights<T>& w, const Tile& part) const {
        if (transposed >= 0 && part.rows > 0)
            transpose(*tools.table, inputs, units, part, w.parameters + weights,
                      w.transposed + transposed);
    }
};

}  // namespace deltarule::engine
