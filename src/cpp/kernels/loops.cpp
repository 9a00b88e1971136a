// One instruction set's table, and the loops of the engine that are no catalogue function.
//
// Compiled once per set with that set's flags, as is each family.  Everything here is
// constant-initialised: loading the module runs no instruction of a set that the processor may
// lack.
#include "accumulator.hpp"
#include "dispatch.hpp"
#include "families.hpp"
#include "updates.hpp"

namespace deltarule::DELTARULE_ISA {

using kernels::Index;

#define DELTARULE_DECLARE(family) kernels::Rows<kernels::ActivationRow> family();
DELTARULE_ACTIVATION_FAMILIES(DELTARULE_DECLARE)
#undef DELTARULE_DECLARE
#define DELTARULE_DECLARE(family) kernels::Rows<kernels::LossRow> family();
DELTARULE_LOSS_FAMILIES(DELTARULE_DECLARE)
#undef DELTARULE_DECLARE
const kernels::Products* products();  // products.cpp
kernels::Tapes tapes();               // tape.cpp

namespace {

template <class T>
void scale(Index n, T* x, T factor) {
    for (Index i = 0; i < n; ++i) x[i] *= factor;
}

template <class T>
[[gnu::flatten]] double add_decay(Index n, T* g, const T* w, T factor) {
    const Vec<T> f = splat(factor), zero{};
    Accumulator<Vec<T>> squares;
    Index i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) {
        const Vec<T> v = load(w + i);
        store(g + i, madd(f, v, load(g + i)));
        squares.add(v * v);
    }
    if (i < n) {
        const Vec<T> v = load(w + i, n - i, zero);
        store(g + i, n - i, madd(f, v, load(g + i, n - i, zero)));
        squares.add(v * v);
    }
    return double(squares.sum());
}

// Eight running sums: an order the compiler may keep in vectors of any width up to eight.
template <class T>
double sum_of(Index n, const T* x) {
    double part[8] = {};
    Index i = 0;
    for (; i + 8 <= n; i += 8)
        for (Index k = 0; k < 8; ++k) part[k] += double(x[i + k]);
    for (; i < n; ++i) part[0] += double(x[i]);
    for (Index half = 4; half > 0; half /= 2)
        for (Index k = 0; k < half; ++k) part[k] += part[k + half];
    return part[0];
}

// One step of every parameter w; s1 and s2 hold the state, s2 only where the step has two.
template <class Step, class T>
[[gnu::flatten]] void update(Index n, T* w, const T* g, T* s1, T* s2, const T* a) {
    constexpr int constants = 4;
    Vec<T> c[constants];
    for (int k = 0; k < constants; ++k) c[k] = splat(a[k]);
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

template <class T>
void momentum(Index n, T* w, const T* g, T* v, const T* a) {
    update<MomentumStep, T>(n, w, g, v, nullptr, a);
}

template <class T>
constexpr kernels::VectorLoops<T> vector_loops = {scale<T>, add_decay<T>, sum_of<T>, momentum<T>,
                                                  update<AdamStep, T>};

#define DELTARULE_STRING_(x) #x
#define DELTARULE_STRING(x) DELTARULE_STRING_(x)

}  // namespace

kernels::Table isa_table() {
#define DELTARULE_ROWS(family) family(),
    static const kernels::Rows<kernels::ActivationRow> activations[] = {
        DELTARULE_ACTIVATION_FAMILIES(DELTARULE_ROWS)};
    static const kernels::Rows<kernels::LossRow> losses[] = {
        DELTARULE_LOSS_FAMILIES(DELTARULE_ROWS)};
#undef DELTARULE_ROWS
    return {DELTARULE_STRING(DELTARULE_ISA),
            {activations, int(sizeof activations / sizeof *activations)},
            {losses, int(sizeof losses / sizeof *losses)},
            vector_loops<float>,
            vector_loops<double>,
            products(),
            tapes()};
}

}  // namespace deltarule::DELTARULE_ISA
