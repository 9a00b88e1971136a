// Nets from their descriptions.
#pragma once

#include "arrays.hpp"

namespace deltarule::bind {

// Layers: [{"type", "reads": [values], "fields": {...}, "controls": {...}}, ...]; loss:
// {"value": program, "both": program} for a formula, else {"name": ..., "parameters": ...}.
template <class T>
Net<T> make_net(nb::list layers, Index inputs, nb::dict loss, Index positions);

// One array per block of a block laid out like the parameters of the net.
template <class T>
nb::list arrays_of(const Net<T>& net, const T* parameters);

}  // namespace deltarule::bind
