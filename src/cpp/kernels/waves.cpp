#include "waves.hpp"

#include "columns.hpp"
#include "trigonometry.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

using Index = std::ptrdiff_t;
using kernels::waves_together;
using kernels::WaveShape;
using kernels::WaveWeights;

inline constexpr double two_pi = 6.283185307179586, per_radian = 0.15915494309189535;
template <class T>
inline constexpr double per_radian_lost =  // by rounding 1 / (2 pi) to T
    sizeof(T) == 4 ? 6.420638316725915e-09 : -9.839338337591243e-18;

// ---- angles in turns ----------------------------------------------------------------------------

// `round` rounds numbers up to this size; from twice as much on all numbers are integers.
template <class T>
inline constexpr T roundable = sizeof(T) == 4 ? T(0x1p22) : T(0x1p51);

// x less whole turns, exactly, in [-1, 1]; NaN stays.
template <class V>
DELTARULE_INLINE V part_of_turn(V x) {
    const V half = round(x * number<V>(0.5)).value, limit = splat(roundable<Element<V>>);
    return abs(x) >= limit + limit ? V{} : x - (half + half);
}

// b / (2 pi) less whole turns.
template <class V>
DELTARULE_INLINE V turns_of(V b) {
    const V rest = number<V>(per_radian_lost<Element<V>>);
    return part_of_turn(product_and_rest(b, number<V>(per_radian), b * rest));
}

// x w less whole turns, as high + low, |low| far below 1: however many turns it has.
template <class V>
[[gnu::noinline]] DoubleWord<V> part_of_large_product(DoubleWord<V> p) {
    return exact_sum(part_of_turn(p.high), part_of_turn(p.low));
}

// cos and sin of 2 pi (x w + turns), |turns| <= 1, but for 2.5e-7 (float) and 6e-16 (double): as
// many digits of the product count as `exact_product` gives.
template <class V>
struct Wave {
    V cosine, sine;
    DELTARULE_INLINE Wave(V x, V w, V turns) {
        using T = Element<V>;
        using C = Trigonometry<T>;
        const DoubleWord<V> p = exact_product(x, w);
        DoubleWord<V> part = {p.high - round(p.high).value, p.low};
        const Ints<T> large = abs(p.high) > splat(roundable<T>);
        if (__builtin_expect(any<T>(large), 0)) part = where(large, part_of_large_product(p), part);
        const DoubleWord<V> t = exact_sum(part.high, turns);
        const V low = t.low + part.low;
        const Rounded<V> quarter = round_product(t.high + low, number<V>(4));
        const V near = madd(quarter.value, number<V>(-0.25), t.high);  // exact
        const V r = (near + low) * number<V>(two_pi), z = r * r;
        const V s = madd(r * z, polynomial(z, C::sine), r);
        const V c = madd(z * z, polynomial(z, C::cosine), madd(z, number<V>(-0.5), number<V>(1)));
        const Ints<T> q = quarter.integer, odd = (q & 1) != 0;
        const auto turned = [](V v, Ints<T> half_turns) {
            const auto sign = (half_turns << (8 * int(sizeof(T)) - 2)) & Traits<T>::sign;
            return (V)(bits(v) ^ sign);
        };
        sine = turned(odd ? c : s, q);
        cosine = turned(odd ? s : c, q + 1);
    }
};

// ---- blocks of positions ------------------------------------------------------------------------

// f(first position, positions) of every block.
template <class F>
DELTARULE_INLINE void for_blocks(Index positions, F f) {
    for (Index i = 0; i < positions; i += waves_together)
        f(i, positions - i < waves_together ? positions - i : waves_together);
}

// One number of each of n positions that are `step` apart, together; the others of a block are 0.
template <class T>
DELTARULE_INLINE void take(const T* from, Index step, Index n, T* to) {
    for (Index i = 0; i < n; ++i) to[i] = from[i * step];
    for (Index i = n; i < waves_together; ++i) to[i] = T(0);
}
template <class T>
DELTARULE_INLINE void give(const T* from, Index n, T* to, Index step) {
    for (Index i = 0; i < n; ++i) to[i * step] = from[i];
}

template <class T>
DELTARULE_INLINE void add_to(T* sum, Vec<T> a, Vec<T> b) {
    store(sum, madd(a, b, load(sum)));
}

template <class T>
[[gnu::flatten]] void forward(const WaveShape& s, const WaveWeights<T>& of, const T* x, T* y,
                              T* kept, T* scratch) {
    const Index C = s.columns, F = s.frequencies, U = s.units, width = C * (U + 1);
    T *const turns = scratch, *const z = scratch + C * F;
    for_columns<T>(C * F,
                   [&](Index j, Index n) { put(turns + j, n, turns_of(get(of.phase + j, n))); });
    alignas(64) T in[waves_together];
    for_blocks(s.positions, [&](Index i, Index n) {
        for (Index c = 0; c < C; ++c) {
            T *cosines = kept + i * 2 * C * F + c * 2 * F * n, *sines = cosines + F * n;
            take(x + i * C + c, C, n, in);
            T* const to = y + i * width + c * (U + 1);
            give(in, n, to, width);
            for (Index u = 0; u < U; ++u)
                for_columns<T>(waves_together, [&](Index k, Index m) {
                    put(z + u * waves_together + k, m, splat(of.bias[c * U + u]));
                });
            const T* V = of.weight + c * F * U;
            for (Index f = c * F; f < (c + 1) * F; ++f, cosines += n, sines += n, V += U) {
                const Vec<T> w = splat(of.frequency[f]), b = splat(turns[f]);
                for_columns<T>(n, [&](Index k, Index m) {
                    const Wave<Vec<T>> wave(load(in + k), w, b);
                    put(cosines + k, m, wave.cosine);
                    put(sines + k, m, wave.sine);
                    for (Index u = 0; u < U; ++u)
                        add_to(z + u * waves_together + k, wave.cosine, splat(V[u]));
                });
            }
            for (Index u = 0; u < U; ++u) give(z + u * waves_together, n, to + 1 + u, width);
        }
    });
}

// The slope of an angle: of what is kept of its sine, and of dz (U vectors).
template <class T>
DELTARULE_INLINE Vec<T> slope_of_angle(Index U, const T* weight, const T* dz, Vec<T> sine) {
    Vec<T> sum{};
    for (Index u = 0; u < U; ++u) sum = madd(splat(weight[u]), load(dz + u * waves_together), sum);
    return -sine * sum;
}

template <class T>
[[gnu::flatten]] void backward(const WaveShape& s, const WaveWeights<T>& of, const T* kept,
                               const T* dy, T* dx, T* dz) {
    const Index C = s.columns, F = s.frequencies, U = s.units, width = C * (U + 1);
    alignas(64) T out[waves_together];
    for_blocks(s.positions, [&](Index i, Index n) {
        for (Index c = 0; c < C; ++c) {
            const T *sines = kept + i * 2 * C * F + (2 * c + 1) * F * n,
                    *from = dy + i * width + c * (U + 1);
            for (Index u = 0; u < U; ++u) take(from + 1 + u, width, n, dz + u * waves_together);
            take(from, width, n, out);
            for_columns<T>(n, [&](Index k, Index m) {
                Vec<T> sum{};
                for (Index f = 0; f < F; ++f) {
                    const Index at = c * F + f;
                    const Vec<T> sine = get(sines + f * n + k, m);
                    sum = madd(slope_of_angle(U, of.weight + at * U, dz + k, sine),
                               splat(of.frequency[at]), sum);
                }
                store(out + k, madd(sum, number<Vec<T>>(two_pi), load(out + k)));
            });
            give(out, n, dx + i * C + c, C);
        }
    });
}

// ---- the gradient -------------------------------------------------------------------------------

// Sums over positions, a vector each, of what the weights of one column need.
template <class T>
struct Sums {
    T *frequency, *phase, *weight, *bias;  // (F), (F), (F, U), (U) vectors

    Sums(T* scratch, Index F, Index U)
        : frequency(scratch),
          phase(frequency + F * lanes<T>),
          weight(phase + F * lanes<T>),
          bias(weight + F * U * lanes<T>) {}
};

// Adds positions of one block; x and dz are 0 where it has none.
template <class T>
DELTARULE_INLINE void add_block(Index F, Index U, const T* weight, const T* cosines, Index n,
                                const T* x, const T* dz, const Sums<T>& sums) {
    const T* const sines = cosines + F * n;
    for_columns<T>(n, [&](Index k, Index m) {
        const Vec<T> in = load(x + k), one = number<Vec<T>>(1);
        for (Index f = 0; f < F; ++f) {
            const Vec<T> cosine = get(cosines + f * n + k, m),
                         slope =
                             slope_of_angle(U, weight + f * U, dz + k, get(sines + f * n + k, m));
            add_to(sums.frequency + f * lanes<T>, slope, in);
            add_to(sums.phase + f * lanes<T>, slope, one);
            for (Index u = 0; u < U; ++u)
                add_to(sums.weight + (f * U + u) * lanes<T>, load(dz + u * waves_together + k),
                       cosine);
        }
        for (Index u = 0; u < U; ++u)
            add_to(sums.bias + u * lanes<T>, load(dz + u * waves_together + k), one);
    });
}

template <class T>
[[gnu::flatten]] void gradient(const WaveShape& s, const WaveWeights<T>& of, Index first,
                               Index count, const T* x, const T* kept, const T* dy, T* gradient,
                               T* scratch) {
    constexpr Index group = 32 * waves_together;  // positions whose sums are added up as vectors
    const Index C = s.columns, F = s.frequencies, U = s.units, width = C * (U + 1),
                sums_of_column = F * (2 + U) + U;
    T *const dz = scratch, *const all = scratch + U * waves_together;
    const Sums<T> sums(all, F, U);
    alignas(64) T in[waves_together];
    for (Index k = 0; k < count * sums_of_column; ++k) gradient[k] = T(0);
    T *const dw = gradient, *const db = dw + count * F, *const dV = db + count * F,
             *const dc = dV + count * F * U;
    const auto add = [](Index numbers, T* to, const T* from, T factor) {
        for (Index k = 0; k < numbers; ++k) to[k] += factor * sum(load(from + k * lanes<T>));
    };
    for (Index start = 0; start < s.positions; start += group) {
        const Index some = s.positions - start < group ? s.positions - start : group;
        for (Index j = 0; j < count; ++j) {
            const Index c = first + j;
            for (Index k = 0; k < sums_of_column * lanes<T>; ++k) all[k] = T(0);
            for_blocks(some, [&](Index at, Index n) {
                const Index i = start + at;
                const T* const from = dy + i * width + c * (U + 1);
                for (Index u = 0; u < U; ++u) take(from + 1 + u, width, n, dz + u * waves_together);
                take(x + i * C + c, C, n, in);
                add_block(F, U, of.weight + c * F * U, kept + i * 2 * C * F + c * 2 * F * n, n, in,
                          dz, sums);
            });
            add(F, dw + j * F, sums.frequency, T(two_pi));
            add(F, db + j * F, sums.phase, T(1));
            add(F * U, dV + j * F * U, sums.weight, T(1));
            add(U, dc + j * U, sums.bias, T(1));
        }
    }
}

template <class T>
constexpr kernels::WaveLoops<T> loops = {forward<T>, backward<T>, gradient<T>};

}  // namespace

const kernels::Waves* waves() {
    static constexpr kernels::Waves all = {loops<float>, loops<double>};
    return &all;
}

}  // namespace deltarule::DELTARULE_ISA
