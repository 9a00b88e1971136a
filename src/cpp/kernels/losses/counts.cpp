// Deviances of counts and positive amounts t, up to terms of t alone.
#include "residual.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// high - b.high + (low - b.low) for |high| > |low|, rounded nearly once.
template <class V>
V difference(DoubleWord<V> a, DoubleWord<V> b) {
    const DoubleWord<V> d = exact_sum(a.high, -b.high);
    return d.high + settled(d.low + (a.low - b.low));
}

// t x, 0 where t is 0.
template <class V>
DoubleWord<V> times_target(V t, DoubleWord<V> x) {
    const DoubleWord<V> p = product(DoubleWord<V>{t, V{}}, x);
    return {weighted(t, x.high), t == V{} ? V{} : settled(p.low)};
}

// a[0] = eps.  log(t!), which depends on the target only, is left out.
struct Poisson {
    template <class V>
    static DoubleWord<V> rate(V z, const V* a) {
        const DoubleWord<V> r = exact_sum(z, a[0]);
        return {z < V{} ? undefined<V>() : r.high, settled(r.low)};
    }
    template <class V>
    static V value(V z, V t, const V* a) {
        const DoubleWord<V> r = rate(z, a);
        const V infinity = number<V>(__builtin_inf());
        const V inside = difference(DoubleWord<V>{z, V{}}, times_target(t, log_pair(r)));
        return z < infinity ? unless_nan(r.high, inside) : z;
    }
    // 1 - t/r = (z + eps - t) / r
    template <class V>
    static V slope(V z, V t, const V* a) {
        const V r = rate(z, a).high;
        const DoubleWord<V> e = sum(residual(z, t), a[0]);
        const V one = number<V>(1), inside = t == V{} ? one : e.high / r;
        return z < number<V>(__builtin_inf()) ? unless_nan(r, inside) : unless_nan(z, one);
    }
    template <class V>
    static V curve(V z, V t, const V* a) {
        return over_square(t, rate(z, a).high);
    }
    template <class V>
    static V target_slope(V z, V, const V* a) {
        return -log_pair(rate(z, a)).high;
    }
};

// e^z as a double word.
template <class V>
DoubleWord<V> exp_pair(const Exponential<V>& e) {
    return {e.value(), e.scale(e.low)};
}

// log(t!), which depends on the target only, is left out.
struct PoissonLog {
    template <class V>
    static V value(V z, V t, const V*) {
        const DoubleWord<V> mean = exp_pair(exponential(z));
        const V inside = difference(mean, times_target(t, DoubleWord<V>{z, V{}}));
        return mean.high < number<V>(__builtin_inf()) ? inside : mean.high;
    }
    template <class V>
    static V slope(V z, V t, const V*) {
        return difference(exp_pair(exponential(z)), DoubleWord<V>{t, V{}});
    }
    template <class V>
    static V curve(V z, V, const V*) {
        return exp(z);
    }
    template <class V>
    static V target_slope(V z, V, const V*) {
        return -z;
    }
};

// With u = z - log t: u + e^-u - 1, 1 - e^-u.
struct GammaDevianceLog {
    template <class V>
    static DoubleWord<V> minus_u(V z, V t) {
        return sum(log_pair(t), -z);
    }
    template <class V>
    static V expm1_of(DoubleWord<V> x) {
        const V end = number<V>(-100), near = expm1_parts(at_least(x.high, end), x.low).value();
        return x.high < end ? number<V>(-1) : near;
    }
    template <class V>
    static V value(V z, V t, const V*) {
        const DoubleWord<V> x = minus_u(z, t);
        const Ints<Element<V>> steep = x.high > number<V>(40);
        return steep ? exponential(-z).times(t) : expm1_minus(x);
    }
    template <class V>
    static V slope(V z, V t, const V*) {
        const DoubleWord<V> x = minus_u(z, t);
        const Ints<Element<V>> steep = x.high > number<V>(40);
        return steep ? -exponential(-z).times(t) : -expm1_of(x);
    }
    template <class V>
    static V curve(V z, V t, const V*) {
        return exponential(-z).times(t);
    }
    // e^-z - 1/t
    template <class V>
    static V target_slope(V z, V t, const V*) {
        const DoubleWord<V> x = minus_u(z, t);
        const V steep = exponential(-z).value();
        return x.high > number<V>(40) ? steep : expm1_of(x) / t;
    }
};

// a[0] = p.  first = e^((2-p) z), second = e^((1-p) z); for p between 1 and 2 the value is a sum of
// two positive terms, elsewhere a difference.
struct TweedieLog {
    template <class V>
    struct Parts {
        DoubleWord<V> c1, c2;
        Exponential<V> second, first;
        Parts(V z, const V* a)
            : c1(exact_sum(number<V>(1), -a[0])),
              c2(exact_sum(number<V>(2), -a[0])),
              second(exponential_of_product(c1, DoubleWord<V>{z, V{}})),
              first(exponential_of_product(c2, DoubleWord<V>{z, V{}})) {}
    };
    // e factor as a double word, 0 where the factor is 0.
    template <class V>
    static DoubleWord<V> scaled(const Exponential<V>& e, DoubleWord<V> factor) {
        const DoubleWord<V> p = product(factor, DoubleWord<V>{e.mantissa, e.low});
        const Ints<Element<V>> none = factor.high == V{};
        return {none ? V{} : e.scale(p.high), none ? V{} : e.scale(settled(p.low))};
    }
    // Where both terms are infinite, the one that grows faster decides: `sign` infinity.
    template <class V>
    static V balance(V z, DoubleWord<V> a, DoubleWord<V> b, V sign) {
        const V infinity = number<V>(__builtin_inf()), d = difference(a, b);
        const Ints<Element<V>> both = (abs(a.high) == infinity) & (a.high == b.high);
        return unless_nan(z, both ? sign * infinity : d);
    }
    template <class V>
    static V value(V z, V t, const V* a) {
        const Parts<V> p(z, a);
        const V one = number<V>(1);
        const DoubleWord<V> f = scaled(p.first, quotient(DoubleWord<V>{one, V{}}, p.c2));
        const DoubleWord<V> s = scaled(p.second, quotient(DoubleWord<V>{t, V{}}, p.c1));
        return balance(z, f, s, one);
    }
    template <class V>
    static V slope(V z, V t, const V* a) {
        const Parts<V> p(z, a);
        const DoubleWord<V> f = scaled(p.first, DoubleWord<V>{number<V>(1), V{}});
        return balance(z, f, scaled(p.second, DoubleWord<V>{t, V{}}), sign(z));
    }
    template <class V>
    static V curve(V z, V t, const V* a) {
        const Parts<V> p(z, a);
        const DoubleWord<V> weight = product(DoubleWord<V>{t, V{}}, p.c1);
        return balance(z, scaled(p.first, p.c2), scaled(p.second, weight), number<V>(1));
    }
};

constexpr kernels::LossRow rows[] = {
    elementwise_loss<Poisson>(LossFacts{.name = "poisson",
                                        .formula = "z - t * log(z + eps)",
                                        .link = Link::none,
                                        .targets = Targets::non_negative,
                                        .source = "McCullagh and Nelder 1989; log(t!) is left out",
                                        .gradient = "1 - t / (z + eps)",
                                        .second_derivative = "t / (z + eps)**2",
                                        .input = "rate",
                                        .parameters = {{"eps", 0.0, Domain::non_negative}},
                                        .z_above = 0,
                                        .scale = {.value = "z + t * abs(log(z + eps))"}}),
    elementwise_loss<PoissonLog>(
        LossFacts{.name = "poisson_log",
                  .formula = "exp(z) - t * z",
                  .link = Link::exponential,
                  .targets = Targets::non_negative,
                  .source = "McCullagh and Nelder 1989; log(t!) is left out",
                  .gradient = "exp(z) - t",
                  .second_derivative = "exp(z)",
                  .input = "log rate",
                  .aliases = {"poisson_nll"},
                  .scale = {.value = "exp(z) + t * abs(z)", .slope = "exp(z) + t"}}),
    elementwise_loss<GammaDevianceLog>(LossFacts{
        .name = "gamma_deviance_log",
        .formula = "z + t * exp(-z) - log(t) - 1",
        .link = Link::exponential,
        .targets = Targets::positive,
        .source = "McCullagh and Nelder 1989; half the deviance",
        .gradient = "1 - t * exp(-z)",
        .second_derivative = "t * exp(-z)",
        .input = "log mean",
        .scale = {.value = "abs(z) + t * exp(-z) + abs(log(t)) + 1", .slope = "1 + t * exp(-z)"}}),
    elementwise_loss<TweedieLog>(LossFacts{
        .name = "tweedie_log",
        .formula = "exp((2 - p) * z) / (2 - p) - t * exp((1 - p) * z) / (1 - p)",
        .link = Link::exponential,
        .targets = Targets::non_negative,
        .source = "Jorgensen 1987; half the deviance without terms of t alone; "
                  "p = 1 is "
                  "poisson_log, p = 2 gamma_deviance_log",
        .gradient = "exp((2 - p) * z) - t * exp((1 - p) * z)",
        .second_derivative = "(2 - p) * exp((2 - p) * z) - (1 - p) * t * exp((1 - p) * z)",
        .input = "log mean",
        .parameters = {{"p", 1.5, Domain::tweedie_power}},
        .scale = {.value = "exp((2 - p) * z) / abs(2 - p) + t * exp((1 - p) * "
                           "z) / abs(1 - p)",
                  .slope = "exp((2 - p) * z) + t * exp((1 - p) * z)",
                  .curve = "abs(2 - p) * exp((2 - p) * z) "
                           "+ abs(1 - p) * t * exp((1 - p) * z)"}}),
};

}  // namespace

kernels::Rows<kernels::LossRow> counts() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
