// The loops of the losses, for one instruction set: see loops.cpp.
#include "catalogue.hpp"

namespace deltarule::DELTARULE_ISA {

kernels::Rows<kernels::LossRow> loss_rows() {
    return {losses, int(sizeof losses / sizeof *losses)};
}

}  // namespace deltarule::DELTARULE_ISA
