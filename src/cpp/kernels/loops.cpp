// One instruction set's table.
//
// Compiled once per set with that set's flags, as is each family.  Everything here is
// constant-initialised: loading the module runs no instruction of a set that the processor may
// lack.
#include "dispatch.hpp"
#include "families.hpp"
#include "simd.hpp"

namespace deltarule::DELTARULE_ISA {

#define DELTARULE_DECLARE(family) kernels::Rows<kernels::ActivationRow> family();
DELTARULE_ACTIVATION_FAMILIES(DELTARULE_DECLARE)
#undef DELTARULE_DECLARE
#define DELTARULE_DECLARE(family) kernels::Rows<kernels::LossRow> family();
DELTARULE_LOSS_FAMILIES(DELTARULE_DECLARE)
#undef DELTARULE_DECLARE
const kernels::Products* products();             // products.cpp
const kernels::Moments* moments();               // moments.cpp
const kernels::Cells* cells();                   // cells.cpp
const kernels::Waves* waves();                   // waves.cpp
kernels::VectorLoops<float> vectors_of_float();  // vectors.cpp
kernels::VectorLoops<double> vectors_of_double();
kernels::Tapes tapes();  // tape.cpp

#define DELTARULE_STRING_(x) #x
#define DELTARULE_STRING(x) DELTARULE_STRING_(x)

kernels::Table isa_table() {
#define DELTARULE_ROWS(family) family(),
    static const kernels::Rows<kernels::ActivationRow> activations[] = {
        DELTARULE_ACTIVATION_FAMILIES(DELTARULE_ROWS)};
    static const kernels::Rows<kernels::LossRow> losses[] = {
        DELTARULE_LOSS_FAMILIES(DELTARULE_ROWS)};
#undef DELTARULE_ROWS
    return {DELTARULE_STRING(DELTARULE_ISA),
            {activations, int(sizeof activations / sizeof *activations)},
            {losses, int(sizeof losses / sizeof *losses)},
            vectors_of_float(),
            vectors_of_double(),
            products(),
            moments(),
            cells(),
            waves(),
            tapes()};
}

}  // namespace deltarule::DELTARULE_ISA
