// How a program of deltarule.formula is handed over.
#pragma once

#include "bind.hpp"
#include "engine/tape_program.hpp"

namespace deltarule::bind {

// (inputs, outputs, constants, registers, [(operation, out, (in, ...)), ...]), checked: a program
// that refers to what there is not raises ValueError.
engine::TapeProgram read_program(nb::handle description, int inputs, int outputs);

}  // namespace deltarule::bind
