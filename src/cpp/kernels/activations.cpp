// The loops of the activations, for one instruction set: see loops.cpp.
#include "catalogue.hpp"

namespace deltarule::DELTARULE_ISA {

kernels::Rows<kernels::ActivationRow> activation_rows() {
    return {activations, int(sizeof activations / sizeof *activations)};
}

}  // namespace deltarule::DELTARULE_ISA
