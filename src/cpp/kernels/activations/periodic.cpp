// Functions that oscillate.
#include "../loops.hpp"
#include "../trigonometry.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// With u = frequency x and v = u + pi/4:
//   f = x + sin(u)^2 / frequency,  f' = 1 + sin(2 u) = 2 sin(v)^2,
//   f'' = 2 frequency cos(2 u) = 4 frequency sin(v) cos(v).
struct Snake {
    template <class V>
    static V value(V x, const V* a) {
        const DoubleWord<V> square = sine_squared(angle_of_product<0, Digits::absolute>(a[0], x));
        const DoubleWord<V> wave = quotient(square, DoubleWord<V>{a[0], V{}});
        const DoubleWord<V> sum = exact_sum(x, wave.high);
        return abs(x) < number<V>(__builtin_inf()) ? sum.high + (sum.low + wave.low) : x;
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        return number<V>(2) * sine_squared(angle_of_product<1>(a[0], x)).high;
    }
    template <class V>
    static V curve(V x, const V* a) {
        const SineCosine<V> v = sine_cosine(angle_of_product<1>(a[0], x));
        return number<V>(4) * a[0] * product(v.sine, v.cosine).value();
    }
};

struct Gcu {
    // a + b x for double words a, b
    template <class V>
    static V line_in_x(DoubleWord<V> a, DoubleWord<V> b, V x) {
        const DoubleWord<V> p = exact_product(b.high, x), sum = exact_sum(a.high, p.high);
        return sum.high + (sum.low + (a.low + madd(b.low, x, p.low)));
    }
    template <class V>
    static V value(V x, const V*) {
        return x * sine_cosine(angle_of(x)).cosine.high;
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const SineCosine<V> t = sine_cosine(angle_of(x));
        return line_in_x(t.cosine, -t.sine, x);
    }
    template <class V>
    static V curve(V x, const V*) {
        const SineCosine<V> t = sine_cosine(angle_of(x));
        const V two = number<V>(2);
        return -line_in_x(DoubleWord<V>{two * t.sine.high, two * t.sine.low}, t.cosine, x);
    }
};

constexpr double infinity = __builtin_inf();

constexpr kernels::ActivationRow rows[] = {
    elementwise<Snake>(
        ActivationFacts{.name = "snake",
                        .formula = "x + sin(frequency * x)**2 / frequency",
                        .slope_reads = Reads::x,
                        .source = "Ziyin et al. 2020",
                        .derivative = "1 + sin(2 * frequency * x)",
                        .second_derivative = "2 * frequency * cos(2 * frequency * x)",
                        .parameters = {{"frequency", 1.0, Domain::positive}},
                        .lipschitz = 2}),
    elementwise<Gcu>(ActivationFacts{.name = "gcu",
                                     .formula = "x * cos(x)",
                                     .slope_reads = Reads::x,
                                     .source = "Noel et al. 2021",
                                     .derivative = "cos(x) - x * sin(x)",
                                     .second_derivative = "-2 * sin(x) - x * cos(x)",
                                     .slope_root = "0.86033358901937976248",
                                     .monotone = Monotone::no,
                                     .symmetry = Symmetry::odd,
                                     .lipschitz = infinity,
                                     .scale = {.slope = "abs(cos(x)) + abs(x * sin(x))",
                                               .curve = "abs(2 * sin(x)) + abs(x * cos(x))"}}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> periodic() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
