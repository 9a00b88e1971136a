// Rows of features as the caller holds them: in the dtype of the net, or in float64 for a net of
// float32, which rounds each row when it needs it.
#pragma once

#include <cstring>

#include "arena.hpp"

namespace deltarule::engine {

template <class T>
struct Features {
    const T* same = nullptr;
    const double* wide = nullptr;

    Features from(Index element) const {
        return {same ? same + element : nullptr, wide ? wide + element : nullptr};
    }
    // n numbers from `element` on.
    void copy(Index element, Index n, T* to) const {
        if (same) {
            std::memcpy(to, same + element, static_cast<std::size_t>(n) * sizeof(T));
        } else {
            const double* p = wide + element;
            for (Index i = 0; i < n; ++i) to[i] = static_cast<T>(p[i]);
        }
    }
    // Asks for what `copy` will read.
    void prefetch(Index element, Index n) const {
        const Index size = same ? Index(sizeof(T)) : Index(sizeof(double));
        const char* p = same ? reinterpret_cast<const char*>(same + element)
                             : reinterpret_cast<const char*>(wide + element);
        for (Index byte = 0; byte < n * size; byte += 64) __builtin_prefetch(p + byte);
    }
};

}  // namespace deltarule::engine
