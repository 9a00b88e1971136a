// From the struct of a row-wise function to its loops.
//
//   activations   width                    Width of the result; `same` where it is not named
//                 value(x, y, a)           y = f(x)
//                 vjp(x, g, out, a)        out = J(x)^T g
//   losses        value(z, t, a)           the loss of one row: a number or a `RowLoss`
//                 both(z, t, out, s, a)    the same, and s times its gradient into `out`
//                 short_rows(...)          both for many rows of at most `few` numbers; false:
//                 these
//                                          are not such rows
//
// A row of the result may be its input.  Contiguous rows, the engine's and NumPy's, go through one
// instance of a function, strided rows through another.
#pragma once

#include "loops.hpp"
#include "row.hpp"

namespace deltarule::DELTARULE_ISA {

template <class F>
constexpr Width width_of() {
    if constexpr (requires { F::width; })
        return F::width;
    else
        return Width::same;
}

// ---- many contiguous rows -----------------------------------------------------------------------

// Row i of `size` numbers starts at at + i * step.
template <class T>
struct Sources {
    const T* at;
    Index step, size;
    DELTARULE_INLINE Row<T> operator[](Index i) const { return {at + i * step, 1, size}; }
};
template <class T>
struct Results {
    T* at;
    Index step, size;
    DELTARULE_INLINE RowOut<T> operator[](Index i) const { return {at + i * step, 1, size}; }
};
// One class per row, or distributions.
template <class T>
struct RowTargets {
    const std::int64_t* codes;
    Index code_step;
    Sources<T> distributions;
    DELTARULE_INLINE RowTarget<T> operator[](Index i) const {
        if (codes) return {codes[i * code_step], {nullptr, 1, distributions.size}};
        return {0, distributions[i]};
    }
};

template <class F, class T>
[[gnu::noinline, gnu::flatten]] void values_of(Index rows, Sources<T> x, Results<T> y, const T* a) {
    for (Index i = 0; i < rows; ++i) F::value(x[i], y[i], a);
}
template <class F, class T>
[[gnu::noinline, gnu::flatten]] void vjps_of(Index rows, Sources<T> x, Sources<T> g, Results<T> out,
                                             const T* a) {
    for (Index i = 0; i < rows; ++i) F::vjp(x[i], g[i], out[i], a);
}

// loss(i) of every row, the logarithms one vector of rows at a time.
template <class T, class Loss>
DELTARULE_INLINE void finish(Index rows, T* values, Index step, Loss loss) {
    for (Index start = 0; start < rows; start += lanes<T>) {
        const Index n = rows - start < lanes<T> ? rows - start : lanes<T>;
        alignas(64) T base[lanes<T>] = {}, weight[lanes<T>] = {}, odds[lanes<T>] = {};
        for (Index k = 0; k < n; ++k) {
            const RowLoss<T> v = loss(start + k);
            base[k] = v.base, weight[k] = v.weight, odds[k] = v.odds;
        }
        const Vec<T> total = log_loss(load(base), load(weight), load(odds));
        for (Index k = 0; k < n; ++k) values[(start + k) * step] = total[k];
    }
}
template <class F, class T>
[[gnu::noinline, gnu::flatten]] void losses_of(Index rows, Sources<T> z, RowTargets<T> t, T* values,
                                               Index step, const T* a) {
    if constexpr (requires { F::short_rows(rows, z, t, values, step, a); })
        if (F::short_rows(rows, z, t, values, step, a)) return;
    finish(rows, values, step, [&](Index i) { return RowLoss<T>(F::value(z[i], t[i], a)); });
}
template <class F, class T>
[[gnu::noinline, gnu::flatten]] void losses_and_slopes_of(Index rows, Sources<T> z, RowTargets<T> t,
                                                          T* values, Index step, Results<T> slope,
                                                          T factor, const T* a) {
    if constexpr (requires { F::short_rows(rows, z, t, values, step, slope, factor, a); })
        if (F::short_rows(rows, z, t, values, step, slope, factor, a)) return;
    finish(rows, values, step,
           [&](Index i) { return RowLoss<T>(F::both(z[i], t[i], slope[i], factor, a)); });
}

// ---- for the engine -----------------------------------------------------------------------------

template <class F, class T>
void row_value(Index rows, Index cols, const T* x, T* y, const T* a) {
    const Index width = kernels::width_after(width_of<F>(), cols, double(a[0]));
    values_of<F, T>(rows, {x, cols, cols}, {y, width, width}, a);
}
template <class F, class T>
void row_vjp(Index rows, Index cols, const T* x, const T*, const T* g, T* out, const T* a) {
    const Index width = kernels::width_after(width_of<F>(), cols, double(a[0]));
    vjps_of<F, T>(rows, {x, cols, cols}, {g, width, width}, {out, cols, cols}, a);
}

template <class T>
RowTargets<T> row_targets(Target<T> t, Index cols) {
    return {t.codes, 1, {t.values, cols, cols}};
}
template <class F, class T>
void row_loss_value(Index rows, Index cols, const T* z, Target<T> t, T* values, const T* a) {
    losses_of<F, T>(rows, {z, cols, cols}, row_targets(t, cols), values, 1, a);
}
template <class F, class T>
void row_loss_value_and_slope(Index rows, Index cols, const T* z, Target<T> t, T* values, T* slope,
                              const T* a) {
    losses_and_slopes_of<F, T>(rows, {z, cols, cols}, row_targets(t, cols), values, 1,
                               {slope, cols, cols}, T(1), a);
}
template <class F, class T>
double row_loss_sum_and_slope(Index rows, Index cols, const T* z, Target<T> t, T factor, T* slope,
                              const T* a) {
    constexpr Index most = 256;
    T values[most];
    double total = 0;
    for (Index i = 0; i < rows; i += most) {
        const Index n = rows - i < most ? rows - i : most, at = i * cols;
        const Target<T> part = {t.values ? t.values + at : nullptr,
                                t.codes ? t.codes + i : nullptr};
        losses_and_slopes_of<F, T>(n, {z + at, cols, cols}, row_targets(part, cols), values, 1,
                                   {slope + at, cols, cols}, factor, a);
        for (Index k = 0; k < n; ++k) total += double(values[k]);
    }
    return total;
}

// ---- NumPy's generalised loops ------------------------------------------------------------------

// dims = outer, n (, m); steps = one per operand, then one per core axis.

// One operand: row i and its elements, all in bytes.
template <class T>
struct StridedRows {
    char* at;
    Index outer, inner, size;

    bool contiguous() const { return inner == Index(sizeof(T)) || size <= 1; }
    Row<T> operator[](Index i) const {
        return {reinterpret_cast<const T*>(at + i * outer), inner / Index(sizeof(T)), size};
    }
    RowOut<T> out(Index i) const {
        return {reinterpret_cast<T*>(at + i * outer), inner / Index(sizeof(T)), size};
    }
    Sources<T> sources(Index i) const { return {(*this)[i].at, outer / Index(sizeof(T)), size}; }
    Results<T> results(Index i) const { return {out(i).at, outer / Index(sizeof(T)), size}; }
};

// The parameters of a row, operands `from`, from + 1, ... where they are not fixed.
template <class T>
struct RowParameters {
    const Bound& bound;
    char** args;
    const Index* steps;
    int from;

    bool vary() const {
        for (int k = 0; k < bound.operands; ++k)
            if (steps[from + k] != 0) return true;
        return false;
    }
    void of(Index i, T (&a)[max_parameters]) const {
        for (int k = 0; k < max_parameters; ++k) {
            a[k] = T(bound.fixed[k]);
            if (k < bound.operands)
                __builtin_memcpy(a + k, args[from + k] + i * steps[from + k], sizeof(T));
        }
    }
};

// block(start, rows, a) of rows with the same parameters: all of them, or one at a time.
template <class T, class F>
void with_parameters(Index rows, const RowParameters<T>& parameters, F block) {
    T a[max_parameters];
    const Index step = parameters.vary() ? 1 : rows;
    for (Index i = 0; i < rows; i += step) {
        parameters.of(i, a);
        block(i, step, a);
    }
    clear_floating_point_flags();
}

template <class F, class T>  // (n)->(n), (n)->() or (n)->(m)
void strided_row_value(char** args, const Index* dims, const Index* steps, void* data) {
    const Bound& bound = *static_cast<const Bound*>(data);
    constexpr Width width = width_of<F>();
    const int result = 1 + bound.operands;
    const Index* core = steps + result + 1;
    const Index n = dims[1], m = width == Width::one ? 1 : width == Width::same ? n : dims[2];
    const StridedRows<T> x{args[0], steps[0], core[0], n},
        y{args[result], steps[result], width == Width::one ? Index(sizeof(T)) : core[1], m};
    const bool direct = x.contiguous() && y.contiguous();
    with_parameters<T>(dims[0], {bound, args, steps, 1}, [&](Index start, Index rows, const T* a) {
        if (direct) return values_of<F, T>(rows, x.sources(start), y.results(start), a);
        for (Index i = start; i < start + rows; ++i) F::value(x[i], y.out(i), a);
    });
}
template <class F, class T>  // (n),(n)->(n), (n),()->(n) or (n),(m)->(n)
void strided_row_vjp(char** args, const Index* dims, const Index* steps, void* data) {
    const Bound& bound = *static_cast<const Bound*>(data);
    constexpr Width width = width_of<F>();
    const int result = 2 + bound.operands;
    const Index* core = steps + result + 1;
    const Index n = dims[1], m = width == Width::one ? 1 : width == Width::same ? n : dims[2];
    const StridedRows<T> x{args[0], steps[0], core[0], n},
        g{args[1], steps[1], width == Width::one ? Index(sizeof(T)) : core[1], m},
        out{args[result], steps[result], core[width == Width::one ? 1 : 2], n};
    const bool direct = x.contiguous() && g.contiguous() && out.contiguous();
    with_parameters<T>(dims[0], {bound, args, steps, 2}, [&](Index start, Index rows, const T* a) {
        if (direct)
            return vjps_of<F, T>(rows, x.sources(start), g.sources(start), out.results(start), a);
        for (Index i = start; i < start + rows; ++i) F::vjp(x[i], g[i], out.out(i), a);
    });
}

// Rows of at most F::few numbers, brought side by side: those that are contiguous give the same
// bits.
template <class F, class T>
void gathered_losses(Index rows, Index start, const StridedRows<T>& z, const RowTargets<T>& targets,
                     T* values, Index step, const StridedRows<T>* slope, const T* a) {
    constexpr Index block = 32;
    T near[block * F::few];
    const Index n = z.size;
    for (Index i = 0; i < rows; i += block) {
        const Index some = rows - i < block ? rows - i : block;
        for (Index k = 0; k < some; ++k)
            for (Index j = 0; j < n; ++j) near[k * n + j] = z[start + i + k][j];
        const RowTargets<T> part{targets.codes + i * targets.code_step, targets.code_step, {}};
        if (!slope) {
            losses_of<F, T>(some, {near, n, n}, part, values + i * step, step, a);
            continue;
        }
        losses_and_slopes_of<F, T>(some, {near, n, n}, part, values + i * step, step, {near, n, n},
                                   T(1), a);
        for (Index k = 0; k < some; ++k) {
            const RowOut<T> out = slope->out(start + i + k);
            for (Index j = 0; j < n; ++j) out.at[j * out.step] = near[k * n + j];
        }
    }
}

// z, targets, parameters -> loss, slope or both.  Core axes: z, a distribution if no codes, slope.
enum class Wanted { value, slope, both };

template <class F, class T, bool codes, Wanted wanted>
void strided_row_loss(char** args, const Index* dims, const Index* steps, void* data) {
    const Bound& bound = *static_cast<const Bound*>(data);
    constexpr bool value_only = wanted == Wanted::value, slope_only = wanted == Wanted::slope;
    const int result = 2 + bound.operands, slope_at = result + (wanted == Wanted::both);
    const Index* core = steps + slope_at + 1;
    const Index n = dims[1], unit = Index(sizeof(T)), code_step = steps[1] / 8;
    const StridedRows<T> z{args[0], steps[0], core[0], n},
        t{codes ? nullptr : args[1], steps[1], codes ? unit : core[1], n},
        slope{args[slope_at], steps[slope_at], value_only ? unit : core[codes ? 1 : 2], n};
    const auto* classes = codes ? reinterpret_cast<const std::int64_t*>(args[1]) : nullptr;
    const bool direct = z.contiguous() && t.contiguous() && slope.contiguous();
    T unread;
    T* values = slope_only ? &unread : reinterpret_cast<T*>(args[result]);
    const Index step = slope_only ? 0 : steps[result] / unit;
    with_parameters<T>(dims[0], {bound, args, steps, 2}, [&](Index start, Index rows, const T* a) {
        const RowTargets<T> targets{codes ? classes + start * code_step : nullptr, code_step,
                                    t.sources(start)};
        T* at = values + start * step;
        if (direct && value_only)
            return losses_of<F, T>(rows, z.sources(start), targets, at, step, a);
        if (direct)
            return losses_and_slopes_of<F, T>(rows, z.sources(start), targets, at, step,
                                              slope.results(start), T(1), a);
        if constexpr (codes && requires { F::few; })
            if (n <= F::few)
                return gathered_losses<F, T>(rows, start, z, targets, at, step,
                                             value_only ? nullptr : &slope, a);
        finish(rows, at, step, [&](Index k) {
            const Index i = start + k;
            const RowTarget<T> target = codes ? targets[k] : RowTarget<T>{0, t[i]};
            if constexpr (value_only)
                return RowLoss<T>(F::value(z[i], target, a));
            else
                return RowLoss<T>(F::both(z[i], target, slope.out(i), T(1), a));
        });
    });
}

// ---- rows of the catalogue ----------------------------------------------------------------------

template <class F>
constexpr kernels::ActivationRow rowwise(ActivationFacts facts) {
    facts.width = width_of<F>();
    return {facts,
            kernels::Kind::rowwise,
            {row_value<F, float>, row_vjp<F, float>, {}},
            {row_value<F, double>, row_vjp<F, double>, {}},
            {strided_row_value<F, float>, strided_row_vjp<F, float>, nullptr, nullptr, {}},
            {strided_row_value<F, double>, strided_row_vjp<F, double>, nullptr, nullptr, {}}};
}

template <class F, class T>
constexpr kernels::StridedLoss row_loss_strided = {strided_row_loss<F, T, false, Wanted::value>,
                                                   strided_row_loss<F, T, false, Wanted::slope>,
                                                   strided_row_loss<F, T, false, Wanted::both>,
                                                   nullptr,
                                                   nullptr,
                                                   strided_row_loss<F, T, true, Wanted::value>,
                                                   strided_row_loss<F, T, true, Wanted::slope>,
                                                   strided_row_loss<F, T, true, Wanted::both>};

template <class F>
constexpr kernels::LossRow rowwise_loss(LossFacts facts) {
    return {facts,
            kernels::Kind::rowwise,
            {row_loss_value<F, float>, row_loss_value_and_slope<F, float>,
             row_loss_sum_and_slope<F, float>},
            {row_loss_value<F, double>, row_loss_value_and_slope<F, double>,
             row_loss_sum_and_slope<F, double>},
            row_loss_strided<F, float>,
            row_loss_strided<F, double>};
}

}  // namespace deltarule::DELTARULE_ISA
