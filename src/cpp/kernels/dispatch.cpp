#include "dispatch.hpp"

#include <cstring>

namespace deltarule::kernels {

const Table* const* available_tables() {
    static Table tables[3];
    static const Table* available[4] = {};
    if (available[0]) return available;
    int n = 0;
    const auto add = [&](const Table& table) {
        tables[n] = table;
        available[n] = &tables[n];
        ++n;
    };
    add(baseline::isa_table());
#ifdef DELTARULE_X86
    __builtin_cpu_init();
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool has_avx512 =
        has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (has_avx2) add(avx2::isa_table());
    if (has_avx512) add(avx512::isa_table());
#endif
    return available;
}

const Table* find_table(const char* isa) {
    const Table* found = nullptr;
    for (const Table* const* t = available_tables(); *t; ++t)
        if (!isa || !*isa || std::strcmp((*t)->isa, isa) == 0) found = *t;
    return found;
}

}  // namespace deltarule::kernels
