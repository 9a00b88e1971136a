// A user's formula as a flat program, evaluated block by block with the catalogue's primitives.
//
// Operands are slots, numbered inputs first, then outputs, constants and registers.  An output is
// written after the last read of any input, so that the two may be the same memory.  A tape owns
// nothing: who made it keeps its arrays, who runs it brings the scratch memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace deltarule::kernels {

inline constexpr int max_tape_slots = 250;
inline constexpr int max_tape_inputs = 3, max_tape_outputs = 3, max_tape_operands = 3;
inline constexpr std::ptrdiff_t tape_scratch_bytes = 48 << 10;

struct TapeInstruction {
    std::uint16_t operation;  // index into the table's tape operations
    std::uint16_t out;
    std::uint16_t in[max_tape_operands];
};

struct Tape {
    const TapeInstruction* code = nullptr;
    std::ptrdiff_t length = 0;
    const double* constants = nullptr;
    int inputs = 0, outputs = 0, constant_count = 0, registers = 0;

    int slots() const { return inputs + outputs + constant_count + registers; }
};

struct TapeOperation {
    const char* name;
    int operands;
};

template <class T>
struct TapeLoops {
    // out[k][i] for i < n; `scratch` holds tape_scratch_bytes, 64-byte aligned, and may be reused.
    void (*run)(const Tape& tape, std::ptrdiff_t n, const T* const* in, T* const* out, T* scratch);
    // A NumPy inner loop; data points at the Tape.
    void (*strided)(char** args, const std::ptrdiff_t* dims, const std::ptrdiff_t* steps,
                    void* data);
};

struct Tapes {
    const TapeOperation* operations = nullptr;
    int count = 0;
    TapeLoops<float> float32 = {};
    TapeLoops<double> float64 = {};

    template <class T>
    const TapeLoops<T>& loops() const {
        if constexpr (sizeof(T) == 4)
            return float32;
        else
            return float64;
    }
};

}  // namespace deltarule::kernels
