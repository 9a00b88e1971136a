// A NumPy inner loop in parts on several threads where that pays.
#pragma once

#include <algorithm>
#include <utility>

#include "engine/threads.hpp"
#include "kernels/table.hpp"

namespace deltarule::bind {

// From so many numbers on, a call is worth the waking of a second thread.
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

// The operands of a loop: `inputs` of them are read, the others written.  A step of a function of
// rows is a row of `width` numbers, and NumPy has copied what overlaps.
struct Operands {
    int inputs, all;
    bool rows = false;
    kernels::Index width = 1;
};

// Calls loop(args, n) for all steps: at once, or in parts on several threads where that pays.  The
// result is that of one call: no step knows of another.
template <class Loop>
void in_parts(char** args, kernels::Index n, const kernels::Index* steps, const Operands& operands,
              const Loop& loop) {
    using kernels::Index;
    constexpr int most = 16;
    if (n < 2 || n * operands.width < parallel_from || operands.all > most ||
        engine::thread_count() < 2 ||
        !(operands.rows || elements_apart(args, steps, n, operands.inputs, operands.all)))
        return loop(args, n);
    const Index part = std::max<Index>(1, parallel_part / operands.width);
    engine::parallel_for((n + part - 1) / part, [&](Index p) {
        char* at[most];
        const Index start = p * part;
        for (int k = 0; k < operands.all; ++k) at[k] = args[k] + start * steps[k];
        loop(at, std::min(part, n - start));
    });
}

}  // namespace deltarule::bind
