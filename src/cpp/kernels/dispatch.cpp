#include "dispatch.hpp"

#include <cstring>

namespace deltarule::kernels {

const Table* const* available_tables() {
    static const Table* tables[4] = {};
    if (tables[0]) return tables;
    int n = 0;
    tables[n++] = &baseline::isa_table();
#ifdef DELTARULE_X86
    __builtin_cpu_init();
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool has_avx512 =
        has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (has_avx2) tables[n++] = &avx2::isa_table();
    if (has_avx512) tables[n++] = &avx512::isa_table();
#endif
    return tables;
}

const Table* find_table(const char* isa) {
    const Table* found = nullptr;
    for (const Table* const* t = available_tables(); *t; ++t)
        if (!isa || !*isa || std::strcmp((*t)->isa, isa) == 0) found = *t;
    return found;
}

}  // namespace deltarule::kernels
