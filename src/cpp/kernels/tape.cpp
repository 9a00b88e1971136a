// The operations of formulas, and the loop that runs a tape of them.
//
// A block of elements, small enough for the first cache, goes through the whole program before the
// next one does.  A last partial vector is copied beside the blocks and goes through the same code.
#include "tape.hpp"

#include "loops.hpp"
#include "tape_functions.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

using kernels::max_tape_inputs;
using kernels::max_tape_operands;
using kernels::max_tape_outputs;
using kernels::max_tape_slots;
using kernels::Tape;

// ---- operations ---------------------------------------------------------------------------------

#define DELTARULE_UNARY(NAME, RESULT)         \
    struct NAME {                             \
        static constexpr int operands = 1;    \
        template <class V>                    \
        DELTARULE_INLINE static V of(V* in) { \
            const V u = in[0];                \
            return RESULT;                    \
        }                                     \
    }
#define DELTARULE_BINARY(NAME, RESULT)        \
    struct NAME {                             \
        static constexpr int operands = 2;    \
        template <class V>                    \
        DELTARULE_INLINE static V of(V* in) { \
            const V u = in[0], v = in[1];     \
            return RESULT;                    \
        }                                     \
    }
#define DELTARULE_TERNARY(NAME, RESULT)              \
    struct NAME {                                    \
        static constexpr int operands = 3;           \
        template <class V>                           \
        DELTARULE_INLINE static V of(V* in) {        \
            const V u = in[0], v = in[1], w = in[2]; \
            return RESULT;                           \
        }                                            \
    }

// 1 where it holds, 0 where not, NaN where an operand is NaN.
template <class V>
DELTARULE_INLINE V condition(Ints<Element<V>> holds, V u, V v) {
    const V truth = holds ? number<V>(1) : V{};
    return u == u ? unless_nan(v, truth) : u;
}

DELTARULE_UNARY(Copy, u);
DELTARULE_UNARY(Negative, -u);
DELTARULE_UNARY(Exp, exp(u));
DELTARULE_UNARY(Expm1, expm1(u));
DELTARULE_UNARY(Log, formula::log(u));
DELTARULE_UNARY(Log1p, log1p(u));
DELTARULE_UNARY(Sqrt, sqrt(u));
DELTARULE_UNARY(Abs, abs(u));
DELTARULE_UNARY(Sign, u > V{} ? number<V>(1) : (u < V{} ? number<V>(-1) : u));
DELTARULE_UNARY(Arctan, formula::arctan(u));
DELTARULE_UNARY(Sinh, formula::sinh(u));
DELTARULE_UNARY(Cosh, formula::cosh(u));
DELTARULE_UNARY(Tanh, tanh(u));
DELTARULE_UNARY(Arcsinh, formula::arcsinh(u));
DELTARULE_UNARY(Arctanh, formula::arctanh(u));
DELTARULE_UNARY(Erf, erf(u));
DELTARULE_UNARY(Erfc, formula::erfc(u));
DELTARULE_UNARY(Normcdf, formula::normcdf(u));
DELTARULE_UNARY(Normpdf, formula::normpdf(u));
DELTARULE_UNARY(Gaussian, formula::gaussian(u));
DELTARULE_UNARY(Sigmoid, sigmoid(u));
DELTARULE_UNARY(SigmoidSlope, sigmoid_slope(u));
DELTARULE_UNARY(Softplus, softplus(u));
DELTARULE_UNARY(Sech2, number<V>(4) * sigmoid_slope(number<V>(2) * u));
DELTARULE_UNARY(LogCosh, log_cosh(u));
DELTARULE_UNARY(TanhSoftplus, formula::tanh_softplus(u));
DELTARULE_UNARY(TanhSoftplusSlope, formula::tanh_softplus_slope(u));
DELTARULE_UNARY(LogicalNot, condition(u == V{}, u, u));
DELTARULE_BINARY(Add, u + v);
DELTARULE_BINARY(Subtract, u - v);
DELTARULE_BINARY(Multiply, u* v);
DELTARULE_BINARY(Divide, u / v);
DELTARULE_BINARY(Power, formula::power(u, v));
DELTARULE_BINARY(Maximum, v > u ? v : (u == u ? unless_nan(v, u) : u));
DELTARULE_BINARY(Minimum, v < u ? v : (u == u ? unless_nan(v, u) : u));
DELTARULE_BINARY(Logaddexp, formula::logaddexp(u, v));
DELTARULE_BINARY(Hypot, formula::hypot(u, v));
DELTARULE_BINARY(Damp, u == V{} ? unless_nan(v, V{}) : u * v);
DELTARULE_BINARY(Less, condition(u < v, u, v));
DELTARULE_BINARY(LessEqual, condition(u <= v, u, v));
DELTARULE_BINARY(Equal, condition(u == v, u, v));
DELTARULE_BINARY(NotEqual, condition(u != v, u, v));
DELTARULE_BINARY(LogicalAnd, condition((u != V{}) & (v != V{}), u, v));
DELTARULE_BINARY(LogicalOr, condition((u != V{}) | (v != V{}), u, v));
DELTARULE_TERNARY(Madd, madd(u, v, w));
DELTARULE_TERNARY(Msub, madd(u, v, -w));
DELTARULE_TERNARY(Nmadd, madd(-u, v, w));
DELTARULE_TERNARY(Select, u == V{} ? w : unless_nan(u, v));

// Beyond `reducible` the lanes are left to the C library, one by one.
struct Sin {
    static constexpr int operands = 1, quarter = 0;
    template <class V>
    DELTARULE_INLINE static V of(V* in) {
        return formula::sine(in[0], quarter);
    }
    static float beyond(float x) { return __builtin_sinf(x); }
    static double beyond(double x) { return __builtin_sin(x); }
};
struct Cos {
    static constexpr int operands = 1, quarter = 1;
    template <class V>
    DELTARULE_INLINE static V of(V* in) {
        return formula::sine(in[0], quarter);
    }
    static float beyond(float x) { return __builtin_cosf(x); }
    static double beyond(double x) { return __builtin_cos(x); }
};

// ---- one operation over a block -----------------------------------------------------------------

// Where an operand is: in memory, or one vector for all elements (step 0).
template <class T>
struct Slot {
    T* at;
    Index step;  // 0 or 1
};

template <class T>
bool any_beyond(Index n, const Slot<T>& in) {
    Ints<T> far{};
    for (Index i = 0; i < n; i += lanes<T>)
        far |= abs(load(in.at + i * in.step)) > splat(formula::Fits<T>::reducible);
    bool any = false;
    for (int k = 0; k < lanes<T>; ++k) any = any || far[k];
    return any;
}

// n is a multiple of the lanes; `out` may be one of the operands.
template <class Op, class T>
[[gnu::flatten]] void apply(Index n, const Slot<T>* const* in, T* out) {
    constexpr int operands = Op::operands;
    Vec<T> v[operands];
    if constexpr (requires { Op::beyond(T{}); }) {
        if (any_beyond(n, *in[0])) {
            for (Index i = 0; i < n; i += lanes<T>) {
                v[0] = load(in[0]->at + i * in[0]->step);
                Vec<T> y = Op::of(v);
                for (int k = 0; k < lanes<T>; ++k)
                    if (__builtin_fabs(double(v[0][k])) > double(formula::Fits<T>::reducible))
                        y[k] = Op::beyond(v[0][k]);
                store(out + i, y);
            }
            return;
        }
    }
    const T* at[operands];
    Index step[operands];
    for (int k = 0; k < operands; ++k) at[k] = in[k]->at, step[k] = in[k]->step * lanes<T>;
    for (Index i = 0; i < n; i += lanes<T>) {
        for (int k = 0; k < operands; ++k) v[k] = load(at[k]), at[k] += step[k];
        store(out + i, Op::of(v));
    }
}

#define DELTARULE_TAPE_OPERATIONS(X)          \
    X(copy, Copy)                             \
    X(negative, Negative)                     \
    X(exp, Exp)                               \
    X(expm1, Expm1)                           \
    X(log, Log)                               \
    X(log1p, Log1p)                           \
    X(sqrt, Sqrt)                             \
    X(abs, Abs)                               \
    X(sign, Sign)                             \
    X(sin, Sin)                               \
    X(cos, Cos)                               \
    X(arctan, Arctan)                         \
    X(sinh, Sinh)                             \
    X(cosh, Cosh)                             \
    X(tanh, Tanh)                             \
    X(arcsinh, Arcsinh)                       \
    X(arctanh, Arctanh)                       \
    X(erf, Erf)                               \
    X(erfc, Erfc)                             \
    X(normcdf, Normcdf)                       \
    X(normpdf, Normpdf)                       \
    X(gaussian, Gaussian)                     \
    X(sigmoid, Sigmoid)                       \
    X(sigmoid_slope, SigmoidSlope)            \
    X(softplus, Softplus)                     \
    X(sech2, Sech2)                           \
    X(log_cosh, LogCosh)                      \
    X(tanh_softplus, TanhSoftplus)            \
    X(tanh_softplus_slope, TanhSoftplusSlope) \
    X(logical_not, LogicalNot)                \
    X(add, Add)                               \
    X(subtract, Subtract)                     \
    X(multiply, Multiply)                     \
    X(divide, Divide)                         \
    X(power, Power)                           \
    X(maximum, Maximum)                       \
    X(minimum, Minimum)                       \
    X(logaddexp, Logaddexp)                   \
    X(hypot, Hypot)                           \
    X(damp, Damp)                             \
    X(less, Less)                             \
    X(less_equal, LessEqual)                  \
    X(equal, Equal)                           \
    X(not_equal, NotEqual)                    \
    X(logical_and, LogicalAnd)                \
    X(logical_or, LogicalOr)                  \
    X(madd, Madd)                             \
    X(msub, Msub)                             \
    X(nmadd, Nmadd)                           \
    X(select, Select)

constexpr kernels::TapeOperation operations[] = {
#define DELTARULE_OPERATION(NAME, STRUCT) {#NAME, STRUCT::operands},
    DELTARULE_TAPE_OPERATIONS(DELTARULE_OPERATION)
#undef DELTARULE_OPERATION
};
constexpr int operation_count = int(sizeof operations / sizeof *operations);

template <class T>
using Apply = void (*)(Index n, const Slot<T>* const* in, T* out);
template <class T>
constexpr Apply<T> applied[] = {
#define DELTARULE_OPERATION(NAME, STRUCT) apply<STRUCT, T>,
    DELTARULE_TAPE_OPERATIONS(DELTARULE_OPERATION)
#undef DELTARULE_OPERATION
};

// ---- a tape -------------------------------------------------------------------------------------

// The slots of a tape over one piece of memory.  `scratch` holds, in this order, the constants, one
// vector per input and output for the partial last one, and the registers.
template <class T>
class Machine {
public:
    Machine(const Tape& tape, const T* const* in, T* const* out, T* scratch)
        : tape_(tape), in_(in), out_(out) {
        T* at = scratch;
        Slot<T>* slot = slots_ + tape.inputs + tape.outputs;
        for (int k = 0; k < tape.constant_count; ++k, at += lanes<T>) {
            store(at, splat(T(tape.constants[k])));
            *slot++ = {at, 0};
        }
        partial_ = at;
        at += Index(tape.inputs + tape.outputs) * lanes<T>;
        constexpr Index cache = (24 << 10) / Index(sizeof(T)), longest = 512;
        const Index room = cache / (tape.registers > 0 ? tape.registers : 1) / lanes<T> * lanes<T>;
        block_ = room > longest ? longest : (room < lanes<T> ? Index(lanes<T>) : room);
        for (int k = 0; k < tape.registers; ++k, at += block_) *slot++ = {at, 1};
    }

    void run(Index n) {
        const Index whole = n / lanes<T> * lanes<T>;
        for (Index i = 0; i < whole; i += block_) {
            for (int k = 0; k < tape_.inputs; ++k) slots_[k] = {const_cast<T*>(in_[k]) + i, 1};
            for (int k = 0; k < tape_.outputs; ++k) slots_[tape_.inputs + k] = {out_[k] + i, 1};
            step(whole - i < block_ ? whole - i : block_);
        }
        if (whole < n) run_partial(whole, n - whole);
    }

private:
    void run_partial(Index start, Index n) {
        for (int k = 0; k < tape_.inputs + tape_.outputs; ++k)
            slots_[k] = {partial_ + k * lanes<T>, 1};
        for (int k = 0; k < tape_.inputs; ++k)
            store(slots_[k].at, load(in_[k] + start, n, splat(T(1))));
        step(lanes<T>);
        for (int k = 0; k < tape_.outputs; ++k)
            store(out_[k] + start, n, load(slots_[tape_.inputs + k].at));
    }
    void step(Index n) {
        for (Index i = 0; i < tape_.length; ++i) {
            const kernels::TapeInstruction& what = tape_.code[i];
            const Slot<T>* in[max_tape_operands];
            for (int k = 0; k < max_tape_operands; ++k) in[k] = slots_ + what.in[k];
            applied<T>[what.operation](n, in, slots_[what.out].at);
        }
    }

    const Tape& tape_;
    const T* const* in_;
    T* const* out_;
    T* partial_ = nullptr;
    Index block_ = 0;
    Slot<T> slots_[max_tape_slots];
};

template <class T>
void run(const Tape& tape, Index n, const T* const* in, T* const* out, T* scratch) {
    Machine<T>(tape, in, out, scratch).run(n);
}

template <class T>
void strided_tape(char** args, const Index* dims, const Index* steps, void* data) {
    const Tape& tape = *static_cast<const Tape*>(data);
    alignas(64) T scratch[kernels::tape_scratch_bytes / Index(sizeof(T))];
    Operand<T> in[max_tape_inputs], out[max_tape_outputs];
    const T* v[max_tape_inputs];
    T* r[max_tape_outputs];
    Machine<T> machine(tape, v, r, scratch);
    const Index n = dims[0];
    bool direct = true, chained = false;
    for (int k = 0; k < tape.inputs; ++k) {
        in[k].at = args[k], in[k].step = steps[k];
        direct = direct && in[k].contiguous();
    }
    for (int k = 0; k < tape.outputs; ++k) {
        out[k].at = args[tape.inputs + k], out[k].step = steps[tape.inputs + k];
        direct = direct && out[k].contiguous();
        // ufunc.reduce and ufunc.accumulate read what the element before has written.
        chained = chained || (n > 1 && out[k].at == in[0].at + in[0].step);
    }
    const Index block = chained ? 1 : direct ? n : Operand<T>::block;
    for (Index i = 0; i < n; i += block) {
        const Index m = n - i < block ? n - i : block;
        for (int k = 0; k < tape.inputs; ++k) v[k] = in[k].read(i, m);
        for (int k = 0; k < tape.outputs; ++k) r[k] = out[k].writable(i);
        machine.run(m);
        for (int k = 0; k < tape.outputs; ++k) out[k].written(i, m);
    }
    clear_floating_point_flags();
}

}  // namespace

kernels::Tapes tapes() {
    return {operations,
            operation_count,
            {run<float>, strided_tape<float>},
            {run<double>, strided_tape<double>}};
}

}  // namespace deltarule::DELTARULE_ISA
