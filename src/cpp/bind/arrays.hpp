// Arrays of callers, strict (no silent copies), and what a net needs of them.
#pragma once

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "bind.hpp"
#include "engine/net.hpp"

namespace deltarule::bind {

using namespace engine;

template <class T, class... Config>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu, Config...>;
template <class T>
using Matrix = Array<const T, nb::ndim<2>>;
template <class T>
using Vector = Array<const T, nb::ndim<1>>;

[[noreturn]] inline void refuse(const std::string& sentence) {
    throw nb::value_error(sentence.c_str());
}

inline int checked_threads(int threads) {
    if (threads < 1) refuse("There must be at least one thread.");
    return threads;
}

// Features in the dtype of the net, or in float64 for a net of float32.
using AnyMatrix = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu, nb::ndim<2>>;

template <class T>
Features<T> features(const AnyMatrix& x, const Net<T>& net) {
    if (static_cast<Index>(x.shape(1)) != net.inputs())
        refuse("X has " + std::to_string(x.shape(1)) + " columns; the net has " +
               std::to_string(net.inputs()) + " inputs.");
    if (x.dtype() == nb::dtype<T>()) return {static_cast<const T*>(x.data()), nullptr};
    if (x.dtype() == nb::dtype<double>()) return {nullptr, static_cast<const double*>(x.data())};
    throw nb::type_error("X must be of the dtype of the net, or float64.");
}

// A batch and the arrays that keep it alive.
template <class T>
struct Data {
    AnyMatrix x;
    std::optional<Matrix<T>> values;
    std::optional<Vector<std::int64_t>> codes;
    std::optional<Vector<T>> weights;

    Batch<T> batch(const Net<T>& net) const {
        const auto rows = static_cast<Index>(x.shape(0)), outputs = net.outputs();
        const Features<T> given = features(x, net);
        if (rows == 0) refuse("X has no rows.");
        if (values.has_value() == codes.has_value())
            refuse("Targets are needed once: as values or as class codes.");
        if (codes && !net.loss().targets_are_classes())
            refuse("This loss needs target values, not codes.");
        if (values && (static_cast<Index>(values->shape(0)) != rows ||
                       static_cast<Index>(values->shape(1)) != outputs))
            refuse("The targets must be rows x outputs of the net.");
        if (codes) check_codes(rows * net.positions(), outputs / net.positions());
        if (weights && static_cast<Index>(weights->shape(0)) != rows)
            refuse("There must be one weight per row.");
        return {rows,
                given,
                {values ? values->data() : nullptr, codes ? codes->data() : nullptr},
                weights ? weights->data() : nullptr};
    }

private:
    void check_codes(Index count, Index outputs) const {
        if (static_cast<Index>(codes->shape(0)) != count)
            refuse("There must be one code per row, or per position of it.");
        for (Index i = 0; i < count; ++i)
            if (codes->data()[i] < 0 || codes->data()[i] >= outputs)
                refuse("Class code " + std::to_string(codes->data()[i]) + " is outside 0 ... " +
                       std::to_string(outputs - 1) + ".");
    }
};

// A NumPy array, of what is at `from` where that is not null.
template <class T>
nb::object new_array(std::vector<std::size_t> shape, const T* from) {
    std::size_t size = 1;
    for (std::size_t n : shape) size *= n;
    T* data = new T[size];
    nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
    if (from) std::memcpy(data, from, size * sizeof(T));
    return nb::cast(nb::ndarray<nb::numpy, T>(data, shape.size(), shape.data(), owner));
}

}  // namespace deltarule::bind
