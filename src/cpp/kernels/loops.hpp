// From the struct of an element-wise function to its loops: contiguous ones for the engine, strided
// ones for NumPy.
//
// A struct is applied to whole vectors; a last partial vector goes through the same code, so that a
// result depends neither on its position in an array nor on the array's alignment or strides.
#pragma once

#include "accumulator.hpp"
#include "table.hpp"
#include "vmath.hpp"

namespace deltarule::DELTARULE_ISA {

using kernels::ActivationFacts;
using kernels::Bound;
using kernels::Domain;
using kernels::Index;
using kernels::Link;
using kernels::LossFacts;
using kernels::max_parameters;
using kernels::Monotone;
using kernels::Reads;
using kernels::Symmetry;
using kernels::Target;
using kernels::Targets;
using kernels::Width;

inline constexpr double not_given = __builtin_nan("");

// ---- operations: inputs and outputs of one vector each ------------------------------------------

template <class F>
struct Value {
    static constexpr int inputs = 1, outputs = 1;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        out[0] = F::value(in[0], a);
    }
};
template <class F>
struct Slope {
    static constexpr int inputs = 1, outputs = 1;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        out[0] = F::slope(in[0], F::value(in[0], a), a);
    }
};
template <class F>
struct Curve {
    static constexpr int inputs = 1, outputs = 1;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        out[0] = F::curve(in[0], a);
    }
};
template <class F>
struct Vjp {  // x, g
    static constexpr int inputs = 2, outputs = 1;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        out[0] = in[1] * F::slope(in[0], F::value(in[0], a), a);
    }
};
template <class F>
struct StoredVjp {  // x, y, g: y was kept from the forward pass
    static constexpr int inputs = 3, outputs = 1;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        out[0] = in[2] * F::slope(in[0], in[1], a);
    }
};
template <class F, int k>
struct ParameterSlope {  // df/da[k]
    static constexpr int inputs = 1, outputs = 1;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        out[0] = F::template parameter_slope<k>(in[0], a);
    }
};
template <class F>
struct LossValue {  // z, t
    static constexpr int inputs = 2, outputs = 1;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        out[0] = F::value(in[0], in[1], a);
    }
};
template <class F>
struct LossSlope {
    static constexpr int inputs = 2, outputs = 1;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        out[0] = F::slope(in[0], in[1], a);
    }
};
// A struct whose value and slope share what the compiler does not see has `both`.
template <class F>
struct LossBoth {
    static constexpr int inputs = 2, outputs = 2;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        if constexpr (requires { F::both(in[0], in[1], a, out); }) {
            F::both(in[0], in[1], a, out);
        } else {
            out[0] = F::value(in[0], in[1], a);
            out[1] = F::slope(in[0], in[1], a);
        }
    }
};
template <class F>
struct LossCurve {
    static constexpr int inputs = 2, outputs = 1;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        out[0] = F::curve(in[0], in[1], a);
    }
};
template <class F>
struct LossTargetSlope {
    static constexpr int inputs = 2, outputs = 1;
    template <class V>
    static void apply(const V* in, const V* a, V* out) {
        out[0] = F::target_slope(in[0], in[1], a);
    }
};

// ---- parameters ---------------------------------------------------------------------------------

// Where the parameters of element i are: at[k] + i * step[k], step 0 for one value for all.
template <class T>
struct Parameters {
    const T* at[max_parameters];
    Index step[max_parameters] = {};
    alignas(64) T splats[max_parameters][lanes<T>];

    Parameters() {
        for (int k = 0; k < max_parameters; ++k) at[k] = splats[k], set(k, T(0));
    }
    explicit Parameters(const T* values) : Parameters() {
        for (int k = 0; k < max_parameters; ++k) set(k, values[k]);
    }
    Parameters(const Parameters&) = delete;
    Parameters& operator=(const Parameters&) = delete;

    void set(int k, T value) { store(splats[k], splat(value)); }
};

// out[k][i] = Op(in[0][i], in[1][i], ...), i < n.
template <class Op, class T>
[[gnu::flatten]] void map(Index n, const T* const* in, T* const* out, const Parameters<T>& a) {
    Vec<T> p[max_parameters], v[Op::inputs], r[Op::outputs];
    Index i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) {
        for (int k = 0; k < max_parameters; ++k) p[k] = load(a.at[k] + i * a.step[k]);
        for (int k = 0; k < Op::inputs; ++k) v[k] = load(in[k] + i);
        Op::apply(v, p, r);
        for (int k = 0; k < Op::outputs; ++k) store(out[k] + i, r[k]);
    }
    if (i < n) {
        const Index m = n - i;
        for (int k = 0; k < max_parameters; ++k)
            p[k] = a.step[k] == 0 ? load(a.at[k]) : load(a.at[k] + i, m, splat(*(a.at[k] + i)));
        for (int k = 0; k < Op::inputs; ++k) v[k] = load(in[k] + i, m, Vec<T>{});
        Op::apply(v, p, r);
        for (int k = 0; k < Op::outputs; ++k) store(out[k] + i, m, r[k]);
    }
}

// ---- NumPy --------------------------------------------------------------------------------------

// One operand of a NumPy loop, brought into a contiguous block where it is not.
template <class T>
struct Operand {
    static constexpr Index block = 512;
    char* at;
    Index step;
    bool streams = false;  // written past the caches
    alignas(64) T buffer[block];

    bool contiguous() const { return step == Index(sizeof(T)); }
    const T* read(Index start, Index n) {
        const char* p = at + start * step;
        if (contiguous()) return reinterpret_cast<const T*>(p);
        for (Index i = 0; i < n; ++i) __builtin_memcpy(buffer + i, p + i * step, sizeof(T));
        return buffer;
    }
    T* writable(Index start) {
        return contiguous() && !streams ? reinterpret_cast<T*>(at + start * step) : buffer;
    }
    void written(Index start, Index n) {
        if (streams) return stream(reinterpret_cast<T*>(at + start * step), buffer, n);
        if (contiguous()) return;
        for (Index i = 0; i < n; ++i)
            __builtin_memcpy(at + (start + i) * step, buffer + i, sizeof(T));
    }
};

// An array that the caches do not hold is written past them: one trip to memory less.
inline constexpr Index streamed_bytes = Index(16) << 20;

template <class Op, class T>
void strided(char** args, const Index* dims, const Index* steps, void* data) {
    const Bound& bound = *static_cast<const Bound*>(data);
    const Index n = dims[0];
    const int results = Op::inputs + bound.operands;
    Operand<T> in[Op::inputs], par[max_parameters], out[Op::outputs];
    Parameters<T> a;
    bool varying = false, direct = true;
    for (int k = 0; k < Op::inputs; ++k) in[k].at = args[k], in[k].step = steps[k];
    for (int k = 0; k < max_parameters; ++k) {
        if (k < bound.operands) {
            T value{};
            par[k].at = args[Op::inputs + k], par[k].step = steps[Op::inputs + k];
            if (n > 0) __builtin_memcpy(&value, par[k].at, sizeof(T));
            a.set(k, value);
            varying = varying || par[k].step != 0;
        } else {
            a.set(k, T(bound.fixed[k]));
        }
    }
    for (int k = 0; k < Op::outputs; ++k) {
        out[k].at = args[results + k], out[k].step = steps[results + k];
        direct = direct && out[k].contiguous();
        const Index bytes = n * Index(sizeof(T)), ahead = out[k].at - in[0].at;
        const bool apart = ahead >= bytes || -ahead >= bytes;
        out[k].streams = bytes >= streamed_bytes && apart && out[k].contiguous();
        direct = direct && !out[k].streams;
    }
    for (int k = 0; k < Op::inputs; ++k) direct = direct && in[k].contiguous();
    // ufunc.reduce and ufunc.accumulate read what the element before has written.
    const bool chained = n > 1 && out[0].at == in[0].at + in[0].step;
    const Index block = chained ? 1 : direct && !varying ? n : Operand<T>::block;
    for (Index i = 0; i < n; i += block) {
        const Index m = n - i < block ? n - i : block;
        const T* v[Op::inputs];
        T* r[Op::outputs];
        for (int k = 0; k < Op::inputs; ++k) v[k] = in[k].read(i, m);
        for (int k = 0; varying && k < bound.operands; ++k)
            if (par[k].step != 0) a.at[k] = par[k].read(i, m), a.step[k] = 1;
        for (int k = 0; k < Op::outputs; ++k) r[k] = out[k].writable(i);
        map<Op>(m, v, r, a);
        for (int k = 0; k < Op::outputs; ++k) out[k].written(i, m);
    }
    for (int k = 0; k < Op::outputs; ++k)
        if (out[k].streams) streamed();
    clear_floating_point_flags();
}

// ---- contiguous, for the engine -----------------------------------------------------------------

template <class F, class T>
void activation_value(Index rows, Index cols, const T* x, T* y, const T* a) {
    const T* in[] = {x};
    T* out[] = {y};
    map<Value<F>>(rows * cols, in, out, Parameters<T>(a));
}
template <class F, class T>
void activation_vjp(Index rows, Index cols, const T* x, const T* y, const T* g, T* dx, const T* a) {
    const T* in[] = {x, y, g};
    T* out[] = {dx};
    map<StoredVjp<F>>(rows * cols, in, out, Parameters<T>(a));
}
template <class F, class T, int k>
[[gnu::flatten]] double summed_parameter_slope(Index n, const T* x, const T* g, const T* a) {
    using V = Vec<T>;
    V p[max_parameters];
    for (int j = 0; j < max_parameters; ++j) p[j] = splat(a[j]);
    WideAccumulator<T> total;
    Index i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>)
        total.add(load(g + i) * F::template parameter_slope<k>(load(x + i), p));
    if (i < n)
        total.add(load(g + i, n - i, V{}) *
                  F::template parameter_slope<k>(load(x + i, n - i, V{}), p));
    return total.sum();
}
template <class F, class T>
void loss_value(Index rows, Index cols, const T* z, Target<T> t, T* values, const T* a) {
    const T* in[] = {z, t.values};
    T* out[] = {values};
    map<LossValue<F>>(rows * cols, in, out, Parameters<T>(a));
}
template <class F, class T>
void loss_value_and_slope(Index rows, Index cols, const T* z, Target<T> t, T* values, T* slope,
                          const T* a) {
    const T* in[] = {z, t.values};
    T* out[] = {values, slope};
    map<LossBoth<F>>(rows * cols, in, out, Parameters<T>(a));
}
template <class F, class T>
[[gnu::flatten]] double loss_sum_and_slope(Index rows, Index cols, const T* z, Target<T> t,
                                           T factor, T* slope, const T* a) {
    using V = Vec<T>;
    const Index n = rows * cols;
    const V scale = splat(factor);
    V p[max_parameters], v[2], r[2];
    for (int k = 0; k < max_parameters; ++k) p[k] = splat(a[k]);
    WideAccumulator<T> total;
    Index i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) {
        v[0] = load(z + i), v[1] = load(t.values + i);
        LossBoth<F>::apply(v, p, r);
        total.add(r[0]);
        store(slope + i, r[1] * scale);
    }
    if (i < n) {
        v[0] = load(z + i, n - i, V{}), v[1] = load(t.values + i, n - i, V{});
        LossBoth<F>::apply(v, p, r);
        total.add(first<T>(n - i) ? r[0] : V{});
        store(slope + i, n - i, r[1] * scale);
    }
    return total.sum();
}

// ---- rows of the catalogue ----------------------------------------------------------------------

// A trainable struct says how many parameters it learns: `static constexpr int learned`.
template <class F>
constexpr int learned() {
    if constexpr (requires { F::learned; })
        return F::learned;
    else
        return 0;
}
template <class F, class T, int k>
constexpr kernels::StridedLoop parameter_slope() {
    if constexpr (k < learned<F>())
        return strided<ParameterSlope<F, k>, T>;
    else
        return nullptr;
}
template <class F, class T, int k>
constexpr auto parameter_sum() -> double (*)(Index, const T*, const T*, const T*) {
    if constexpr (k < learned<F>())
        return summed_parameter_slope<F, T, k>;
    else
        return nullptr;
}
template <class F, class T>
constexpr kernels::ActivationLoops<T> elementwise_loops() {
    return {activation_value<F, T>,
            activation_vjp<F, T>,
            {parameter_sum<F, T, 0>(), parameter_sum<F, T, 1>(), parameter_sum<F, T, 2>(),
             parameter_sum<F, T, 3>()}};
}
template <class F, class T>
constexpr kernels::StridedActivation elementwise_strided() {
    return {strided<Value<F>, T>,
            strided<Vjp<F>, T>,
            strided<Slope<F>, T>,
            strided<Curve<F>, T>,
            {parameter_slope<F, T, 0>(), parameter_slope<F, T, 1>(), parameter_slope<F, T, 2>(),
             parameter_slope<F, T, 3>()}};
}
template <class F>
constexpr kernels::ActivationRow elementwise(ActivationFacts facts) {
    return {facts,
            kernels::Kind::elementwise,
            elementwise_loops<F, float>(),
            elementwise_loops<F, double>(),
            elementwise_strided<F, float>(),
            elementwise_strided<F, double>()};
}

template <class F, class T>
constexpr kernels::StridedLoop target_slope() {
    if constexpr (requires(Vec<T> x, const Vec<T>* a) { F::target_slope(x, x, a); })
        return strided<LossTargetSlope<F>, T>;
    else
        return nullptr;
}
template <class F, class T>
constexpr kernels::StridedLoss loss_strided() {
    return {strided<LossValue<F>, T>,
            strided<LossSlope<F>, T>,
            strided<LossBoth<F>, T>,
            strided<LossCurve<F>, T>,
            target_slope<F, T>(),
            nullptr,
            nullptr,
            nullptr};
}
template <class F>
constexpr kernels::LossRow elementwise_loss(LossFacts facts) {
    return {facts,
            kernels::Kind::elementwise,
            {loss_value<F, float>, loss_value_and_slope<F, float>, loss_sum_and_slope<F, float>},
            {loss_value<F, double>, loss_value_and_slope<F, double>, loss_sum_and_slope<F, double>},
            loss_strided<F, float>(),
            loss_strided<F, double>()};
}

template <class Row, int n>
constexpr kernels::Rows<Row> rows_of(const Row (&rows)[n]) {
    return {rows, n};
}

}  // namespace deltarule::DELTARULE_ISA
