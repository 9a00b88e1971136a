// Thresholds that set small numbers to 0.
#include "../loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// Slope 1 outside of [-lambd, lambd], lambd = a[0].
struct Shrinking {
    template <class V>
    static V slope(V x, V, const V* a) {
        return abs(x) > a[0] ? number<V>(1) : unless_nan(x, V{});
    }
    template <class V>
    static V curve(V x, const V*) {
        return unless_nan(x, V{});
    }
};

struct HardShrink : Shrinking {
    template <class V>
    static V value(V x, const V* a) {
        return abs(x) <= a[0] ? V{} : x;
    }
};

template <class V>
V shrunk(V x, V lambd, V bias) {
    return abs(x) <= lambd ? V{} : (x < V{} ? x + bias : x - bias);
}

struct SoftShrink : Shrinking {
    template <class V>
    static V value(V x, const V* a) {
        return shrunk(x, a[0], a[0]);
    }
};

struct Shrink : Shrinking {
    template <class V>
    static V value(V x, const V* a) {
        return shrunk(x, a[0], a[1]);
    }
};

constexpr double infinity = __builtin_inf();

constexpr kernels::ActivationRow rows[] = {
    elementwise<HardShrink>(ActivationFacts{.name = "hard_shrink",
                                            .formula = "x if abs(x) > lambd else 0",
                                            .slope_reads = Reads::x,
                                            .source = "Donoho and Johnstone 1994",
                                            .derivative = "1 if abs(x) > lambd else 0",
                                            .second_derivative = "0",
                                            .parameters = {{"lambd", 0.5, Domain::non_negative}},
                                            .aliases = {"hardshrink"},
                                            .kinks = {{"-lambd", "0"}, {"lambd", "0"}},
                                            .symmetry = Symmetry::odd,
                                            .lipschitz = infinity}),
    elementwise<SoftShrink>(
        ActivationFacts{.name = "soft_shrink",
                        .formula = "x - sign(x) * lambd if abs(x) > lambd else 0",
                        .slope_reads = Reads::x,
                        .source = "Donoho 1995",
                        .derivative = "1 if abs(x) > lambd else 0",
                        .second_derivative = "0",
                        .parameters = {{"lambd", 0.5, Domain::non_negative}},
                        .aliases = {"softshrink"},
                        .kinks = {{"-lambd", "0"}, {"lambd", "0"}},
                        .symmetry = Symmetry::odd}),
    elementwise<Shrink>(
        ActivationFacts{.name = "shrink",
                        .formula = "x - sign(x) * bias if abs(x) > lambd else 0",
                        .slope_reads = Reads::x,
                        .source = "ONNX, operator Shrink",
                        .derivative = "1 if abs(x) > lambd else 0",
                        .second_derivative = "0",
                        .parameters = {{"lambd", 0.5, Domain::non_negative}, {"bias", 0.0}},
                        .kinks = {{"-lambd", "0"}, {"lambd", "0"}},
                        .symmetry = Symmetry::odd,
                        .lipschitz = infinity}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> shrinking() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
