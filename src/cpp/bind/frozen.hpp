// Predictions for rows that arrive one at a time.
#pragma once

#include "bind.hpp"
#include "engine/net.hpp"

namespace deltarule::bind {

// The raw predictions of array-like rows, (rows, outputs), in the dtype of the net.
template <class T>
nb::object raw_of(engine::Net<T>& net, nb::handle x, int threads);

// The column of the largest raw prediction of each row, (rows,) int64; of a single column whether
// it is above 0.
template <class T>
nb::object codes_of(engine::Net<T>& net, nb::handle x, int threads);

}  // namespace deltarule::bind
