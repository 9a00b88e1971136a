// What the files of this room share.
#pragma once

#include <nanobind/nanobind.h>

#include "kernels/dispatch.hpp"

namespace deltarule::bind {

namespace nb = nanobind;

// The table picked when the module was imported.
const kernels::Table& active_table();

// One function per topic; module.cpp calls them in this order.
void add_facts(nb::module_& m);
void add_ufuncs(nb::module_& m);
void add_losses(nb::module_& m);
void add_calls(nb::module_& m);
void add_tapes(nb::module_& m);
void add_nets(nb::module_& m);
void add_training(nb::module_& m);

}  // namespace deltarule::bind
