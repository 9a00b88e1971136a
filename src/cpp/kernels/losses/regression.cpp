// Losses of a real prediction z and a real target t: powers of their distance.
#include "residual.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

struct SquaredError {
    template <class V>
    static V value(DoubleWord<V> e, const V*) {
        return square(e);
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V*) {
        return number<V>(2) * e.high;
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V*) {
        return unless_nan(e.high, number<V>(2));
    }
};

struct HalfSquaredError {
    template <class V>
    static V value(DoubleWord<V> e, const V*) {
        return half_square(e);
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V*) {
        return e.high;
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V*) {
        return unless_nan(e.high, number<V>(1));
    }
};

struct AbsoluteError {
    template <class V>
    static V value(DoubleWord<V> e, const V*) {
        return abs(e.high);
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V*) {
        return sign(e.high);
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V*) {
        return unless_nan(e.high, V{});
    }
};

// a[0] = p.  The exponents p - 1 and p - 2 keep what their rounding loses.
struct LpDistance {
    template <class V>
    static V value(DoubleWord<V> e, const V* a) {
        return unless_nan(e.high, power(abs(e), DoubleWord<V>{a[0], V{}}).value());
    }
    template <class V>
    static V slope(DoubleWord<V> e, const V* a) {
        const V size = power(abs(e), exact_sum(a[0], number<V>(-1))).times(a[0]);
        return e.high == V{} ? V{} : unless_nan(e.high, copy_sign(size, e.high));
    }
    template <class V>
    static V curve(DoubleWord<V> e, const V* a) {
        const Exponential<V> p = power(abs(e), exact_sum(a[0], number<V>(-2)));
        const V factor = a[0] * (a[0] - number<V>(1));
        const Ints<Element<V>> gone = (factor == V{}) | (p.mantissa == V{});
        const V size = abs(factor) < number<V>(__builtin_inf()) ? p.times(factor) : factor;
        return unless_nan(e.high, gone ? V{} : size);
    }
};

constexpr kernels::LossRow rows[] = {
    elementwise_loss<OfResidual<SquaredError>>(
        LossFacts{.name = "squared_error",
                  .formula = "(z - t)**2",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "Legendre 1805, Gauss 1809",
                  .gradient = "2 * (z - t)",
                  .second_derivative = "2",
                  .aliases = {"mse", "mean_squared_error", "l2_squared"}}),
    elementwise_loss<OfResidual<HalfSquaredError>>(
        LossFacts{.name = "half_squared_error",
                  .formula = "(z - t)**2 / 2",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "Legendre 1805, Gauss 1809; l2_loss as in optax and TensorFlow",
                  .gradient = "z - t",
                  .second_derivative = "1",
                  .aliases = {"l2_loss"}}),
    elementwise_loss<OfResidual<SquaredError>>(
        LossFacts{.name = "rmse",
                  .formula = "(z - t)**2",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "textbook: root of the mean square",
                  .gradient = "2 * (z - t)",
                  .second_derivative = "2",
                  .aliases = {"root_mean_squared_error", "l2_norm_loss"},
                  .root_of_mean = true}),
    elementwise_loss<OfResidual<AbsoluteError>>(
        LossFacts{.name = "absolute_error",
                  .formula = "abs(z - t)",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "Laplace 1774; slope 0 at 0",
                  .gradient = "sign(z - t)",
                  .second_derivative = "0",
                  .aliases = {"mae", "l1", "mean_absolute_error"},
                  .kink = "z = t"}),
    elementwise_loss<OfResidual<LpDistance>>(
        LossFacts{.name = "lp_distance",
                  .formula = "abs(z - t)**p",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "textbook; slope 0 at 0, where it has a kink for p <= 1",
                  .gradient = "0 if z == t else p * sign(z - t) * abs(z - t)**(p - 1)",
                  .second_derivative = "p * (p - 1) * abs(z - t)**(p - 2)",
                  .parameters = {{"p", 3.0, Domain::positive}}}),
};

}  // namespace

kernels::Rows<kernels::LossRow> regression() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
