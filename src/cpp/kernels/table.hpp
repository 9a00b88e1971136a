// The catalogue as data: what the rest of the library sees of the kernels.
//
// A row is facts (text and numbers) and loops (function pointers, one set per dtype).  The types
// here know no instruction set; each instruction set fills one `Table` (loops.cpp), `dispatch.hpp`
// picks it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tape.hpp"
#include "vectors.hpp"

namespace deltarule::kernels {

using Index = std::ptrdiff_t;

inline constexpr int max_parameters = 4;
inline constexpr int max_aliases = 6;
inline constexpr int max_kinks = 2;

enum class Domain {
    real,
    non_negative,
    positive,
    unit_interval,
    optional_unit_interval,
    at_least_one,  // infinity included
    count,         // an integer >= 1
    tweedie_power  // neither 1 nor 2
};

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

// Largest error in ulp of the exact result, {value, slope, curve} per dtype, over the probes of the
// tests: what every row promises unless it states another.
struct ErrorBound {
    double float32[3] = {2, 4, 8};
    double float64[3] = {2, 4, 8};
};

// Where a result is a sum whose terms cancel, near a root, the unit is the ulp of a quarter of the
// size of the terms: {value, slope, curve}, formulas like the row's; null: relative everywhere.
struct Scales {
    const char* value = nullptr;
    const char* slope = nullptr;
    const char* curve = nullptr;
};

// The length of the result of a row of n numbers.
enum class Width { same, one, half, twice, per_pieces };

// That length; `pieces` is the first parameter of the function.
inline constexpr Index width_after(Width width, Index n, double pieces) {
    switch (width) {
        case Width::one:
            return 1;
        case Width::half:
            return n / 2;
        case Width::twice:
            return 2 * n;
        case Width::per_pieces:
            return n / Index(pieces);
        default:
            return n;
    }
}

struct ActivationFacts {
    // required
    const char* name;
    const char* formula;  // in x and the parameters; what readers see and the oracle evaluates
    Reads slope_reads;
    const char* source;
    // checked against the formula by the tests; the defaults hold for a smooth unbounded function
    const char* derivative = nullptr;  // formulas of f', f''; none for a row-wise function
    const char* second_derivative = nullptr;
    Parameter parameters[max_parameters] = {};
    bool ordered = false;  // the first parameter must not exceed the second
    Names aliases = {};
    double low = -__builtin_inf(), high = __builtin_inf();  // range, at the default parameters
    Kink kinks[max_kinks] = {};
    const char* slope_root = nullptr;  // where f' changes sign
    Monotone monotone = Monotone::increasing;
    Symmetry symmetry = Symmetry::none;
    bool saturates_low = false, saturates_high = false;  // f' -> 0 as x -> -inf, +inf
    double lipschitz = 1;                                // the supremum of |f'|
    double defined_above = -__builtin_inf();             // NaN below
    bool trainable = false;                              // its parameters are meant to be learned
    Width width = Width::same;
    int axis = -1;  // the default axis of a row-wise function
    ErrorBound ulp = {};
    Scales scale = {};
    const char* error_scale = nullptr;  // in words, where the unit is not that of the result itself
};

// How raw predictions become what the user sees.
enum class Link { identity, sigmoid, softmax, exponential, sign, none };
enum class Targets { real, non_negative, positive, above_minus_one, unit_interval, signs, classes };

struct LossFacts {
    // required
    const char* name;
    const char* formula;  // in z, t and the parameters, one element or one row
    Link link;
    Targets targets;
    const char* source;
    // checked
    const char* gradient = nullptr;  // formulas of the derivatives with respect to z
    const char* second_derivative = nullptr;
    const char* input = "prediction";  // what z is
    Parameter parameters[max_parameters] = {};
    bool linear_in_targets = false;  // a sum of targets times terms without them
    Names aliases = {};
    bool root_of_mean = false;  // the loss of a batch is the root of the mean over its elements
    double z_above = -__builtin_inf(), z_below = __builtin_inf();  // where the loss is defined
    const char* kink = nullptr;                                    // where, in z and t
    ErrorBound ulp = {};
    Scales scale = {};
    const char* error_scale = nullptr;
};

template <class T>
struct ActivationLoops {
    // rows x cols, contiguous; y = f(x), out = g * f'(x) (the row's Jacobian for row-wise ones).
    void (*value)(Index rows, Index cols, const T* x, T* y, const T* a);
    void (*vjp)(Index rows, Index cols, const T* x, const T* y, const T* g, T* out, const T* a);
    // The sum of g * df/da[k] over n elements; null unless trainable.
    double (*parameter_slope[max_parameters])(Index n, const T* x, const T* g, const T* a);
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
    // The sum of the values, and each slope times `factor`.
    double (*sum_and_slope)(Index rows, Index cols, const T* z, Target<T> t, T factor, T* slope,
                            const T* a);
};

// A NumPy inner loop: args, dims, steps in bytes; data points at `Bound`.
using StridedLoop = void (*)(char** args, const Index* dims, const Index* steps, void* data);

// The parameters of a strided loop: so many of them are operands, or all are fixed here.
struct Bound {
    int operands = 0;
    double fixed[max_parameters] = {};
};

struct StridedActivation {
    StridedLoop value, vjp;
    StridedLoop slope, curve;                     // null for row-wise activations
    StridedLoop parameter_slope[max_parameters];  // null unless trainable
};
struct StridedLoss {
    StridedLoop value, slope, both;   // targets as values; both: the value and its slope
    StridedLoop curve, target_slope;  // null for row-wise losses and where there is none
    StridedLoop code_value, code_slope, code_both;  // class codes; null for element-wise losses
};

template <class Facts, template <class> class Loops, class Strided>
struct Row {
    Facts facts;
    Kind kind;
    Loops<float> float32;
    Loops<double> float64;
    Strided strided32;
    Strided strided64;

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

// The rows of one family, which is one file.
template <class Row>
struct Rows {
    const Row* first;
    int count;
};

// All rows of a table, family after family.
template <class Row>
class Catalogue {
public:
    struct Iterator {
        const Rows<Row>* family;
        int at;
        const Row& operator*() const { return family->first[at]; }
        Iterator& operator++() {
            if (++at == family->count) at = 0, ++family;
            return *this;
        }
        bool operator!=(const Iterator& other) const {
            return family != other.family || at != other.at;
        }
    };
    constexpr Catalogue() = default;
    constexpr Catalogue(const Rows<Row>* families, int count) : families_(families), n_(count) {}
    Iterator begin() const { return {families_, 0}; }
    Iterator end() const { return {families_ + n_, 0}; }

private:
    const Rows<Row>* families_ = nullptr;
    int n_ = 0;
};

struct Products;  // products.hpp
struct Moments;   // moments.hpp
struct Cells;     // cells.hpp
struct Waves;     // waves.hpp

struct Table {
    const char* isa;
    Catalogue<ActivationRow> activations;
    Catalogue<LossRow> losses;
    VectorLoops<float> float32;
    VectorLoops<double> float64;
    const Products* products;
    const Moments* moments;
    const Cells* cells;
    const Waves* waves;
    Tapes tapes;

    template <class T>
    const VectorLoops<T>& vectors() const {
        if constexpr (sizeof(T) == 4)
            return float32;
        else
            return float64;
    }
};

}  // namespace deltarule::kernels
