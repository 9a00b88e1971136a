// The catalogue as data: what the rest of the library sees of the kernels.
//
// A row is facts (text and numbers) and loops (function pointers, one set per dtype).  The types
// here know no instruction set; each instruction set fills one `Table` (loops.cpp), `dispatch.hpp`
// picks it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace deltarule::kernels {

using Index = std::ptrdiff_t;

inline constexpr int max_parameters = 3;
inline constexpr int max_aliases = 5;
inline constexpr int max_kinks = 2;

enum class Domain { real, non_negative, positive, unit_interval, optional_unit_interval };

struct Parameter {
    const char* name = nullptr;
    double value = 0;  // the default; NaN stands for "not given"
    Domain domain = Domain::real;
};

struct Names {
    const char* at[max_aliases];
    template <class... S>
    constexpr Names(S... names) : at{names...} {}
};

struct Kink {
    const char* at = nullptr;  // a number or a parameter's name, as the slope taken there
    const char* slope = nullptr;
};

enum class Kind { elementwise, rowwise };
enum class Reads { nothing, x, y };
enum class Symmetry { none, odd, even };
enum class Monotone { no, increasing };

// Largest error in ulp of the exact result, {value, slope} per dtype, over the probes of the tests.
struct ErrorBound {
    double float32[2] = {1, 1};
    double float64[2] = {1, 1};
};

struct ActivationFacts {
    // required
    const char* name;
    const char* formula;  // in x and the parameters; what readers see and the oracle evaluates
    Reads slope_reads;
    const char* source;
    // checked against the formula by the tests; the defaults hold for a smooth unbounded function
    const char* derivative = nullptr;  // formula of f'; none for a row-wise function
    Parameter parameters[max_parameters] = {};
    Names aliases = {};
    double low = -__builtin_inf(), high = __builtin_inf();  // range, at the default parameters
    Kink kinks[max_kinks] = {};
    const char* slope_root = nullptr;  // where f' changes sign
    Monotone monotone = Monotone::increasing;
    Symmetry symmetry = Symmetry::none;
    bool saturates_low = false, saturates_high = false;  // f' -> 0 as x -> -inf, +inf
    ErrorBound ulp = {};
    const char* error_scale = nullptr;  // where the unit is not that of the result itself
};

// How raw predictions become what the user sees.
enum class Link { identity, sigmoid, softmax };
enum class Targets { real, unit_interval, classes };

struct LossFacts {
    // required
    const char* name;
    const char* formula;  // in z, t and the parameters, one element or one row
    Link link;
    Targets targets;
    const char* source;
    // checked
    const char* gradient = nullptr;  // formula of the derivative with respect to z
    Parameter parameters[max_parameters] = {};
    Names aliases = {};
    bool root_of_mean = false;  // the loss of a batch is the root of the mean over its elements
    ErrorBound ulp = {};
    const char* error_scale = nullptr;
};

template <class T>
struct ActivationLoops {
    // rows x cols, contiguous; y = f(x), out = g * f'(x) (the row's Jacobian for row-wise ones).
    void (*value)(Index rows, Index cols, const T* x, T* y, const T* a);
    void (*vjp)(Index rows, Index cols, const T* x, const T* y, const T* g, T* out, const T* a);
};

template <class T>
struct Target {
    const T* values = nullptr;            // rows x cols, or
    const std::int64_t* codes = nullptr;  // one class per row
};

template <class T>
struct LossLoops {
    // rows x cols, contiguous.  values: one per element, or per row of a row-wise loss.
    void (*value)(Index rows, Index cols, const T* z, Target<T> t, T* values, const T* a);
    // The same and the slope of each; `slope` may be z.
    void (*value_and_slope)(Index rows, Index cols, const T* z, Target<T> t, T* values, T* slope,
                            const T* a);
};

// A NumPy inner loop: args, dims, steps in bytes; data points at the number of parameters.
using StridedLoop = void (*)(char** args, const Index* dims, const Index* steps, void* data);

template <class T>
struct StridedActivation {
    StridedLoop value, slope, vjp;  // slope: null for row-wise activations
};
template <class T>
struct StridedLoss {
    StridedLoop value, slope;            // targets as values
    StridedLoop code_value, code_slope;  // targets as class codes; null for element-wise losses
};

template <class Facts, template <class> class Loops, template <class> class Strided>
struct Row {
    Facts facts;
    Kind kind;
    Loops<float> float32;
    Loops<double> float64;
    Strided<float> strided32;
    Strided<double> strided64;

    template <class T>
    const Loops<T>& loops() const {
        if constexpr (sizeof(T) == 4)
            return float32;
        else
            return float64;
    }
};
using ActivationRow = Row<ActivationFacts, ActivationLoops, StridedActivation>;
using LossRow = Row<LossFacts, LossLoops, StridedLoss>;

// Loops of the engine that are no catalogue function.
template <class T>
struct VectorLoops {
    void (*add_to_rows)(Index rows, Index cols, T* z, const T* bias);
    void (*column_sums)(Index rows, Index cols, const T* d, T* sums);
    void (*scale)(Index n, T* x, T factor);
    double (*add_decay)(Index n, T* g, const T* w, T factor);  // g += factor w; sum of w^2
    double (*sum)(Index n, const T* x);
    void (*momentum)(Index n, T* w, const T* g, T* v, const T* a);
    void (*adam)(Index n, T* w, const T* g, T* m, T* v, const T* a);
};

template <class Row>
struct Rows {
    const Row* first;
    int count;

    const Row* begin() const { return first; }
    const Row* end() const { return first + count; }
};

struct Table {
    const char* isa;
    Rows<ActivationRow> activations;
    Rows<LossRow> losses;
    VectorLoops<float> float32;
    VectorLoops<double> float64;

    template <class T>
    const VectorLoops<T>& vectors() const {
        if constexpr (sizeof(T) == 4)
            return float32;
        else
            return float64;
    }
};

}  // namespace deltarule::kernels
