// Random numbers as a value of (seed, stream, index): no state, so any part of any run can be drawn
// again, in any order, on any thread.  Philox 4x32-10, Salmon et al. 2011.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

namespace deltarule::engine {

// What a stream is for; the low bits are left to the caller (a layer, an epoch).
enum class Stream : std::uint64_t {
    initialisation = 1ull << 56,
    shuffle = 2ull << 56,
    dropout = 3ull << 56
};

inline std::array<std::uint64_t, 2> philox(std::uint64_t seed, std::uint64_t stream,
                                           std::uint64_t index) {
    auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
    std::uint32_t c0 = static_cast<std::uint32_t>(index),
                  c1 = static_cast<std::uint32_t>(index >> 32);
    std::uint32_t c2 = static_cast<std::uint32_t>(stream),
                  c3 = static_cast<std::uint32_t>(stream >> 32);
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0,
                            p1 = std::uint64_t{0xCD9E8D57u} * c2;
        c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ key0;
        c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ key1;
        c1 = static_cast<std::uint32_t>(p1);
        c3 = static_cast<std::uint32_t>(p0);
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return {std::uint64_t{c1} << 32 | c0, std::uint64_t{c3} << 32 | c2};
}

// Uniform in (0, 1): 53 bits, never 0.
inline double uniform(std::uint64_t bits) { return (double(bits >> 11) + 0.5) * 0x1p-53; }

// Uniform in 0 ... n-1; the bias is below n / 2^64.
inline std::uint64_t below(std::uint64_t n, std::uint64_t bits) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(bits) * n) >> 64);
}

// Standard normal: Box and Muller 1958.
inline double normal(const std::array<std::uint64_t, 2>& bits) {
    return std::sqrt(-2 * std::log(uniform(bits[0]))) *
           std::cos(2 * std::numbers::pi * uniform(bits[1]));
}

// A permutation of 0 ... n-1: Fisher and Yates.  What a block of exchanges will touch is asked for
// before the first of them: n may be far beyond the caches.
inline void permute(std::uint32_t* order, std::uint32_t n, std::uint64_t seed,
                    std::uint64_t epoch) {
    constexpr std::uint32_t block = 32;
    for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
    const std::uint64_t stream = static_cast<std::uint64_t>(Stream::shuffle) | epoch;
    std::uint32_t partner[block];
    for (std::uint32_t left = n; left > 1;) {
        const std::uint32_t some = left - 1 < block ? left - 1 : block;
        for (std::uint32_t k = 0; k < some; k += 2) {
            const auto bits = philox(seed, stream, (n - left + k) / 2);
            for (std::uint32_t odd = 0; odd < 2 && k + odd < some; ++odd) {
                partner[k + odd] = static_cast<std::uint32_t>(below(left - k - odd, bits[odd]));
                __builtin_prefetch(order + partner[k + odd], 1);
            }
        }
        for (std::uint32_t k = 0; k < some; ++k) std::swap(order[left - k - 1], order[partner[k]]);
        left -= some;
    }
}

}  // namespace deltarule::engine
