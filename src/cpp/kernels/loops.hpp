// From one struct to its loops: contiguous ones for the engine, strided ones for NumPy.
//
// A struct is applied to whole vectors; a last partial vector goes through the same code, so that a
// result depends neither on its position in an array nor on the array's alignment or strides.
#pragma once

#include "losses.hpp"
#include "rowwise.hpp"
#include "table.hpp"
#include "updates.hpp"

namespace deltarule::DELTARULE_ISA {

using kernels::Index;
using kernels::max_parameters;
using kernels::Target;

// ---- element-wise: operations over up to three inputs -------------------------------------------

template <class F>
struct Value {
    static constexpr int inputs = 1;
    template <class V>
    static V apply(const V* in, const V* a) {
        return F::value(in[0], a);
    }
};
template <class F>
struct Slope {
    static constexpr int inputs = 1;
    template <class V>
    static V apply(const V* in, const V* a) {
        return F::slope(in[0], F::value(in[0], a), a);
    }
};
template <class F>
struct Vjp {  // x, g
    static constexpr int inputs = 2;
    template <class V>
    static V apply(const V* in, const V* a) {
        return in[1] * F::slope(in[0], F::value(in[0], a), a);
    }
};
template <class F>
struct StoredVjp {  // x, y, g: y was kept from the forward pass
    static constexpr int inputs = 3;
    template <class V>
    static V apply(const V* in, const V* a) {
        return in[2] * F::slope(in[0], in[1], a);
    }
};
template <class F>
struct LossValue {  // z, t
    static constexpr int inputs = 2;
    template <class V>
    static V apply(const V* in, const V* a) {
        return F::value(in[0], in[1], a);
    }
};
template <class F>
struct LossSlope {
    static constexpr int inputs = 2;
    template <class V>
    static V apply(const V* in, const V* a) {
        return F::slope(in[0], in[1], a);
    }
};

template <class T>
struct Splats {
    Vec<T> at[max_parameters]{};
    explicit Splats(const T* a) {
        for (int k = 0; k < max_parameters; ++k) at[k] = splat(a[k]);
    }
};

// out[i] = Op(in[0][i], in[1][i], ...), i < n, with parameters that are the same for every i.
template <class Op, class T>
[[gnu::flatten]] void map(Index n, const T* const* in, T* out, const Vec<T>* a) {
    Vec<T> p[max_parameters], v[Op::inputs];
    for (int k = 0; k < max_parameters; ++k) p[k] = a[k];
    Index i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) {
        for (int k = 0; k < Op::inputs; ++k) v[k] = load(in[k] + i);
        store(out + i, Op::apply(v, p));
    }
    if (i < n) {
        for (int k = 0; k < Op::inputs; ++k) v[k] = load(in[k] + i, n - i, Vec<T>{});
        store(out + i, n - i, Op::apply(v, p));
    }
}

// The same with parameters that change from element to element.
template <class Op, class T>
[[gnu::flatten]] void map_varying(Index n, const T* const* in, const T* const* a, T* out) {
    for (Index i = 0; i < n; i += lanes<T>) {
        const Index m = n - i < lanes<T> ? n - i : lanes<T>;
        Vec<T> p[max_parameters]{}, v[Op::inputs];
        for (int k = 0; k < Op::inputs; ++k) v[k] = load(in[k] + i, m, Vec<T>{});
        for (int k = 0; k < max_parameters && a[k]; ++k) p[k] = load(a[k] + i, m, splat(T(1)));
        store(out + i, m, Op::apply(v, p));
    }
}

// One operand of a NumPy loop, brought into a contiguous block where it is not.
template <class T>
struct Operand {
    static constexpr Index block = 256;
    char* at;
    Index step;
    alignas(64) T buffer[block];

    bool contiguous() const { return step == Index(sizeof(T)); }
    const T* read(Index start, Index n) {
        const char* p = at + start * step;
        if (contiguous()) return reinterpret_cast<const T*>(p);
        for (Index i = 0; i < n; ++i) __builtin_memcpy(buffer + i, p + i * step, sizeof(T));
        return buffer;
    }
    T* writable(Index start) {
        return contiguous() ? reinterpret_cast<T*>(at + start * step) : buffer;
    }
    void written(Index start, Index n) {
        if (contiguous()) return;
        for (Index i = 0; i < n; ++i)
            __builtin_memcpy(at + (start + i) * step, buffer + i, sizeof(T));
    }
};

template <class Op, class T>
void strided(char** args, const Index* dims, const Index* steps, void* data) {
    const int parameters = *static_cast<const int*>(data), result = Op::inputs + parameters;
    const Index n = dims[0];
    Operand<T> in[Op::inputs], par[max_parameters], out;
    T fixed[max_parameters]{};
    bool varying = false;
    for (int k = 0; k < Op::inputs; ++k) in[k].at = args[k], in[k].step = steps[k];
    for (int k = 0; k < parameters; ++k) {
        par[k].at = args[Op::inputs + k], par[k].step = steps[Op::inputs + k];
        if (n > 0) __builtin_memcpy(fixed + k, par[k].at, sizeof(T));
        varying = varying || par[k].step != 0;
    }
    out.at = args[result], out.step = steps[result];
    const Splats<T> a(fixed);
    bool direct = !varying && out.contiguous();
    for (int k = 0; k < Op::inputs; ++k) direct = direct && in[k].contiguous();
    // ufunc.reduce and ufunc.accumulate read what the element before has written.
    const bool chained = n > 1 && out.at == in[0].at + in[0].step;
    const Index block = chained ? 1 : direct ? n : Operand<T>::block;
    for (Index i = 0; i < n; i += block) {
        const Index m = n - i < block ? n - i : block;
        const T *v[Op::inputs], *p[max_parameters]{};
        for (int k = 0; k < Op::inputs; ++k) v[k] = in[k].read(i, m);
        for (int k = 0; varying && k < parameters; ++k) p[k] = par[k].read(i, m);
        if (varying)
            map_varying<Op>(m, v, p, out.writable(i));
        else
            map<Op>(m, v, out.writable(i), a.at);
        out.written(i, m);
    }
    clear_floating_point_flags();
}

// ---- element-wise: contiguous, for the engine ---------------------------------------------------

template <class F, class T>
void activation_value(Index rows, Index cols, const T* x, T* y, const T* a) {
    const T* in[] = {x};
    map<Value<F>>(rows * cols, in, y, Splats<T>(a).at);
}
template <class F, class T>
void activation_vjp(Index rows, Index cols, const T* x, const T* y, const T* g, T* out,
                    const T* a) {
    const T* in[] = {x, y, g};
    map<StoredVjp<F>>(rows * cols, in, out, Splats<T>(a).at);
}
template <class F, class T>
void loss_value(Index rows, Index cols, const T* z, Target<T> t, T* values, const T* a) {
    const T* in[] = {z, t.values};
    map<LossValue<F>>(rows * cols, in, values, Splats<T>(a).at);
}
template <class F, class T>
void loss_value_and_slope(Index rows, Index cols, const T* z, Target<T> t, T* values, T* slope,
                          const T* a) {
    loss_value<F>(rows, cols, z, t, values, a);
    const T* in[] = {z, t.values};
    map<LossSlope<F>>(rows * cols, in, slope, Splats<T>(a).at);
}

// ---- row-wise -----------------------------------------------------------------------------------

template <class F, class T>
[[gnu::flatten]] void row_value(Index rows, Index cols, const T* x, T* y, const T*) {
    for (Index i = 0; i < rows; ++i)
        F::value(Row<T>{x + i * cols, 1, cols}, RowOut<T>{y + i * cols, 1, cols});
}
template <class F, class T>
[[gnu::flatten]] void row_vjp(Index rows, Index cols, const T* x, const T*, const T* g, T* out,
                              const T*) {
    for (Index i = 0; i < rows * cols; i += cols)
        F::vjp(Row<T>{x + i, 1, cols}, Row<T>{g + i, 1, cols}, RowOut<T>{out + i, 1, cols});
}

template <class T>
RowTarget<T> row_target(Target<T> t, Index i, Index cols) {
    if (t.codes) return {t.codes[i], {nullptr, 1, cols}};
    return {-1, {t.values + i * cols, 1, cols}};
}
template <class F, class T>
[[gnu::flatten]] void row_loss_value(Index rows, Index cols, const T* z, Target<T> t, T* values,
                                     const T* a) {
    for (Index i = 0; i < rows; ++i) {
        const Row<T> x{z + i * cols, 1, cols};
        values[i] = F::value(Normaliser<T>(x), x, row_target(t, i, cols), a);
    }
}
template <class F, class T>
[[gnu::flatten]] void row_loss_value_and_slope(Index rows, Index cols, const T* z, Target<T> t,
                                               T* values, T* slope, const T* a) {
    for (Index i = 0; i < rows; ++i) {
        const Row<T> x{z + i * cols, 1, cols};
        const RowTarget<T> target = row_target(t, i, cols);
        const Normaliser<T> n(x);
        values[i] = F::value(n, x, target, a);
        F::slope(n, x, target, RowOut<T>{slope + i * cols, 1, cols}, a);
    }
}

// NumPy's generalised loops: dims = outer, K; steps = one per operand, then one per core axis.
template <class T>
Row<T> strided_row(char* at, Index step, Index size) {
    return {reinterpret_cast<const T*>(at), step / Index(sizeof(T)), size};
}
template <class T>
RowOut<T> strided_out(char* at, Index step, Index size) {
    return {reinterpret_cast<T*>(at), step / Index(sizeof(T)), size};
}

template <class F, class T>  // (n)->(n)
[[gnu::flatten]] void strided_row_value(char** args, const Index* dims, const Index* steps, void*) {
    for (Index i = 0; i < dims[0]; ++i)
        F::value(strided_row<T>(args[0] + i * steps[0], steps[2], dims[1]),
                 strided_out<T>(args[1] + i * steps[1], steps[3], dims[1]));
    clear_floating_point_flags();
}
template <class F, class T>  // (n),(n)->(n)
[[gnu::flatten]] void strided_row_vjp(char** args, const Index* dims, const Index* steps, void*) {
    for (Index i = 0; i < dims[0]; ++i)
        F::vjp(strided_row<T>(args[0] + i * steps[0], steps[3], dims[1]),
               strided_row<T>(args[1] + i * steps[1], steps[4], dims[1]),
               strided_out<T>(args[2] + i * steps[2], steps[5], dims[1]));
    clear_floating_point_flags();
}

// z, targets, parameters -> loss or slope.  Core axes: z, a distribution if no codes, the slope.
template <class F, class T, bool codes, bool slope>
[[gnu::flatten]] void strided_row_loss(char** args, const Index* dims, const Index* steps,
                                       void* data) {
    const int parameters = *static_cast<const int*>(data), result = 2 + parameters;
    const Index* core = steps + result + 1;
    for (Index i = 0; i < dims[0]; ++i) {
        const Row<T> x = strided_row<T>(args[0] + i * steps[0], core[0], dims[1]);
        RowTarget<T> t{-1, {nullptr, 1, dims[1]}};
        char* target = args[1] + i * steps[1];
        if constexpr (codes)
            __builtin_memcpy(&t.code, target, sizeof t.code);
        else
            t.distribution = strided_row<T>(target, core[1], dims[1]);
        T a[max_parameters]{};
        for (int k = 0; k < max_parameters; ++k)
            if (k < parameters) __builtin_memcpy(a + k, args[2 + k] + i * steps[2 + k], sizeof(T));
        char* out = args[result] + i * steps[result];
        const Normaliser<T> n(x);
        if constexpr (slope) {
            F::slope(n, x, t, strided_out<T>(out, core[codes ? 1 : 2], dims[1]), a);
        } else {
            const T value = F::value(n, x, t, a);
            __builtin_memcpy(out, &value, sizeof value);
        }
    }
    clear_floating_point_flags();
}

// ---- rows of the catalogue ----------------------------------------------------------------------

template <class F, class T>
constexpr kernels::ActivationLoops<T> elementwise_loops = {activation_value<F, T>,
                                                           activation_vjp<F, T>};
template <class F, class T>
constexpr kernels::StridedActivation<T> elementwise_strided = {
    strided<Value<F>, T>, strided<Slope<F>, T>, strided<Vjp<F>, T>};

template <class F>
constexpr kernels::ActivationRow elementwise(kernels::ActivationFacts facts) {
    return {facts,
            kernels::Kind::elementwise,
            elementwise_loops<F, float>,
            elementwise_loops<F, double>,
            elementwise_strided<F, float>,
            elementwise_strided<F, double>};
}
template <class F>
constexpr kernels::ActivationRow rowwise(kernels::ActivationFacts facts) {
    return {facts,
            kernels::Kind::rowwise,
            {row_value<F, float>, row_vjp<F, float>},
            {row_value<F, double>, row_vjp<F, double>},
            {strided_row_value<F, float>, nullptr, strided_row_vjp<F, float>},
            {strided_row_value<F, double>, nullptr, strided_row_vjp<F, double>}};
}

template <class F, class T>
constexpr kernels::StridedLoss<T> loss_strided = {strided<LossValue<F>, T>,
                                                  strided<LossSlope<F>, T>, nullptr, nullptr};
template <class F, class T>
constexpr kernels::StridedLoss<T> row_loss_strided = {
    strided_row_loss<F, T, false, false>, strided_row_loss<F, T, false, true>,
    strided_row_loss<F, T, true, false>, strided_row_loss<F, T, true, true>};

template <class F>
constexpr kernels::LossRow elementwise_loss(kernels::LossFacts facts) {
    return {facts,
            kernels::Kind::elementwise,
            {loss_value<F, float>, loss_value_and_slope<F, float>},
            {loss_value<F, double>, loss_value_and_slope<F, double>},
            loss_strided<F, float>,
            loss_strided<F, double>};
}
template <class F>
constexpr kernels::LossRow rowwise_loss(kernels::LossFacts facts) {
    return {facts,
            kernels::Kind::rowwise,
            {row_loss_value<F, float>, row_loss_value_and_slope<F, float>},
            {row_loss_value<F, double>, row_loss_value_and_slope<F, double>},
            row_loss_strided<F, float>,
            row_loss_strided<F, double>};
}

// Defined in activations.cpp and losses.cpp.
kernels::Rows<kernels::ActivationRow> activation_rows();
kernels::Rows<kernels::LossRow> loss_rows();

}  // namespace deltarule::DELTARULE_ISA
