// A NumPy inner loop of an element-wise function, in parts on several threads where that pays.
#pragma once

#include <algorithm>
#include <utility>

#include "engine/threads.hpp"
#include "kernels/table.hpp"

namespace deltarule::bind {

// From so many elements on, a call is worth the waking of a second thread.
inline constexpr kernels::Index parallel_from = kernels::Index(1) << 17;
inline constexpr kernels::Index parallel_part = kernels::Index(1) << 15;

// Whether every element can be computed apart: no result is read by a later element, as happens in
// ufunc.reduce and ufunc.accumulate.
inline bool elements_apart(char* const* args, const kernels::Index* steps, kernels::Index n,
                           int inputs, int operands) {
    const auto range = [n](char* at, kernels::Index step) {
        char* last = at + (n - 1) * step;
        return std::pair(std::min(at, last), std::max(at, last) + sizeof(double));
    };
    for (int o = inputs; o < operands; ++o) {
        if (steps[o] == 0) return false;
        for (int i = 0; i < inputs; ++i) {
            if (args[i] == args[o] && steps[i] == steps[o]) continue;
            const auto [low, high] = range(args[o], steps[o]);
            const auto [first, last] = range(args[i], steps[i]);
            if (low < last && first < high) return false;
        }
    }
    return true;
}

// Calls loop(args, n) for all elements: at once, or in parts of which no element knows.
template <class Loop>
void in_parts(char** args, kernels::Index n, const kernels::Index* steps, int inputs, int operands,
              const Loop& loop) {
    constexpr int most = 16;
    if (n < parallel_from || operands > most || engine::thread_count() < 2 ||
        !elements_apart(args, steps, n, inputs, operands))
        return loop(args, n);
    engine::parallel_for((n + parallel_part - 1) / parallel_part, [&](kernels::Index p) {
        char* at[most];
        const kernels::Index start = p * parallel_part;
        for (int k = 0; k < operands; ++k) at[k] = args[k] + start * steps[k];
        loop(at, std::min(parallel_part, n - start));
    });
}

}  // namespace deltarule::bind
