// The gradient of one parameter per column, the last axis: sums over rows, in parts of the columns.
#pragma once

#include <algorithm>

#include "all.hpp"

namespace deltarule::engine::layers {

inline std::vector<Tile> parts_of_columns(Index columns, Index most = 128) {
    std::vector<Tile> tiles;
    for (Index j = 0; j < columns; j += most)
        tiles.push_back({0, 1, j, std::min(most, columns - j)});
    return tiles;
}

// sums[j] = the sum over the rows of term(place of column j of the tile), row-major; a few rows at
// a time, so that rounding grows with their number and not with that of all rows.  `some` has room
// for the columns of the tile.
template <class T, class F>
void sum_over_rows(const Tools<T>& tools, Index rows, Index columns, const Tile& t, T* sums,
                   T* some, const F& term) {
    constexpr Index together = 64;
    std::fill_n(sums, t.columns, T(0));
    for (Index start = 0; start < rows; start += together) {
        std::fill_n(some, t.columns, T(0));
        for (Index i = start; i < std::min(rows, start + together); ++i)
            for (Index j = 0; j < t.columns; ++j) some[j] += term(i * columns + t.column + j);
        tools.vectors().add(t.columns, sums, some);
    }
}

}  // namespace deltarule::engine::layers
