// Straight lines, and lines with a bend or a jump where the unit switches on.
#include "../fused.hpp"
#include "../loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// Curve of a function made of straight pieces.
struct Straight {
    template <class V>
    static V curve(V x, const V*) {
        return unless_nan(x, V{});
    }
};

struct Identity : Straight {
    template <class V>
    static V value(V x, const V*) {
        return x;
    }
    template <class V>
    static V slope(V, V, const V*) {
        return number<V>(1);
    }
};

struct Affine : Straight {
    template <class V>
    static V value(V x, const V* a) {
        return line(x, a[0], a[1]);
    }
    template <class V>
    static V slope(V, V, const V* a) {
        return a[0];
    }
};

// x above 0, slope * x below.
struct Bent {
    template <class V>
    static V value(V x, V slope) {
        return x > V{} ? x : proportional(x, slope);
    }
    template <class V>
    static V slope(V x, V slope) {
        return x > V{} ? number<V>(1) : unless_nan(x, slope);
    }
};

struct Relu : Straight {
    template <class V>
    static V value(V x, const V*) {
        return x <= V{} ? V{} : x;
    }
    template <class V>
    static V slope(V, V y, const V*) {
        return y > V{} ? number<V>(1) : y;  // y is 0 or NaN
    }
};

struct LeakyRelu : Straight {
    template <class V>
    static V value(V x, const V* a) {
        return Bent::value(x, a[0]);
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        return Bent::slope(x, a[0]);
    }
};

struct Prelu : LeakyRelu {
    static constexpr int learned = 1;
    template <int k, class V>
    static V parameter_slope(V x, const V*) {
        return x > V{} ? V{} : x;
    }
};

struct Rrelu : Straight {
    template <class V>
    static V mean(const V* a) {
        return number<V>(0.5) * (a[0] + a[1]);
    }
    template <class V>
    static V value(V x, const V* a) {
        return Bent::value(x, mean(a));
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        return Bent::slope(x, mean(a));
    }
};

// a: negative_slope, max_value, threshold
struct CappedRelu : Straight {
    template <class V>
    static V value(V x, const V* a) {
        const V below = proportional(x - a[2], a[0]);
        return x >= a[1] ? a[1] : (x > a[2] ? x : below);
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const V below = x > a[2] ? number<V>(1) : a[0];
        return x >= a[1] ? V{} : unless_nan(x, below);
    }
};

struct ThresholdedRelu : Straight {
    template <class V>
    static V value(V x, const V* a) {
        return x <= a[0] ? V{} : x;
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        return x > a[0] ? number<V>(1) : unless_nan(x, V{});
    }
};

struct Threshold : ThresholdedRelu {
    template <class V>
    static V value(V x, const V* a) {
        return x <= a[0] ? a[1] : x;
    }
};

struct Relu2 {
    template <class V>
    static V value(V x, const V*) {
        return x <= V{} ? V{} : x * x;
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return x <= V{} ? V{} : x + x;
    }
    template <class V>
    static V curve(V x, const V*) {
        return x > V{} ? number<V>(2) : unless_nan(x, V{});
    }
};

constexpr double infinity = __builtin_inf();

constexpr kernels::ActivationRow rows[] = {
    elementwise<Identity>(ActivationFacts{.name = "identity",
                                          .formula = "x",
                                          .slope_reads = Reads::nothing,
                                          .source = "textbook",
                                          .derivative = "1",
                                          .second_derivative = "0",
                                          .aliases = {"linear"},
                                          .symmetry = Symmetry::odd}),
    elementwise<Affine>(ActivationFacts{.name = "affine",
                                        .formula = "alpha * x + beta",
                                        .slope_reads = Reads::nothing,
                                        .source = "ONNX, operator RNN",
                                        .derivative = "alpha",
                                        .second_derivative = "0",
                                        .parameters = {{"alpha", 1.0}, {"beta", 0.0}},
                                        .symmetry = Symmetry::odd}),
    elementwise<Relu>(
        ActivationFacts{.name = "relu",
                        .formula = "x if x > 0 else 0",
                        .slope_reads = Reads::y,
                        .source = "Nair and Hinton 2010; Bertoin et al. 2021 on the slope at 0",
                        .derivative = "1 if x > 0 else 0",
                        .second_derivative = "0",
                        .low = 0,
                        .kinks = {{"0", "0"}},
                        .saturates_low = true}),
    elementwise<LeakyRelu>(ActivationFacts{.name = "leaky_relu",
                                           .formula = "x if x > 0 else negative_slope * x",
                                           .slope_reads = Reads::x,
                                           .source = "Maas et al. 2013",
                                           .derivative = "1 if x > 0 else negative_slope",
                                           .second_derivative = "0",
                                           .parameters = {{"negative_slope", 0.01}},
                                           .aliases = {"leakyrelu", "lrelu"},
                                           .kinks = {{"0", "negative_slope"}}}),
    elementwise<Prelu>(ActivationFacts{.name = "prelu",
                                       .formula = "x if x > 0 else weight * x",
                                       .slope_reads = Reads::x,
                                       .source = "He et al. 2015",
                                       .derivative = "1 if x > 0 else weight",
                                       .second_derivative = "0",
                                       .parameters = {{"weight", 0.25}},
                                       .kinks = {{"0", "weight"}},
                                       .trainable = true}),
    elementwise<Rrelu>(
        ActivationFacts{.name = "rrelu",
                        .formula = "x if x > 0 else (lower + upper) / 2 * x",
                        .slope_reads = Reads::x,
                        .source = "Xu et al. 2015; the mean slope, as after training",
                        .derivative = "1 if x > 0 else (lower + upper) / 2",
                        .second_derivative = "0",
                        .parameters = {{"lower", 1.0 / 8}, {"upper", 1.0 / 3}},
                        .ordered = true,
                        .kinks = {{"0", "(lower + upper) / 2"}}}),
    elementwise<CappedRelu>(ActivationFacts{
        .name = "capped_relu",
        .formula = "max_value if x >= max_value else "
                   "(x if x > threshold else negative_slope * (x - threshold))",
        .slope_reads = Reads::x,
        .source = "Keras, layers.ReLU",
        .derivative = "0 if x >= max_value else (1 if x > threshold else negative_slope)",
        .second_derivative = "0",
        .parameters = {{"negative_slope", 0.0}, {"max_value", 6.0}, {"threshold", 0.0}},
        .low = 0,
        .high = 6,
        .kinks = {{"threshold", "negative_slope"}, {"max_value", "0"}},
        .saturates_low = true,
        .saturates_high = true}),
    elementwise<ThresholdedRelu>(ActivationFacts{.name = "thresholded_relu",
                                                 .formula = "x if x > theta else 0",
                                                 .slope_reads = Reads::x,
                                                 .source = "Konda et al. 2014",
                                                 .derivative = "1 if x > theta else 0",
                                                 .second_derivative = "0",
                                                 .parameters = {{"theta", 1.0}},
                                                 .aliases = {"trelu"},
                                                 .low = 0,
                                                 .kinks = {{"theta", "0"}},
                                                 .saturates_low = true,
                                                 .lipschitz = infinity}),
    elementwise<Threshold>(ActivationFacts{.name = "threshold",
                                           .formula = "x if x > threshold else value",
                                           .slope_reads = Reads::x,
                                           .source = "PyTorch, nn.Threshold",
                                           .derivative = "1 if x > threshold else 0",
                                           .second_derivative = "0",
                                           .parameters = {{"threshold", 0.0}, {"value", 0.0}},
                                           .low = 0,
                                           .kinks = {{"threshold", "0"}},
                                           .saturates_low = true}),
    elementwise<Relu2>(ActivationFacts{.name = "relu2",
                                       .formula = "x**2 if x > 0 else 0",
                                       .slope_reads = Reads::x,
                                       .source = "So et al. 2021, Primer",
                                       .derivative = "2 * x if x > 0 else 0",
                                       .second_derivative = "2 if x > 0 else 0",
                                       .aliases = {"squared_relu"},
                                       .low = 0,
                                       .saturates_low = true,
                                       .lipschitz = infinity}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> rectified() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
