// Rows of features as the caller holds them: dense or compressed (CSR), their numbers in the dtype
// of the net, or in float64 for a net of float32, which rounds each row when it needs it.
#pragma once

#include <algorithm>
#include <cstring>

#include "arena.hpp"

namespace deltarule::engine {

// Of compressed rows: row i has the numbers starts[i] ... starts[i + 1] - 1, in these columns, each
// column at most once and inside the width; all other numbers of it are 0.
struct Compressed {
    const std::int64_t* starts = nullptr;  // null: the rows are dense
    const std::int32_t* columns = nullptr;
};

template <class T>
struct Features {
    Index width = 0;
    const T* same = nullptr;       // the numbers are here
    const double* wide = nullptr;  // or here
    Compressed compressed{};

    // The rows from `row` on.
    Features from(Index row) const {
        Features f = *this;
        if (compressed.starts)
            f.compressed.starts += row;
        else if (same)
            f.same += row * width;
        else
            f.wide += row * width;
        return f;
    }
    // All numbers in order, if they can be read as they are.
    const T* dense() const { return compressed.starts ? nullptr : same; }

    // Rows first ... first + rows - 1, dense.
    void copy(Index first, Index rows, T* to) const {
        if (compressed.starts) {
            for (Index i = first; i < first + rows; ++i, to += width)
                same ? scatter(i, same, to) : scatter(i, wide, to);
        } else if (same) {
            std::memcpy(to, same + first * width,
                        static_cast<std::size_t>(rows * width) * sizeof(T));
        } else {
            const double* p = wide + first * width;
            for (Index i = 0; i < rows * width; ++i) to[i] = static_cast<T>(p[i]);
        }
    }
    // Asks for what `copy` will read of a row.
    void prefetch(Index row) const {
        Index first = row * width, n = width;
        if (compressed.starts) {
            first = compressed.starts[row], n = compressed.starts[row + 1] - first;
            ask(compressed.columns + first, n);
        }
        same ? ask(same + first, n) : ask(wide + first, n);
    }

private:
    template <class Value>
    void scatter(Index row, const Value* values, T* to) const {
        std::fill_n(to, width, T(0));
        for (Index k = compressed.starts[row]; k < compressed.starts[row + 1]; ++k)
            to[compressed.columns[k]] = static_cast<T>(values[k]);
    }
    template <class Value>
    static void ask(const Value* from, Index n) {
        const char* p = reinterpret_cast<const char*>(from);
        for (Index byte = 0; byte < n * Index(sizeof(Value)); byte += 64)
            __builtin_prefetch(p + byte);
    }
};

}  // namespace deltarule::engine
