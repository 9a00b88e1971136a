// The layers there are: name in records, function that makes it.  A layer is one file.
#pragma once

#include <memory>

#include "../layer.hpp"
#include "../record.hpp"

// clang-format off
#define DELTARULE_LAYERS(make) \
    make(dense) \
    make(activation) \
    make(custom_activation) \
    make(trainable_activation) \
    make(channel_activation) \
    make(parametric_activation) \
    make(scale) \
    make(periodic_embedding) \
    make(columns) \
    make(ordered) \
    make(withhold) \
    make(dropout) \
    make(batch_norm) \
    make(row_norm) \
    make(add) \
    make(concatenate) \
    make(embedding) \
    make(padding_mask) \
    make(masked) \
    make(convolution) \
    make(pool) \
    make(lstm) \
    make(gru) \
    make(simple_rnn)
// clang-format on

namespace deltarule::engine::layers {

#define DELTARULE_DECLARE(name) \
    template <class T>          \
    std::unique_ptr<Layer<T>> make_##name(const Tools<T>& tools, const Record& record);
DELTARULE_LAYERS(DELTARULE_DECLARE)
#undef DELTARULE_DECLARE

// In each file: both dtypes of its layer.
#define DELTARULE_LAYER(name, Type)                                                         \
    template <class T>                                                                      \
    std::unique_ptr<Layer<T>> make_##name(const Tools<T>& t, const Record& r) {             \
        return std::make_unique<Type<T>>(t, r);                                             \
    }                                                                                       \
    template std::unique_ptr<Layer<float>> make_##name(const Tools<float>&, const Record&); \
    template std::unique_ptr<Layer<double>> make_##name(const Tools<double>&, const Record&);

}  // namespace deltarule::engine::layers
