// Arrays of callers, strict (no silent copies), and what a net needs of them.
#pragma once

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <optional>
#include <string>
#include <variant>
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

// Numbers of any dtype.
template <std::size_t Axes>
using Numbers = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu, nb::ndim<Axes>>;

// A sparse matrix in compressed rows, and the arrays that keep it alive; no column twice in a row.
struct Csr {
    Csr(const Vector<std::int64_t>& row_starts, const Vector<std::int32_t>& of_values,
        const Numbers<1>& numbers, Index width)
        : starts(row_starts), columns(of_values), values(numbers), inputs(width) {
        const std::size_t n = starts.size();
        bool whole = n > 0 && starts.data()[0] == 0 && columns.size() == values.size() &&
                     starts.data()[n - 1] == static_cast<Index>(values.size());
        for (std::size_t i = 1; whole && i < n; ++i)
            whole = starts.data()[i - 1] <= starts.data()[i];
        if (!whole) refuse("The rows of a sparse X must lie one behind the other.");
        for (std::size_t k = 0; k < columns.size(); ++k)
            if (columns.data()[k] < 0 || columns.data()[k] >= width)
                refuse("A sparse X has a number in column " + std::to_string(columns.data()[k]) +
                       " of " + std::to_string(width) + ".");
    }

    Vector<std::int64_t> starts;
    Vector<std::int32_t> columns;
    Numbers<1> values;
    Index inputs;
};

// Features in the dtype of the net, or in float64 for a net of float32.
using AnyRows = std::variant<Numbers<2>, Csr>;

inline Index row_count(const AnyRows& x) {
    const auto* sparse = std::get_if<Csr>(&x);
    return static_cast<Index>(sparse ? sparse->starts.size() - 1 : std::get<0>(x).shape(0));
}

template <class T>
Features<T> features(const AnyRows& x, const Net<T>& net) {
    const auto read = [&net](const auto& numbers, Index width, Compressed compressed) {
        if (width != net.inputs())
            refuse("X has " + std::to_string(width) + " columns; the net has " +
                   std::to_string(net.inputs()) + " inputs.");
        Features<T> f{.width = width, .compressed = compressed};
        if (numbers.dtype() == nb::dtype<T>())
            f.same = static_cast<const T*>(numbers.data());
        else if (numbers.dtype() == nb::dtype<double>())
            f.wide = static_cast<const double*>(numbers.data());
        else
            throw nb::type_error("X must be of the dtype of the net, or float64.");
        return f;
    };
    if (const auto* sparse = std::get_if<Csr>(&x))
        return read(sparse->values, sparse->inputs,
                    {sparse->starts.data(), sparse->columns.data()});
    const auto& dense = std::get<0>(x);
    return read(dense, static_cast<Index>(dense.shape(1)), {});
}

// A batch and the arrays that keep it alive.
template <class T>
struct Data {
    AnyRows x;
    std::optional<Matrix<T>> values;
    std::optional<Vector<std::int64_t>> codes;
    std::optional<Vector<T>> weights;

    Batch<T> batch(const Net<T>& net) const {
        const Index rows = row_count(x), outputs = net.outputs();
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
