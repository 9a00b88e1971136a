// Activations of the catalogue, as layers find them.
#pragma once

#include <string>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
const kernels::ActivationRow* find_activation(const Tools<T>& tools, const std::string& name) {
    for (const kernels::ActivationRow& row : tools.table->activations)
        if (name == row.facts.name) return &row;
    throw std::invalid_argument("The catalogue has no activation named '" + name + "'.");
}

// The parameters of a catalogue function.
template <class T>
struct Arguments {
    T at[kernels::max_parameters] = {};
    Index count = 0;

    explicit Arguments(const std::vector<double>& values) : count(Index(values.size())) {
        if (count > kernels::max_parameters)
            throw std::invalid_argument("A catalogue row has at most four parameters.");
        for (std::size_t k = 0; k < values.size(); ++k) at[k] = static_cast<T>(values[k]);
    }
    explicit Arguments(const T* values, Index n) : count(n) {
        for (Index k = 0; k < n; ++k) at[k] = values[k];
    }
};

}  // namespace deltarule::engine::layers
