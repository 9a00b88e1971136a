#include "vectors.hpp"

#include "accumulator.hpp"
#include "updates.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

using Index = std::ptrdiff_t;

// ---- sums ---------------------------------------------------------------------------------------

// Eight running sums: an order the compiler may keep in vectors of any width up to eight.
template <class T, class F>
DELTARULE_INLINE double sum_of(Index n, const F& term) {
    double part[8] = {};
    Index i = 0;
    for (; i + 8 <= n; i += 8)
        for (Index k = 0; k < 8; ++k) part[k] += term(i + k);
    for (; i < n; ++i) part[0] += term(i);
    for (Index half = 4; half > 0; half /= 2)
        for (Index k = 0; k < half; ++k) part[k] += part[k + half];
    return part[0];
}
template <class T>
double sum(Index n, const T* x) {
    return sum_of<T>(n, [x](Index i) { return double(x[i]); });
}
template <class T>
double sum_of_squares(Index n, const T* x) {
    return sum_of<T>(n, [x](Index i) { return double(x[i]) * double(x[i]); });
}

// ---- element by element -------------------------------------------------------------------------

template <class T>
void scale(Index n, T* x, T factor) {
    for (Index i = 0; i < n; ++i) x[i] *= factor;
}
template <class T>
void add(Index n, T* y, const T* x) {
    for (Index i = 0; i < n; ++i) y[i] += x[i];
}
template <class T>
void multiply(Index n, const T* x, const T* m, T* y) {
    for (Index i = 0; i < n; ++i) y[i] = x[i] * m[i];
}
template <class T>
void approach(Index n, T* y, const T* x, T share) {
    for (Index i = 0; i < n; ++i) y[i] += share * (x[i] - y[i]);
}
template <class T>
void clamp(Index n, T* x, T bound) {
    for (Index i = 0; i < n; ++i) {
        const T v = x[i];
        x[i] = v > bound ? bound : v < -bound ? -bound : v;
    }
}
template <class T>
void add_squares(Index n, T* sums, const T* x) {
    for (Index i = 0; i < n; ++i) sums[i] += x[i] * x[i];
}
template <class T>
void maximum(Index n, T* y, const T* x) {
    for (Index i = 0; i < n; ++i) {
        const T a = y[i], b = x[i];
        y[i] = b > a ? b : b == b ? a : b;
    }
}
template <class T>
void give_to_maximum(Index n, const T* x, const T* y, T* left, T* dx) {
    for (Index i = 0; i < n; ++i) {
        const bool here = x[i] == y[i] || y[i] != y[i];
        dx[i] += here ? left[i] : T(0);
        left[i] = here ? T(0) : left[i];
    }
}

// g += factor f(w); the sum of what `size` says of w.
template <class T, class F, class Size>
DELTARULE_INLINE double add_penalty(Index n, T* g, const T* w, T factor, F f, Size size) {
    const Vec<T> c = splat(factor), zero{};
    Accumulator<Vec<T>> total;
    Index i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) {
        const Vec<T> v = load(w + i);
        store(g + i, madd(c, f(v), load(g + i)));
        total.add(size(v));
    }
    if (i < n) {
        const Vec<T> v = load(w + i, n - i, zero);
        store(g + i, n - i, madd(c, f(v), load(g + i, n - i, zero)));
        total.add(size(v));
    }
    return double(total.sum());
}
template <class T>
[[gnu::flatten]] double add_decay(Index n, T* g, const T* w, T factor) {
    using V = Vec<T>;
    return add_penalty(n, g, w, factor, [](V v) { return v; }, [](V v) { return v * v; });
}
template <class T>
[[gnu::flatten]] double add_signs(Index n, T* g, const T* w, T factor) {
    using V = Vec<T>;
    const V unit = splat(T(1));
    const auto sign = [unit](V v) { return v == V{} ? v : copy_sign(unit, v); };
    return add_penalty(n, g, w, factor, sign, [](V v) { return abs(v); });
}

// ---- steps of optimizers ------------------------------------------------------------------------

// One step of every parameter w; s1 and s2 hold the state, s2 only where the step has two.
template <class Step, class T>
[[gnu::flatten]] void update(Index n, T* w, const T* g, T* s1, T* s2, const T* a) {
    Vec<T> c[kernels::update_constants];
    for (int k = 0; k < kernels::update_constants; ++k) c[k] = splat(a[k]);
    for (Index i = 0; i < n; i += lanes<T>) {
        const Index m = n - i < lanes<T> ? n - i : lanes<T>;
        const auto get = [&](const T* p) { return m == lanes<T> ? load(p) : load(p, m, Vec<T>{}); };
        const auto put = [&](T* p, Vec<T> x) { m == lanes<T> ? store(p, x) : store(p, m, x); };
        Vec<T> p = get(w + i), u = get(s1 + i), v{};
        if constexpr (Step::states == 2) v = get(s2 + i);
        Step::apply(p, get(g + i), u, v, c);
        put(w + i, p);
        put(s1 + i, u);
        if constexpr (Step::states == 2) put(s2 + i, v);
    }
}

// ---- random numbers -----------------------------------------------------------------------------

// Philox 4x32-10 (Salmon et al. 2011) for `block` counters at once: word w of counter i to
// out[w][i].  Words are kept in lanes of 64 bits, so that a product of two has room.
inline constexpr int block = 16;
using Words = std::uint32_t[4][block];

DELTARULE_INLINE void philox(std::uint64_t key, std::uint64_t stream, std::uint64_t counter,
                             Words& out) {
    constexpr int lanes = DELTARULE_VECTOR_BYTES / 8;
    typedef std::uint64_t Longs __attribute__((vector_size(DELTARULE_VECTOR_BYTES)));
    typedef std::uint32_t Halves __attribute__((vector_size(DELTARULE_VECTOR_BYTES / 2)));
    const auto all = [](std::uint64_t v) { return v + Longs{}; };
    const Longs low = all(0xFFFFFFFFu), a = all(0xD2511F53u), b = all(0xCD9E8D57u);
    for (int first = 0; first < block; first += lanes) {
        Longs at{};
        for (int i = 0; i < lanes; ++i) at[i] = counter + std::uint64_t(first + i);
        Longs c0 = at & low, c1 = at >> 32, c2 = all(stream & 0xFFFFFFFFu), c3 = all(stream >> 32);
        auto k0 = std::uint32_t(key), k1 = std::uint32_t(key >> 32);
        for (int round = 0; round < 10; ++round) {
            const Longs p0 = c0 * a, p1 = c2 * b;
            c0 = (p1 >> 32) ^ c1 ^ all(k0), c2 = (p0 >> 32) ^ c3 ^ all(k1);
            c1 = p1 & low, c3 = p0 & low;
            k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
        }
        const Longs words[] = {c0, c1, c2, c3};
        for (int w = 0; w < 4; ++w) {
            const Halves half = __builtin_convertvector(words[w], Halves);
            __builtin_memcpy(&out[w][first], &half, sizeof half);
        }
    }
}

// Place p is 16 bits of counter p / 128 * 16 + p % 16: of word p / 16 % 4, the low ones where
// p % 128 < 64.
template <class T>
void draw_kept(Index n, std::uint64_t key, std::uint64_t stream, std::uint64_t place, double rate,
               T kept, T* out) {
    constexpr Index words = 4 * block, together = 2 * words;
    const auto threshold = std::uint32_t(rate * 65536 + 0.5);
    Words drawn;
    T group[together];
    for (Index i = 0; i < n;) {
        const std::uint64_t at = place + std::uint64_t(i);
        philox(key, stream, at / together * block, drawn);
        const std::uint32_t* word = &drawn[0][0];
        const auto skip = Index(at % together);
        const Index some = n - i < together - skip ? n - i : together - skip;
        T* to = some == together ? out + i : group;
        for (Index k = 0; k < words; ++k) {
            to[k] = (word[k] & 0xFFFF) >= threshold ? kept : T(0);
            to[k + words] = word[k] >> 16 >= threshold ? kept : T(0);
        }
        if (to == group)
            for (Index k = 0; k < some; ++k) out[i + k] = group[skip + k];
        i += some;
    }
}

template <class T>
constexpr kernels::VectorLoops<T> loops = {
    scale<T>,
    sum<T>,
    sum_of_squares<T>,
    add<T>,
    multiply<T>,
    approach<T>,
    clamp<T>,
    add_squares<T>,
    add_decay<T>,
    add_signs<T>,
    maximum<T>,
    give_to_maximum<T>,
    {update<MomentumStep, T>, update<AdamStep, T>, update<NadamStep, T>, update<AdagradStep, T>,
     update<RmspropStep, T>, update<LionStep, T>},
    draw_kept<T>};

}  // namespace

kernels::VectorLoops<float> vectors_of_float() { return loops<float>; }
kernels::VectorLoops<double> vectors_of_double() { return loops<double>; }

}  // namespace deltarule::DELTARULE_ISA
