// Which instruction set runs.
#pragma once

#include "table.hpp"

namespace deltarule {

namespace baseline {
kernels::Table isa_table();
}
namespace avx2 {
kernels::Table isa_table();
}
namespace avx512 {
kernels::Table isa_table();
}

namespace kernels {

// The tables this build holds and this processor can run, slowest first; null-terminated.
const Table* const* available_tables();

// The table named `isa`, or the fastest for a null pointer; null if it is not available.
const Table* find_table(const char* isa);

}  // namespace kernels
}  // namespace deltarule
