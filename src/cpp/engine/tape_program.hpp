// A tape with the memory it refers to, and its run over arrays of the engine.
#pragma once

#include <vector>

#include "kernels/table.hpp"

namespace deltarule::engine {

using kernels::Index;

// Checked by whoever made it: every slot and every operation exists.
struct TapeProgram {
    std::vector<kernels::TapeInstruction> code;
    std::vector<double> constants;
    int inputs = 0, outputs = 0, registers = 0;

    kernels::Tape tape() const {
        return {code.data(), static_cast<Index>(code.size()),    constants.data(), inputs,
                outputs,     static_cast<int>(constants.size()), registers};
    }

    template <class T>
    void run(const kernels::Table& table, Index n, const T* const* in, T* const* out) const {
        alignas(64) T scratch[kernels::tape_scratch_bytes / Index(sizeof(T))];
        table.tapes.template loops<T>().run(tape(), n, in, out, scratch);
    }

    bool reads(int input) const {
        for (const auto& step : code)
            for (int slot : step.in)
                if (slot == input) return true;
        return false;
    }
};

}  // namespace deltarule::engine
