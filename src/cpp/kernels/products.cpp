// Matrix products from tiles of C that stay in registers: a few rows by one, two or four vectors.
//
// Per term of the sum a tile reads its vectors of a row of B once and one number of A per row.
// Neither matrix is copied: inside a training step packing lost more than it gained
// (docs/decisions/020).
#include "products.hpp"

#include "half.hpp"
#include "transpose.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

using Index = std::ptrdiff_t;
using kernels::Factor;

template <class T>
struct Columns {  // a block of columns of B, base and C; `last` lanes of its last vector exist
    const T* b;
    Index b_row;
    const T* base;
    Index base_row;
    T* c;
    Index c_row;
    Index last;

    void next_rows(Index rows) {
        c += rows * c_row;
        if (base) base += rows * base_row;
    }
    void next_columns(Index columns) {
        b += columns;
        c += columns;
        if (base) base += columns;
    }
};

// What a tile is made of.
template <class T>
struct Whole {
    using V = Vec<T>;
    static constexpr int width = lanes<T>;
    DELTARULE_INLINE static V read(const T* p) { return load(p); }
    DELTARULE_INLINE static V read(const T* p, Index n) { return load(p, n, V{}); }
    DELTARULE_INLINE static void write(T* p, V v) { store(p, v); }
    DELTARULE_INLINE static void write(T* p, Index n, V v) { store(p, n, v); }
    DELTARULE_INLINE static V all(T x) { return splat(x); }
    DELTARULE_INLINE static V add_product(V a, V b, V c) { return madd(a, b, c); }
};

// One tile: `rows` rows of C by `vectors` vectors, the last of them partial if `partial`.
template <class Part, int vectors, bool partial, int rows, class T>
[[gnu::noinline]] void tile(Index k, Factor<T> a, const Columns<T>& block) {
    using V = typename Part::V;
    const auto read = [&](const T* p, int v) {
        p += v * Part::width;
        return partial && v == vectors - 1 ? Part::read(p, block.last) : Part::read(p);
    };
    V sum[rows][vectors];
    DELTARULE_UNROLL for (int r = 0; r < rows; ++r)
        DELTARULE_UNROLL for (int v = 0; v < vectors; ++v) sum[r][v] = V{};
    const T *left = a.at, *right = block.b;
    for (Index l = 0; l < k; ++l) {
        V b[vectors];
        DELTARULE_UNROLL for (int v = 0; v < vectors; ++v) b[v] = read(right, v);
        DELTARULE_UNROLL for (int r = 0; r < rows; ++r) {
            const V one = Part::all(left[r * a.row]);
            DELTARULE_UNROLL for (int v = 0; v < vectors; ++v) sum[r][v] =
                Part::add_product(one, b[v], sum[r][v]);
        }
        left += a.column;
        right += block.b_row;
    }
    DELTARULE_UNROLL for (int r = 0; r < rows; ++r)
        DELTARULE_UNROLL for (int v = 0; v < vectors; ++v) {
        V result = sum[r][v];
        if (block.base) result += read(block.base + r * block.base_row, v);
        T* to = block.c + r * block.c_row + v * Part::width;
        partial&& v == vectors - 1 ? Part::write(to, block.last, result) : Part::write(to, result);
    }
}

// All m rows of a block of columns, in tiles of the numbers of rows listed, largest first.
template <class Part, int vectors, bool partial, int rows, int... fewer, class T>
void strip_of(Index m, Index k, Factor<T> a, Columns<T> block) {
    for (; m >= rows; m -= rows) {
        tile<Part, vectors, partial, rows>(k, a, block);
        a.at += rows * a.row;
        block.next_rows(rows);
    }
    if constexpr (sizeof...(fewer) > 0)
        if (m > 0) strip_of<Part, vectors, partial, fewer...>(m, k, a, block);
}

// As many rows as the accumulators, a row of B and one number of A leave registers for.
#if DELTARULE_VECTOR_BYTES == 64
inline constexpr int widest = 4;  // of 32 registers
template <class Part, int vectors, bool partial, class T>
void strip(Index m, Index k, Factor<T> a, const Columns<T>& block) {
    if constexpr (vectors == 4)
        strip_of<Part, 4, partial, 6, 4, 2, 1>(m, k, a, block);
    else if constexpr (vectors == 2)
        strip_of<Part, 2, partial, 12, 8, 4, 2, 1>(m, k, a, block);
    else
        strip_of<Part, 1, partial, 16, 8, 4, 2, 1>(m, k, a, block);
}
#else
inline constexpr int widest = 2;  // of 16 registers
template <class Part, int vectors, bool partial, class T>
void strip(Index m, Index k, Factor<T> a, const Columns<T>& block) {
    if constexpr (vectors == 2)
        strip_of<Part, 2, partial, 6, 4, 2, 1>(m, k, a, block);
    else
        strip_of<Part, 1, partial, 8, 4, 2, 1>(m, k, a, block);
}
#endif

// Terms of one chain: what a block of columns reads of B stays near the core.
inline constexpr Index terms = 256;

// The columns that are left of less than a vector.
template <class T>
void last_columns(Index m, Index k, const Factor<T>& a, const Columns<T>& block) {
#if DELTARULE_VECTOR_BYTES == 64
    if (block.last <= Half<T>::width) return strip<Half<T>, 1, true>(m, k, a, block);
#endif
    strip<Whole<T>, 1, true>(m, k, a, block);
}

// n columns, in blocks of `vectors` vectors, then of fewer.
template <int vectors, class T>
void columns(Index m, Index n, Index k, const Factor<T>& a, Columns<T> block) {
    constexpr Index width = vectors * lanes<T>;
    for (; n >= width; n -= width) {
        strip<Whole<T>, vectors, false>(m, k, a, block);
        block.next_columns(width);
    }
    if constexpr (vectors > 1) {
        block.last = n - (width - lanes<T>);
        if (block.last > 0) return strip<Whole<T>, vectors, true>(m, k, a, block);
        if (n > 0) columns<vectors / 2>(m, n, k, a, block);
    } else if (n > 0) {
        block.last = n;
        last_columns(m, k, a, block);
    }
}

template <class T>
void multiply(Index m, Index n, Index k, Factor<T> a, const T* b, Index b_row, const T* base,
              Index base_row, T* c, Index c_row) {
    Index done = 0;
    do {
        const Index part = k - done < terms ? k - done : terms;
        columns<widest>(m, n, part, a, {b, b_row, base, base_row, c, c_row, 0});
        a.at += part * a.column;
        b += part * b_row;
        base = c, base_row = c_row;
        done += part;
    } while (done < k);
}

// ---- dot products -------------------------------------------------------------------------------

// `rows` rows of A against `others` rows of B.
template <class T, int rows, int others>
[[gnu::noinline]] void dot_tile(Index n, Index k, const T* a, const T* b, T* c) {
    using V = Vec<T>;
    V sum[rows][others];
    DELTARULE_UNROLL for (int r = 0; r < rows; ++r)
        DELTARULE_UNROLL for (int o = 0; o < others; ++o) sum[r][o] = V{};
    for (Index l = 0; l < k; l += lanes<T>) {
        const Index some = k - l;
        const auto read = [some](const T* p) {
            return some < lanes<T> ? load(p, some, V{}) : load(p);
        };
        V left[rows];
        DELTARULE_UNROLL for (int r = 0; r < rows; ++r) left[r] = read(a + r * k + l);
        DELTARULE_UNROLL for (int o = 0; o < others; ++o) {
            const V right = read(b + o * k + l);
            DELTARULE_UNROLL for (int r = 0; r < rows; ++r) sum[r][o] =
                madd(left[r], right, sum[r][o]);
        }
    }
    DELTARULE_UNROLL for (int r = 0; r < rows; ++r)
        DELTARULE_UNROLL for (int o = 0; o < others; ++o) c[r * n + o] =
            deltarule::DELTARULE_ISA::sum(sum[r][o]);
}

// All m rows of A against rows of B, in tiles of the numbers of rows of B listed, largest first: a
// few rows of B stay in the first cache while those of A pass.
template <class T, int others, int... fewer>
void dot_rows(Index m, Index n, Index left, Index k, const T* a, const T* b, T* c) {
#if DELTARULE_VECTOR_BYTES == 64
    constexpr int rows = 4;
#else
    constexpr int rows = 2;
#endif
    for (; left >= others; left -= others, b += others * k, c += others) {
        Index i = 0;
        for (; i + rows <= m; i += rows) dot_tile<T, rows, others>(n, k, a + i * k, b, c + i * n);
        for (; i < m; ++i) dot_tile<T, 1, others>(n, k, a + i * k, b, c + i * n);
    }
    if constexpr (sizeof...(fewer) > 0)
        if (left > 0) dot_rows<T, fewer...>(m, n, left, k, a, b, c);
}

template <class T>
void dots(Index m, Index n, Index k, const T* a, const T* b, T* c) {
#if DELTARULE_VECTOR_BYTES == 64
    dot_rows<T, 6, 4, 2, 1>(m, n, n, k, a, b, c);
#else
    dot_rows<T, 5, 2, 1>(m, n, n, k, a, b, c);
#endif
}

// ---- transposes ---------------------------------------------------------------------------------

template <class T>
[[gnu::flatten]] void transpose(Index rows, Index cols, const T* from, Index from_row, T* to,
                                Index to_row) {
    constexpr int n = lanes<T>;
    for (Index i = 0; i < rows; i += n)
        for (Index j = 0; j < cols; j += n) {
            const Index height = rows - i < n ? rows - i : n, width = cols - j < n ? cols - j : n;
            const T* p = from + i * from_row + j;
            T* q = to + j * to_row + i;
            Vec<T> row[n];
            if (height == n && width == n) {
                DELTARULE_UNROLL for (int r = 0; r < n; ++r) row[r] = load(p + r * from_row);
                transpose_square(row);
                DELTARULE_UNROLL for (int r = 0; r < n; ++r) store(q + r * to_row, row[r]);
                continue;
            }
            for (Index r = 0; r < n; ++r)
                row[r] = r < height ? load(p + r * from_row, width, Vec<T>{}) : Vec<T>{};
            transpose_square(row);
            for (Index r = 0; r < width; ++r) store(q + r * to_row, height, row[r]);
        }
}

}  // namespace

const kernels::Products* products() {
    static constexpr kernels::Products all = {{multiply<float>, dots<float>, transpose<float>},
                                              {multiply<double>, dots<double>, transpose<double>}};
    return &all;
}

}  // namespace deltarule::DELTARULE_ISA
