// The loss of angles and phases: what repeats every c.
#include "../trigonometry.hpp"
#include "residual.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

constexpr double pi = 3.14159265358979323846;

// pi (x + x_low)
template <class V>
DoubleWord<V> times_pi(DoubleWord<V> x) {
    constexpr double low =
        sizeof(Element<V>) == 4 ? -8.7422780126189537e-8 : 1.2246467991473532e-16;
    const DoubleWord<V> p = product(x, DoubleWord<V>{number<V>(pi), number<V>(low)});
    return sum_of_ordered(p.high, p.low);
}

// x - n c for the integer n that brings it into [-c/2, c/2], exactly, by long division.
template <class V>
V modulo(V x, V c) {
    using T = Element<V>;
    constexpr int digits = sizeof(T) == 4 ? 20 : 48;  // of the quotient, found per step
    const V one = number<V>(1), four = number<V>(4);
    const V lift = abs(x) > one / splat(Traits<T>::smallest_normal) ? four : one;
    x /= lift, c /= lift;
    for (int step = 0; step < 50; ++step) {
        const V ahead = split(abs(x)).k - split(c).k - number<V>(digits);
        const Ints<T> far = (ahead > V{}) & (abs(x) < number<V>(__builtin_inf()));
        if (!any<T>(far)) break;
        const V unit = PowerOfTwo<V>(round(far ? ahead : V{})).times(c), q = round(x / unit).value;
        const V p = q * unit, rest = (x - p) - product_error(q, unit, p);
        x = far ? rest : x;
    }
    const V q = round(x / c).value, p = q * c;
    return lift * ((x - p) - product_error(q, c, p));
}

// a[0] = c.  2 sin^2(pi u) with u = e/c less the nearest integer.
struct Periodic {
    // c u in [-c/2, c/2]
    template <class V>
    static DoubleWord<V> reduced(V z, V t, V c) {
        const DoubleWord<V> e = residual(z, t);
        const DoubleWord<V> r = exact_sum(modulo(e.high, c), modulo(e.low, c));
        const V half = number<V>(0.5);
        const V turn = abs(r.high) > half * c ? copy_sign(c, r.high) : V{};
        return sum(r, -turn);
    }
    // c |u| as its distance from the nearer of 0 and c/2, and the angle pi |u|.
    template <class V>
    struct Folded {
        DoubleWord<V> rest;
        Angle<V> angle;
        Folded(DoubleWord<V> r, V c) {
            const DoubleWord<V> u = abs(r);
            const Ints<Element<V>> far = u.high > number<V>(0.25) * c;
            rest = select(far, sum(-u, number<V>(0.5) * c), u);
            const DoubleWord<V> a = times_pi(quotient(rest, word(c)));
            angle = {select(far, -a, a), far & 1};
        }
    };
    template <class V>
    static V value(V z, V t, const V* a) {
        const Folded<V> f(reduced(z, t, a[0]), a[0]);
        const DoubleWord<V> s = sine_cosine(f.angle).sine;
        const DoubleWord<V> p = product(s, s);
        return number<V>(2) * p.high + number<V>(2) * p.low;
    }
    // 2 pi / c sin(2 pi u) = 4 pi / c sin(pi u) cos(pi u)
    template <class V>
    static V slope(V z, V t, const V* a) {
        const DoubleWord<V> r = reduced(z, t, a[0]);
        const Folded<V> f(r, a[0]);
        const SineCosine<V> w = sine_cosine(f.angle);
        const V bent = w.sine.high * w.cosine.high * number<V>(4 * pi) / a[0];
        // Divided by c, the distance may be too small to have all its digits.
        const V straight = over_square(f.rest.high, a[0], 4 * pi * pi);
        const V size = abs(f.rest.high) < number<V>(0x1p-40) * a[0] ? straight : bent;
        return r.high < V{} ? -size : size;
    }
    // (2 pi / c)^2 cos(2 pi u) = (2 pi / c)^2 sin(2 pi g), g = 1/4 - |u|
    template <class V>
    static V curve(V z, V t, const V* a) {
        const DoubleWord<V> g = sum(-abs(reduced(z, t, a[0])), number<V>(0.25) * a[0]);
        const SineCosine<V> w =
            sine_cosine(Angle<V>{times_pi(quotient(g, word(a[0]))), Ints<Element<V>>{}});
        const V rate = number<V>(2 * pi) / a[0];
        return number<V>(2) * w.sine.high * w.cosine.high * rate * rate;
    }
    template <class V>
    static V target_slope(V z, V t, const V* a) {
        return -slope(z, t, a);
    }
};

constexpr kernels::LossRow rows[] = {
    elementwise_loss<Periodic>(
        LossFacts{.name = "periodic",
                  .formula = "1 - cos(2 * pi * (z - t) / c)",
                  .link = Link::identity,
                  .targets = Targets::real,
                  .source = "LossFunctions.jl; c is the period",
                  .gradient = "2 * pi / c * sin(2 * pi * (z - t) / c)",
                  .second_derivative = "(2 * pi / c)**2 * cos(2 * pi * (z - t) / c)",
                  .input = "angle",
                  .parameters = {{"c", 1.0, Domain::positive}}}),
};

}  // namespace

kernels::Rows<kernels::LossRow> angular() { return rows_of(rows); }

}  // namespace deltarule::DELTARULE_ISA
