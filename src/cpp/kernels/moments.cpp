#include "moments.hpp"

#include "columns.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

using Index = std::ptrdiff_t;

// Sums of f(row) over the rows in four chains, so that none gets long.
template <class T, class F>
DELTARULE_INLINE Vec<T> sum_over(Index rows, F f) {
    Vec<T> a{}, b{}, c{}, d{};
    Index i = 0;
    for (; i + 4 <= rows; i += 4) a += f(i), b += f(i + 1), c += f(i + 2), d += f(i + 3);
    for (; i < rows; ++i) a += f(i);
    return (a + b) + (c + d);
}

// ---- columns ------------------------------------------------------------------------------------

template <class T>
[[gnu::flatten]] double columns(Index rows, Index cols, const T* x, const T* w, T* mean,
                                T* squares) {
    double weight = double(rows);
    if (w) {
        weight = 0;
        for (Index i = 0; i < rows; ++i) weight += double(w[i]);
    }
    const Vec<T> inverse = splat(T(weight > 0 ? 1 / weight : 0));
    for_columns<T>(cols, [&](Index j, Index n) {
        const auto of = [&](Index i) { return get(x + i * cols + j, n); };
        Vec<T> m, s;
        if (w) {
            const auto weighted = [&](Index i, Vec<T> v) {
                return w[i] == T(0) ? Vec<T>{} : splat(w[i]) * v;
            };
            m = sum_over<T>(rows, [&](Index i) { return weighted(i, of(i)); }) * inverse;
            s = sum_over<T>(rows, [&](Index i) { return weighted(i, (of(i) - m) * (of(i) - m)); });
        } else {
            m = sum_over<T>(rows, of) * inverse;
            s = sum_over<T>(rows, [&](Index i) { return (of(i) - m) * (of(i) - m); });
        }
        put(mean + j, n, m);
        put(squares + j, n, s);
    });
    return weight;
}

// Chan, Golub and LeVeque 1983.
template <class T>
void merge(Index cols, double a, T* mean, T* squares, double b, const T* other_mean,
           const T* other_squares) {
    const double whole = a + b;
    if (b == 0 || whole == 0) return;
    const T share = T(b / whole), cross = T(a * b / whole);
    for (Index j = 0; j < cols; ++j) {
        const T gap = other_mean[j] - mean[j];
        mean[j] += share * gap;
        squares[j] += other_squares[j] + cross * gap * gap;
    }
}

template <class T>
[[gnu::flatten]] void standardise(Index rows, Index cols, const T* x, const T* mean,
                                  const T* factor, const T* shift, T* y) {
    for (Index i = 0; i < rows; ++i, x += cols, y += cols)
        for_columns<T>(cols, [&](Index j, Index n) {
            put(y + j, n,
                madd(get(x + j, n) - get(mean + j, n), get(factor + j, n), get(shift + j, n)));
        });
}

template <class T>
[[gnu::flatten]] void project(Index rows, Index cols, const T* x, const T* dy, const T* mean,
                              const T* inverse, T* s, T* t) {
    for_columns<T>(cols, [&](Index j, Index n) {
        const Vec<T> m = get(mean + j, n), k = get(inverse + j, n);
        Vec<T> a{}, b{}, c{}, d{};
        Index i = 0;
        for (; i + 2 <= rows; i += 2) {
            const Vec<T> g = get(dy + i * cols + j, n), h = get(dy + (i + 1) * cols + j, n);
            a += g, b += h;
            c = madd(g, (get(x + i * cols + j, n) - m) * k, c);
            d = madd(h, (get(x + (i + 1) * cols + j, n) - m) * k, d);
        }
        if (i < rows) {
            const Vec<T> g = get(dy + i * cols + j, n);
            a += g;
            c = madd(g, (get(x + i * cols + j, n) - m) * k, c);
        }
        put(s + j, n, get(s + j, n) + (a + b));
        put(t + j, n, get(t + j, n) + (c + d));
    });
}

template <class T>
[[gnu::flatten]] void pull_back(Index rows, Index cols, const T* x, const T* dy, const T* mean,
                                const T* inverse, const T* factor, const T* s, const T* t,
                                const T* w, T share, T* dx) {
    for (Index i = 0; i < rows; ++i, x += cols, dy += cols, dx += cols) {
        const Vec<T> p = splat(w ? T(share * w[i]) : share);
        for_columns<T>(cols, [&](Index j, Index n) {
            const Vec<T> standard = (get(x + j, n) - get(mean + j, n)) * get(inverse + j, n);
            const Vec<T> common = madd(standard, get(t + j, n), get(s + j, n));
            put(dx + j, n, get(factor + j, n) * (get(dy + j, n) - p * common));
        });
    }
}

// ---- rows ---------------------------------------------------------------------------------------

// The sum of f(column, lanes) over a row.
template <class T, class F>
DELTARULE_INLINE T sum_along(Index cols, F f) {
    Vec<T> a{}, b{};
    Index j = 0;
    for (; j + 2 * lanes<T> <= cols; j += 2 * lanes<T>) {
        a += f(j, Index{lanes<T>});
        b += f(j + lanes<T>, Index{lanes<T>});
    }
    for (; j + lanes<T> <= cols; j += lanes<T>) a += f(j, Index{lanes<T>});
    if (j < cols) b += first<T>(cols - j) ? f(j, cols - j) : Vec<T>{};
    return deltarule::DELTARULE_ISA::sum(a + b);
}

template <class T>
[[gnu::flatten]] void rows(Index count, Index cols, const T* x, bool centred, T epsilon,
                           const T* gamma, const T* beta, T* y, T* kept) {
    for (Index i = 0; i < count; ++i, x += cols, y += cols, kept += 2) {
        const auto of = [&](Index j, Index n) { return get(x + j, n); };
        const T m = centred ? sum_along<T>(cols, of) / T(cols) : T(0);
        const Vec<T> mean = splat(m);
        const T variance = sum_along<T>(cols,
                                        [&](Index j, Index n) {
                                            const Vec<T> d = of(j, n) - mean;
                                            return d * d;
                                        }) /
                           T(cols);
        const T inverse = T(1) / T(__builtin_sqrt(double(variance + epsilon)));
        const Vec<T> k = splat(inverse);
        for_columns<T>(cols, [&](Index j, Index n) {
            const Vec<T> shift = beta ? get(beta + j, n) : Vec<T>{};
            put(y + j, n, madd((of(j, n) - mean) * k, get(gamma + j, n), shift));
        });
        kept[0] = m, kept[1] = inverse;
    }
}

template <class T>
[[gnu::flatten]] void rows_back(Index count, Index cols, const T* x, const T* dy, bool centred,
                                const T* gamma, const T* kept, T* dx) {
    for (Index i = 0; i < count; ++i, x += cols, dy += cols, dx += cols, kept += 2) {
        const Vec<T> mean = splat(kept[0]), k = splat(kept[1]);
        const auto pulled = [&](Index j, Index n) { return get(dy + j, n) * get(gamma + j, n); };
        const auto standard = [&](Index j, Index n) { return (get(x + j, n) - mean) * k; };
        const T s = centred ? sum_along<T>(cols, pulled) / T(cols) : T(0);
        const T t =
            sum_along<T>(cols, [&](Index j, Index n) { return pulled(j, n) * standard(j, n); }) /
            T(cols);
        for_columns<T>(cols, [&](Index j, Index n) {
            put(dx + j, n, k * (pulled(j, n) - splat(s) - standard(j, n) * splat(t)));
        });
    }
}

template <class T>
[[gnu::flatten]] void rows_gradient(Index count, Index cols, Index start, Index some, const T* x,
                                    const T* dy, const T* kept, T* dgamma, T* dbeta) {
    for_columns<T>(some, [&](Index j, Index n) {
        const Index at = start + j;
        const auto slope = [&](Index i) { return get(dy + i * cols + at, n); };
        put(dgamma + j, n, sum_over<T>(count, [&](Index i) {
                const Vec<T> centre = get(x + i * cols + at, n) - splat(kept[2 * i]);
                return slope(i) * (centre * splat(kept[2 * i + 1]));
            }));
        if (dbeta) put(dbeta + j, n, sum_over<T>(count, slope));
    });
}

// ---- likeness -----------------------------------------------------------------------------------

DELTARULE_INLINE void add_squares(Vec<float> v, Vec<double> (&sum)[2], Vec<double> (&squares)[2]) {
    Vec<double> half[2];
    widen(v, half);
    for (int h : {0, 1}) sum[h] += half[h], squares[h] = madd(half[h], half[h], squares[h]);
}
DELTARULE_INLINE void add_squares(Vec<double> v, Vec<double> (&sum)[2], Vec<double> (&squares)[2]) {
    sum[0] += v, squares[0] = madd(v, v, squares[0]);
}

template <class T>
[[gnu::flatten]] kernels::Likeness likeness(Index n, const T* x) {
    const T infinity = T(__builtin_inf());
    Vec<double> sum[2]{}, squares[2]{};
    Vec<T> largest{};
    Ints<T> zeros{}, wrong{};
    for_columns<T>(n, [&](Index j, Index some) {
        const Vec<T> v = get(x + j, some), size = abs(v);
        const Ints<T> finite = size < infinity;  // so are the lanes that do not exist: 0
        zeros -= (v == T(0)) & first<T>(some);
        wrong += finite + 1;
        largest = max(largest, finite ? size : Vec<T>{});
        add_squares(v, sum, squares);
    });
    Index zero = 0, odd = 0;
    for (int i = 0; i < lanes<T>; ++i) zero += Index(zeros[i]), odd += Index(wrong[i]);
    return {deltarule::DELTARULE_ISA::sum(sum[0] + sum[1]),
            deltarule::DELTARULE_ISA::sum(squares[0] + squares[1]), double(maximum(largest)), zero,
            odd};
}

template <class T>
[[gnu::flatten]] void count_within(Index rows, Index cols, const T* x, T low, T high,
                                   std::uint32_t* counts) {
    for_columns<T>(cols, [&](Index j, Index n) {
        Ints<T> within{};
        for (Index i = 0; i < rows; ++i) {
            const Vec<T> v = get(x + i * cols + j, n);
            within -= (v > low) & (v < high);
        }
        for (Index k = 0; k < n; ++k) counts[j + k] += std::uint32_t(within[int(k)]);
    });
}

template <class T>
constexpr kernels::MomentLoops<T> loops = {
    columns<T>, merge<T>,     standardise<T>,   project<T>,  pull_back<T>,
    rows<T>,    rows_back<T>, rows_gradient<T>, likeness<T>, count_within<T>};

}  // namespace

const kernels::Moments* moments() {
    static constexpr kernels::Moments all = {loops<float>, loops<double>};
    return &all;
}

}  // namespace deltarule::DELTARULE_ISA
