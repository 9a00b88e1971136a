// x times a smooth step: silu and its kin.
#include "../loops.hpp"
#include "logistic_gate.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// x sigmoid(beta x): a[0] = beta.
struct Silu {
    template <class V>
    static V value(V x, const V* a) {
        const Bounded<V> u = bounded_product(negative(x), a[0]);
        return logistic_gate(x, exponential_of_bounded(u.high, u.low), u.whole);
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const Bounded<V> u = bounded_product(negative(x), a[0]);
        return logistic_gate_slope(x, -u.high, -u.low, exponential_of_bounded(u.high, u.low));
    }
    // beta s (1 - s) (2 - |v| tanh|v/2|), v = beta x
    template <class V>
    static V curve(V x, const V* a) {
        const Bounded<V> u = bounded_product(negative(x), a[0]);
        const Exponential<V> e = exponential_of_bounded(u.high, u.low);
        const V terms = a[0] * madd(u.high, tanh_of_half(u.high), number<V>(2));
        const V y = e.scale(unscaled_sigmoid_slope(e) * terms);
        return u.whole ? y : unless_nan(x, -V{});
    }
};

// x g, g = tanh(log(1 + e^x)) = n / (n + 2) with n = e^2x + 2 e^x.  In t = e^-|x|:
//   left   g = t (2 + t) / D,  g' = 4 t (1 + t) / D^2,  g'' = 4 t (2 + 2t - 3t^2 - 2t^3) / D^3,
//   right  g = (1 + 2t) / D,   g' = 4 t^2 (1 + t) / D^2, g'' = 4 t^2 (2t^3 + 2t^2 - 3t - 2) / D^3,
// where D = 2 + 2t + t^2 on the left and 1 + 2t + 2t^2 on the right.
struct Mish {
    template <class V>
    struct Parts {
        Exponential<V> e;
        V t;
        Ints<Element<V>> left;
        DoubleWord<V> top, d;  // g = top / D, t top / D on the left
        explicit Parts(V x) : e(decay(x)), t(e.value()), left(x < V{}) {
            const V one = number<V>(1), two = number<V>(2);
            const DoubleWord<V> a = sum_of_ordered(two, t), b = sum_of_ordered(one, two * t);
            const DoubleWord<V> square = exact_product(t, t);
            const V part = left ? square.high : two * square.high;
            const DoubleWord<V> c = exact_sum(left ? two : one, two * t);
            const DoubleWord<V> sum = sum_of_ordered(c.high, part);
            top = {left ? a.high : b.high, left ? a.low : b.low};
            d = {sum.high, sum.low + c.low + (left ? square.low : two * square.low)};
        }
    };
    template <class V>
    static V value(V x, const V*) {
        const Parts<V> p(x);
        const DoubleWord<V> q = quotient(p.top, p.d);
        const V left = p.e.times(product(DoubleWord<V>{bounded(x), V{}}, q));
        return p.left ? left : unless_nan(x, x * q.value());
    }
    // 4 x / D as high + low
    template <class V>
    static DoubleWord<V> share(V x, DoubleWord<V> inverse) {
        return product(DoubleWord<V>{number<V>(4) * bounded(x), V{}}, inverse);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const Parts<V> p(x);
        const V one = number<V>(1), t = p.left ? one : p.t * p.t;
        const DoubleWord<V> inverse = quotient(DoubleWord<V>{one, V{}}, p.d);
        const DoubleWord<V> d = sum_of_ordered(one, p.t), step = {t * d.high, t * d.low};
        const DoubleWord<V> rise = product(share(x, inverse), step);
        const DoubleWord<V> sum = exact_sum(p.top.high, rise.high);
        const DoubleWord<V> y = product({sum.high, sum.low + (p.top.low + rise.low)}, inverse);
        return p.left ? p.e.times(y) : unless_nan(x, y.value());
    }
    template <class V>
    static V curve(V x, const V*) {
        const Parts<V> p(x);
        const V one = number<V>(1), two = number<V>(2), three = number<V>(3), t = p.t;
        const DoubleWord<V> inverse = quotient(DoubleWord<V>{one, V{}}, p.d);
        const V left = t * (two - t * (three + two * t)), right = t * (t * (two * t + two) - three);
        const DoubleWord<V> cubic = sum_of_ordered(p.left ? two : -two, p.left ? left : right);
        const DoubleWord<V> bend = product(share(x, inverse), cubic);
        const DoubleWord<V> d = sum_of_ordered(number<V>(8), number<V>(8) * t);
        const DoubleWord<V> sum = exact_sum(d.high, bend.high);
        const V y = (sum.high + (sum.low + (d.low + bend.low))) * inverse.high * inverse.high;
        const V once = p.e.times(y);
        return p.left ? once : unless_nan(x, p.e.times(once));
    }
};

// x tanh(E), E = e^x; with S = 1 - tanh(E)^2: f' = tanh(E) + x E S,
// f'' = E S (2 + x (1 - 2 E tanh(E))).
struct TanhExp {
    static constexpr double end = 7;  // tanh(E) is 1 and f'' is 0 from here on
    template <class V>
    static auto linear(V power) {  // tanh(E) rounds to E
        return power < number<V>(sizeof(Element<V>) == 4 ? 0x1p-13 : 0x1p-27);
    }
    template <class V>
    static V value(V x, const V*) {
        const Exponential<V> e = exponential(at_most(x, number<V>(end)));
        const V two = number<V>(-2), power = e.value();
        const V y = tanh_of_half(two * power, two * e.scale(e.low));
        return linear(power) ? e.times(bounded(x)) : x * y;
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const V at = at_most(x, number<V>(end)), one = number<V>(1), two = number<V>(-2);
        const Exponential<V> e = exponential(at);
        const V power = e.value(), low = e.scale(e.low), u = two * power, u_low = two * low;
        const Exponential<V> decay = exponential(u, u_low);
        const DoubleWord<V> gate = tanh_of_half_pair(u, u_low);
        const V steep = decay.scale(number<V>(4) * unscaled_sigmoid_slope(decay));
        const V step = gate.high < number<V>(0.5) ? madd(-gate.high, gate.high, one) : steep;
        const DoubleWord<V> size =
            product(DoubleWord<V>{bounded(at), V{}}, DoubleWord<V>{power, low});
        const DoubleWord<V> rise = product(size, DoubleWord<V>{step, V{}});
        const DoubleWord<V> sum = exact_sum(gate.high, rise.high);
        const V y = sum.high + (sum.low + (gate.low + rise.low));
        return linear(power) ? e.times(one + bounded(x)) : y;
    }
    template <class V>
    static V curve(V x, const V*) {
        const V at = at_most(bounded(x), number<V>(end)), two = number<V>(2);
        const Exponential<V> e = precise_exponential(at);
        const V power = e.value(), u = -two * power, u_low = -two * e.scale(e.low);
        const Exponential<V> decay = exponential(u, u_low);
        const DoubleWord<V> gate = product(tanh_of_half_pair(u, u_low), DoubleWord<V>{u, u_low});
        const DoubleWord<V> bend = product(DoubleWord<V>{at, V{}}, gate);  // -2 x E tanh(E)
        const DoubleWord<V> line = exact_sum(at, two), sum = exact_sum(line.high, bend.high);
        const V terms = sum.high + (sum.low + (line.low + bend.low));
        const V step = number<V>(4) * unscaled_sigmoid_slope(decay) * terms;
        return decay.scale(e.scale(step * e.mantissa));
    }
};

// silu on the right; on the left (e^x - 1) sigmoid(x) = t tanh(x/2) with t = e^x:
// f' = t (t^2 + 2t - 1) / (1 + t)^2, which is 0 at t = sqrt(2) - 1,
// f'' = t (t^3 + 3t^2 + 5t - 1) / (1 + t)^3.
struct Elish {
    template <class V>
    static V value(V x, const V*) {
        const Exponential<V> e = decay(x);
        const V left = e.times(-tanh_of_half_pair(negative(x)));
        return x < V{} ? left : logistic_gate(x, e, x == x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        using T = Element<V>;
        constexpr long double root = 0.41421356237309504880168872420970L;
        const Exponential<V> e = decay(x);
        const V one = number<V>(1), t = e.value(), r = splat(T(root));
        const V r_low = splat(T(root - (long double)(T(root)))), t_low = e.scale(e.low);
        const DoubleWord<V> d = sum_of_ordered(one, t);
        const DoubleWord<V> inverse =
            quotient(DoubleWord<V>{one, V{}}, DoubleWord<V>{d.high, d.low + t_low});
        const DoubleWord<V> factor =
            exact_product((t - r) + (t_low - r_low), t + number<V>(double(root + 2)));
        const V left = e.times(product(factor, product(inverse, inverse)));
        return x < V{} ? left : logistic_gate_slope(x, bounded(abs(x)), V{}, e);
    }
    template <class V>
    static V curve(V x, const V*) {
        const Exponential<V> e = decay(x);
        const V one = number<V>(1), t = e.value(), d = one + t;
        const V cubic = madd(t, madd(t, t + number<V>(3), number<V>(5)), -one);
        const V left = e.times(cubic / (d * d * d)), unit[] = {one};
        return x < V{} ? left : Silu::curve(x, unit);
    }
};

// silu + t on the right, t on the left: a[0] = t.
struct FlattenTSwish {
    template <class V>
    static V value(V x, const V* a) {
        const V one = number<V>(1);
        const Exponential<V> e = decay(x);
        const DoubleWord<V> d = sum_of_ordered(one, e.value());
        const DoubleWord<V> whole = {d.high, d.low + e.scale(e.low)};
        const DoubleWord<V> gate = quotient(DoubleWord<V>{x, V{}}, whole);
        const DoubleWord<V> sum = exact_sum(gate.high, a[0]);
        const V y = x < number<V>(__builtin_inf()) ? sum.high + (sum.low + gate.low) : x;
        return x > V{} ? y : unless_nan(x, a[0]);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const V right = logistic_gate_slope(x, bounded(abs(x)), V{}, decay(x));
        return x > V{} ? right : unless_nan(x, V{});
    }
    template <class V>
    static V curve(V x, const V*) {
        const V unit[] = {number<V>(1)};
        return x > V{} ? Silu::curve(x, unit) : unless_nan(x, V{});
    }
};

constexpr kernels::ActivationRow rows[] = {
    elementwise<Silu>(ActivationFacts{
        .name = "silu",
        .formula = "x / (1 + exp(-beta * x))",
        .slope_reads = Reads::x,
        .source = "Elfwing et al. 2017; Ramachandran et al. 2017",
        .derivative = "(1 + (1 + beta * x) * exp(-beta * x)) / (1 + exp(-beta * x))**2",
        .second_derivative = "beta * sigmoid(beta * x) * sigmoid(-beta * x) "
                             "* (2 - beta * x * tanh(beta * x / 2))",
        .parameters = {{"beta", 1.0, Domain::positive}},
        .aliases = {"swish"},
        .low = -0.27846454276107380,
        .slope_root = "-1.2784645427611",
        .monotone = Monotone::no,
        .saturates_low = true,
        .lipschitz = 1.0998393201288669,
        .scale = {.slope = "sigmoid(beta * x) * (1 + abs(beta * x) * sigmoid(-beta * x))",
                  .curve = "beta * sigmoid(beta * x) * sigmoid(-beta * x) "
                           "* (2 + beta * x * tanh(beta * x / 2))"}}),
    elementwise<Mish>(ActivationFacts{
        .name = "mish",
        .formula = "x * tanh(log(1 + exp(x)))",
        .slope_reads = Reads::x,
        .source = "Misra 2019",
        .derivative = "tanh(log(1 + exp(x))) "
                      "+ x * (1 - tanh(log(1 + exp(x)))**2) / (1 + exp(-x))",
        .second_derivative =
            "8 * exp(x) * (1 + exp(x)) / (2 + 2 * exp(x) + exp(2 * x))**2 + 4 * x * exp(x) "
            "* (2 + 2 * exp(x) - 3 * exp(2 * x) - 2 * exp(3 * x)) "
            "/ (2 + 2 * exp(x) + exp(2 * x))**3",
        .low = -0.30884341301725043,
        .slope_root = "-1.1924312145155",
        .monotone = Monotone::no,
        .saturates_low = true,
        .lipschitz = 1.0884981612517279,
        .scale = {.slope = "tanh(log(1 + exp(x))) "
                           "+ abs(x) * (1 - tanh(log(1 + exp(x)))**2) / (1 + exp(-x))",
                  .curve = "8 * exp(x) * (1 + exp(x)) / (2 + 2 * exp(x) + exp(2 * x))**2 "
                           "+ 4 * abs(x) * exp(x) "
                           "* (2 + 2 * exp(x) + 3 * exp(2 * x) + 2 * exp(3 * x)) "
                           "/ (2 + 2 * exp(x) + exp(2 * x))**3"}}),
    elementwise<TanhExp>(
        ActivationFacts{.name = "tanhexp",
                        .formula = "x * tanh(exp(x))",
                        .slope_reads = Reads::x,
                        .source = "Liu and Di 2020; as TeLU: Fernandez and Mali 2024",
                        .derivative = "tanh(exp(x)) + x * exp(x) * (1 - tanh(exp(x))**2)",
                        .second_derivative = "exp(x) * (1 - tanh(exp(x))**2) "
                                             "* (2 + x * (1 - 2 * exp(x) * tanh(exp(x))))",
                        .aliases = {"telu"},
                        .low = -0.353285777848211271,
                        .slope_root = "-1.0788600584646",
                        .monotone = Monotone::no,
                        .saturates_low = true,
                        .lipschitz = 1.061975308717916,
                        .scale = {.slope = "tanh(exp(x)) + abs(x) * exp(x) * (1 - tanh(exp(x))**2)",
                                  .curve = "exp(x) * (1 - tanh(exp(x))**2) "
                                           "* (2 + abs(x) * (1 + 2 * exp(x) * tanh(exp(x))))"}}),
    elementwise<Elish>(ActivationFacts{
        .name = "elish",
        .formula = "x / (1 + exp(-x)) if x >= 0 else (exp(x) - 1) / (1 + exp(-x))",
        .slope_reads = Reads::x,
        .source = "Basirat and Roth 2018",
        .derivative = "(1 + (1 + x) * exp(-x)) / (1 + exp(-x))**2 if x >= 0 "
                      "else exp(x) * (exp(2 * x) + 2 * exp(x) - 1) / (1 + exp(x))**2",
        .second_derivative =
            "sigmoid(x) * sigmoid(-x) * (2 - x * tanh(x / 2)) if x >= 0 "
            "else exp(x) * (exp(3 * x) + 3 * exp(2 * x) + 5 * exp(x) - 1) / (1 + exp(x))**3",
        .low = -0.171572875253809902,
        .slope_root = "-0.88137358701954",
        .monotone = Monotone::no,
        .saturates_low = true,
        .lipschitz = 1.0998393201288669,
        .scale = {.slope = "1 if x >= 0 else exp(x)",
                  .curve = "sigmoid(x) * sigmoid(-x) * (2 + x * tanh(x / 2)) if x >= 0 else exp(x) "
                           "* (exp(3 * x) + 3 * exp(2 * x) + 5 * exp(x) + 1) / (1 + exp(x))**3"}}),
    elementwise<FlattenTSwish>(ActivationFacts{
        .name = "ftswish",
        .formula = "x / (1 + exp(-x)) + t if x > 0 else t",
        .slope_reads = Reads::x,
        .source = "Chieng et al. 2018, Flatten-T Swish",
        .derivative = "(1 + (1 + x) * exp(-x)) / (1 + exp(-x))**2 if x > 0 else 0",
        .second_derivative = "sigmoid(x) * sigmoid(-x) * (2 - x * tanh(x / 2)) if x > 0 else 0",
        .parameters = {{"t", -0.2}},
        .aliases = {"flatten_t_swish"},
        .low = -0.2,
        .kinks = {{"0", "0"}},
        .saturates_low = true,
        .lipschitz = 1.0998393201288669,
        .scale = {.value = "x / (1 + exp(-x)) + abs(t) if x > 0 else abs(t)",
                  .curve = "sigmoid(x) * sigmoid(-x) * (2 + x * tanh(x / 2)) if x > 0 else 0"}}),
};

}  // namespace

kernels::Rows<kernels::ActivationRow> smooth_gates() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
