// One buffer for everything a net owns of a kind (parameters, gradients, activations).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "kernels/table.hpp"

namespace deltarule::engine {

using kernels::Index;

// Hands out offsets into a buffer that does not exist yet; each starts on a cache line.
template <class T>
class Layout {
public:
    Index add(Index count) {
        const Index at = size_;
        constexpr Index line = 64 / Index(sizeof(T));
        if (count > largest - line - size_) throw std::bad_alloc();
        size_ += (count + line - 1) / line * line;
        return at;
    }
    // Room for a matrix.
    Index add(Index rows, Index cols) {
        if (cols > 0 && rows > largest / cols) throw std::bad_alloc();
        return add(rows * cols);
    }
    Index size() const { return size_; }

private:
    static constexpr Index largest = PTRDIFF_MAX / (2 * Index(sizeof(T)));  // elements in memory
    Index size_ = 0;
};

// A zeroed, 64-byte aligned buffer of fixed size; a large one in huge pages where the system has
// them.
template <class T>
class Arena {
public:
    Arena() = default;
    explicit Arena(Index size) : size_(size) {
        const std::size_t wanted = static_cast<std::size_t>(size) * sizeof(T) + 64;
        const std::size_t line = wanted >= 2 * huge_page ? huge_page : 64;
        const std::size_t bytes = (wanted + line - 1) / line * line;
        data_.reset(static_cast<T*>(std::aligned_alloc(line, bytes)));
        if (!data_) throw std::bad_alloc();
#if defined(__linux__)
        if (line == huge_page) madvise(data_.get(), bytes, MADV_HUGEPAGE);
#endif
        clear();
    }
    T* at(Index offset) { return data_.get() + offset; }
    const T* at(Index offset) const { return data_.get() + offset; }
    Index size() const { return size_; }
    void clear() { std::memset(data_.get(), 0, static_cast<std::size_t>(size_) * sizeof(T)); }

private:
    static constexpr std::size_t huge_page = std::size_t(2) << 20;
    struct Free {
        void operator()(T* p) const { std::free(p); }
    };
    std::unique_ptr<T, Free> data_;
    Index size_ = 0;
};

}  // namespace deltarule::engine
