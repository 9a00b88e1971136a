// Functions that rise between two limits.
#include "../loops.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// With t = e^-|x|: f = 1/(1 + e^-x), f' = t/(1+t)^2, |f''| = t(1-t)/(1+t)^3.
struct Sigmoid {
    template <class V>
    static V value(V x, const V*) {
        return sigmoid(x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return sigmoid_slope(x);
    }
    template <class V>
    static V curve(V x, const V*) {
        const V size = sigmoid_slope(x) * tanh_of_half(negative(x));
        return copy_sign(size, -x);
    }
};

struct LogSigmoid {
    template <class V>
    static V value(V x, const V*) {
        return -softplus(-x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return sigmoid(-x);
    }
    template <class V>
    static V curve(V x, const V*) {
        return -sigmoid_slope(x);
    }
};

struct Tanh {
    template <class V>
    static V value(V x, const V*) {
        return tanh(x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return tanh_slope(x);
    }
    template <class V>
    static V curve(V x, const V*) {
        const V u = number<V>(2) * negative(x);
        const Exponential<V> e = exponential(u);
        const V size = number<V>(8) * unscaled_sigmoid_slope(e) * tanh_of_half(u);
        return copy_sign(e.scale(size), -x);
    }
};

// alpha tanh(beta x): a[0] = alpha, a[1] = beta.
struct ScaledTanh {
    // c tanh(beta |x|); where beta x has lost digits already, c beta x need not have.
    template <class V>
    static V scaled(V c, V x, V beta) {
        const V u = number<V>(-2) * beta, w = abs(x), whole = u * w, p = bounded(whole);
        const V y = tanh_of_half(p, p == whole ? product_error(u, w, p) : V{});
        const V tiny = splat(Traits<Element<V>>::smallest_normal) * number<V>(4), k = c * beta;
        return whole > -tiny ? (k < number<V>(__builtin_inf()) ? k * w : c * y) : c * y;
    }
    template <class V>
    static V value(V x, const V* a) {
        return copy_sign(scaled(a[0], x, a[1]), x);
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const Exponential<V> e = exponential_of_product(number<V>(2) * negative(x), a[1]);
        return e.scale(number<V>(4) * a[0] * a[1] * unscaled_sigmoid_slope(e));
    }
    template <class V>
    static V curve(V x, const V* a) {
        const Exponential<V> e = exponential_of_product(number<V>(2) * negative(x), a[1]);
        const V size = number<V>(8) * a[0] * a[1] * unscaled_sigmoid_slope(e) * a[1];
        return copy_sign(e.scale(scaled(size, x, a[1])), -x);
    }
};

struct BipolarSigmoid {
    template <class V>
    static V value(V x, const V*) {
        return copy_sign(tanh_of_half(negative(x)), x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const Exponential<V> e = exponential(negative(x));
        return e.scale(number<V>(2) * unscaled_sigmoid_slope(e));
    }
    template <class V>
    static V curve(V x, const V*) {
        const V u = negative(x);
        const Exponential<V> e = exponential(u);
        const V size = number<V>(2) * unscaled_sigmoid_slope(e) * tanh_of_half(u);
        return copy_sign(e.scale(size), -x);
    }
};

struct Erf {
    static constexpr double slope_at_zero = 1.1283791670955125738961589031215;  // 2/sqrt(pi)
    template <class V>
    static V value(V x, const V*) {
        return erf(x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return exponential_of_product(-x, x).times(number<V>(slope_at_zero));
    }
    template <class V>
    static V curve(V x, const V*) {
        const V u = number<V>(-2 * slope_at_zero) * bounded(x);
        return exponential_of_product(-x, x).times(u);
    }
};

// The normal distribution: a[0] = mu, a[1] = sigma.
struct Laplace {
    // (x - mu) / sigma as high + low
    template <class V>
    static DoubleWord<V> standardised(V x, const V* a) {
        const DoubleWord<V> d = exact_sum(x, -a[0]);
        const V z = d.high / a[1], low = (remainder(d.high, z, a[1]) + d.low) / a[1];
        return {z, abs(low) < number<V>(1) ? low : V{}};
    }
    template <class V>
    static V value(V x, const V* a) {
        const DoubleWord<V> z = standardised(x, a);
        const V tail = normal_tail(z.high, z.low).value();
        return z.high < V{} ? tail : number<V>(1) - tail;
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const DoubleWord<V> z = standardised(x, a);
        return normal_density(z.high, z.low).times(number<V>(normal_density_at_zero) / a[1]);
    }
    template <class V>
    static V curve(V x, const V* a) {
        const DoubleWord<V> z = standardised(x, a);
        const V size = number<V>(normal_density_at_zero) / a[1] * (-bounded(z.high) / a[1]);
        return normal_density(z.high, z.low).times(size);
    }
};

constexpr kernels::ActivationRow rows[] = {
    elementwise<Sigmoid>(
        ActivationFacts{.name = "sigmoid",
                        .formula = "1 / (1 + exp(-x))",
                        .slope_reads = Reads::x,
                        .source = "Verhulst 1845",
                        .derivative = "exp(-x) / (1 + exp(-x))**2",
                        .second_derivative = "exp(-x) * (exp(-x) - 1) / (1 + exp(-x))**3",
                        .aliases = {"logistic", "expit", "sigma"},
                        .low = 0,
                        .high = 1,
                        .saturates_low = true,
                        .saturates_high = true,
                        .lipschitz = 0.25}),
    elementwise<LogSigmoid>(
        ActivationFacts{.name = "log_sigmoid",
                        .formula = "-log(1 + exp(-x))",
                        .slope_reads = Reads::x,
                        .source = "the logarithm of the sigmoid; as a unit: Elfwing et al. 2017",
                        .derivative = "1 / (1 + exp(x))",
                        .second_derivative = "-exp(x) / (1 + exp(x))**2",
                        .aliases = {"log_expit", "logsigmoid"},
                        .high = 0,
                        .saturates_high = true}),
    elementwise<Tanh>(ActivationFacts{.name = "tanh",
                                      .formula = "tanh(x)",
                                      .slope_reads = Reads::x,
                                      .source = "LeCun et al. 1998, Efficient BackProp",
                                      .derivative = "1 - tanh(x)**2",
                                      .second_derivative = "-2 * tanh(x) * (1 - tanh(x)**2)",
                                      .low = -1,
                                      .high = 1,
                                      .symmetry = Symmetry::odd,
                                      .saturates_low = true,
                                      .saturates_high = true}),
    elementwise<ScaledTanh>(ActivationFacts{
        .name = "scaled_tanh",
        .formula = "alpha * tanh(beta * x)",
        .slope_reads = Reads::x,
        .source = "LeCun et al. 1998, Efficient BackProp",
        .derivative = "alpha * beta * (1 - tanh(beta * x)**2)",
        .second_derivative = "-2 * alpha * beta**2 * tanh(beta * x) * (1 - tanh(beta * x)**2)",
        .parameters = {{"alpha", 1.7159, Domain::positive}, {"beta", 2.0 / 3, Domain::positive}},
        .aliases = {"lecun_tanh", "stanh"},
        .low = -1.7159,
        .high = 1.7159,
        .symmetry = Symmetry::odd,
        .saturates_low = true,
        .saturates_high = true,
        .lipschitz = 1.7159 * 2 / 3}),
    elementwise<BipolarSigmoid>(
        ActivationFacts{.name = "bipolar_sigmoid",
                        .formula = "(1 - exp(-x)) / (1 + exp(-x))",
                        .slope_reads = Reads::x,
                        .source = "textbook; it is tanh(x / 2)",
                        .derivative = "2 * exp(-x) / (1 + exp(-x))**2",
                        .second_derivative = "2 * exp(-x) * (exp(-x) - 1) / (1 + exp(-x))**3",
                        .low = -1,
                        .high = 1,
                        .symmetry = Symmetry::odd,
                        .saturates_low = true,
                        .saturates_high = true,
                        .lipschitz = 0.5}),
    elementwise<Erf>(ActivationFacts{.name = "erf",
                                     .formula = "erf(x)",
                                     .slope_reads = Reads::x,
                                     .source = "Gauss 1809; Glaisher 1871 for the name",
                                     .derivative = "2 / sqrt(pi) * exp(-x**2)",
                                     .second_derivative = "-4 * x / sqrt(pi) * exp(-x**2)",
                                     .low = -1,
                                     .high = 1,
                                     .symmetry = Symmetry::odd,
                                     .saturates_low = true,
                                     .saturates_high = true,
                                     .lipschitz = Erf::slope_at_zero}),
    elementwise<Laplace>(ActivationFacts{
        .name = "laplace",
        .formula = "normcdf((x - mu) / sigma)",
        .slope_reads = Reads::x,
        .source = "Ma et al. 2022 (MEGA); the normal distribution, in spite of its name",
        .derivative = "normpdf((x - mu) / sigma) / sigma",
        .second_derivative = "-(x - mu) / sigma**3 * normpdf((x - mu) / sigma)",
        .parameters = {{"mu", 0.707107}, {"sigma", 0.282095, Domain::positive}},
        .low = 0,
        .high = 1,
        .saturates_low = true,
        .saturates_high = true,
        .lipschitz = 1.41421251848289646}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> sigmoidal() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
