#include "cells.hpp"

#include "columns.hpp"
#include "vmath.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

using Index = std::ptrdiff_t;

// A sigmoid as the smaller of s and 1 - s, with the sign of what it is: -0 is 1, 0 is 0.
template <class V>
struct Gate {
    V kept;
    DELTARULE_INLINE static Gate of(V z) {
        const V far = sigmoid_below(decay(z).value());
        return {z < V{} ? far : -far};
    }
    DELTARULE_INLINE auto is_open() const { return bits(kept) < Ints<Element<V>>{}; }
    DELTARULE_INLINE V value() const { return is_open() ? number<V>(1) + kept : kept; }
    DELTARULE_INLINE V complement() const { return is_open() ? -kept : number<V>(1) - kept; }
    DELTARULE_INLINE V slope() const {
        const V far = abs(kept);
        return madd(-far, far, far);
    }
};

// tanh and its slope from one exponential: 2 and 3.5 ulp.
template <class V>
struct Tanh {
    V value, slope;
    DELTARULE_INLINE static Tanh of(V x) {
        const V two = number<V>(2), u = two * negative(x);
        const Exponential<V> e = exponential(u);
        const V t = e.value(), near = number<V>(1) + t;
        // where |x| is small 1 - t has lost digits, and e^u - 1 is minus_one itself
        const V gap = u > number<V>(-0.34) ? -e.minus_one.high : number<V>(1) - t;
        const V y = gap / near, far = e.mantissa / near;
        return {copy_sign(y, x), e.scale(number<V>(4) * (far / near))};
    }
};

template <class T>
[[gnu::flatten]] void lstm(Index units, T* z, const T* c_before, T* c, T* h, T* kept) {
    for_columns<T>(units, [&](Index j, Index n) {
        using V = Vec<T>;
        const auto i = Gate<V>::of(get(z + j, n)), f = Gate<V>::of(get(z + units + j, n)),
                   o = Gate<V>::of(get(z + 3 * units + j, n));
        const auto g = Tanh<V>::of(get(z + 2 * units + j, n));
        const V cell = madd(f.value(), get(c_before + j, n), i.value() * g.value);
        const auto shown = Tanh<V>::of(cell);
        put(z + j, n, i.kept);
        put(z + units + j, n, f.kept);
        put(z + 2 * units + j, n, g.value);
        put(z + 3 * units + j, n, o.kept);
        put(c + j, n, cell);
        put(h + j, n, o.value() * shown.value);
        put(kept + j, n, g.slope);
        put(kept + units + j, n, shown.value);
        put(kept + 2 * units + j, n, shown.slope);
    });
}

template <class T>
[[gnu::flatten]] void lstm_back(Index units, T* gates, const T* c_before, const T* kept,
                                const T* dh, T* dc) {
    for_columns<T>(units, [&](Index j, Index n) {
        using V = Vec<T>;
        const Gate<V> i{get(gates + j, n)}, f{get(gates + units + j, n)},
            o{get(gates + 3 * units + j, n)};
        const V g = get(gates + 2 * units + j, n), g_slope = get(kept + j, n);
        const V shown = get(kept + units + j, n), shown_slope = get(kept + 2 * units + j, n);
        const V slope = get(dh + j, n);
        const V cell = madd(slope * o.value(), shown_slope, get(dc + j, n));
        put(gates + j, n, cell * g * i.slope());
        put(gates + units + j, n, cell * get(c_before + j, n) * f.slope());
        put(gates + 2 * units + j, n, cell * i.value() * g_slope);
        put(gates + 3 * units + j, n, slope * shown * o.slope());
        put(dc + j, n, cell * f.value());
    });
}

template <class T>
[[gnu::flatten]] void gru(Index units, T* z, const T* u, const T* h_before, T* h, T* kept) {
    for_columns<T>(units, [&](Index j, Index n) {
        using V = Vec<T>;
        const auto r = Gate<V>::of(get(z + j, n)), k = Gate<V>::of(get(z + units + j, n));
        const V part = get(u + j, n);
        const auto g = Tanh<V>::of(madd(r.value(), part, get(z + 2 * units + j, n)));
        put(z + j, n, r.kept);
        put(z + units + j, n, k.kept);
        put(z + 2 * units + j, n, g.value);
        put(h + j, n, madd(k.value(), get(h_before + j, n), k.complement() * g.value));
        put(kept + j, n, part);
        put(kept + units + j, n, g.slope);
    });
}

template <class T>
[[gnu::flatten]] void gru_back(Index units, T* gates, const T* h_before, const T* kept, T* dh,
                               T* du) {
    for_columns<T>(units, [&](Index j, Index n) {
        using V = Vec<T>;
        const Gate<V> r{get(gates + j, n)}, k{get(gates + units + j, n)};
        const V g = get(gates + 2 * units + j, n), slope = get(dh + j, n);
        const V candidate = slope * k.complement() * get(kept + units + j, n);
        put(gates + j, n, candidate * get(kept + j, n) * r.slope());
        put(gates + units + j, n, slope * (get(h_before + j, n) - g) * k.slope());
        put(gates + 2 * units + j, n, candidate);
        put(du + j, n, candidate * r.value());
        put(dh + j, n, slope * k.value());
    });
}

template <class T>
constexpr kernels::CellLoops<T> loops = {lstm<T>, lstm_back<T>, gru<T>, gru_back<T>};

}  // namespace

const kernels::Cells* cells() {
    static constexpr kernels::Cells all = {loops<float>, loops<double>};
    return &all;
}

}  // namespace deltarule::DELTARULE_ISA
