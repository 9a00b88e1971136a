// Fully connected layer.  Letters: B rows of the batch, I inputs, U units.
//
//   forward    y (B x U)  = x (B x I) W (I x U) + b
//   backward   dW (I x U) = x^T dy,   db (U) = column sums of dy,   dx (B x I) = dy W^T
#pragma once

#include <cmath>
#include <string>

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

    void place(Layout<T>& parameters) {
        weights = parameters.add(inputs, units);
        bias = parameters.add(units);
    }

    void initialise(T* parameters, std::uint64_t seed, std::uint64_t layer) const {
        const double deviation = 1 / std::sqrt(init.in * double(inputs) + init.out * double(units));
        const std::uint64_t stream = static_cast<std::uint64_t>(Stream::initialisation) | layer;
        for (Index i = 0; i < inputs * units; ++i) {
            const auto bits = philox(seed, stream, static_cast<std::uint64_t>(i));
            const double sample = init.distribution == Distribution::normal
                                      ? normal(bits)
                                      : std::sqrt(3.0) * (2 * uniform(bits[0]) - 1);
            parameters[weights + i] = static_cast<T>(deviation * sample);
        }
        for (Index i = 0; i < units; ++i) parameters[bias + i] = T(0);
    }

    void forward(const Tools<T>& tools, const T* parameters, const Pass<T>& p) const {
        matmul(tools.blas, Op::none, Op::none, p.rows, units, inputs, p.x, parameters + weights,
               p.y);
        tools.vectors().add_to_rows(p.rows, units, p.y, parameters + bias);
    }

    void backward(const Tools<T>& tools, const T* parameters, T* gradients,
                  const Pass<T>& p) const {
        matmul(tools.blas, Op::transpose, Op::none, inputs, units, p.rows, p.x, p.dy,
               gradients + weights);
        tools.vectors().column_sums(p.rows, units, p.dy, gradients + bias);
        if (p.dx)
            matmul(tools.blas, Op::none, Op::transpose, p.rows, inputs, units, p.dy,
                   parameters + weights, p.dx);
    }
};

}  // namespace deltarule::engine
