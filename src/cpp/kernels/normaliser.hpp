// What softmax and the losses that merge it share: the terms e^(x_j / t) of a row and their sum.
//
// With m the largest x_j, a term is E_j = 2^B e^((x_j - a) / t), where a is near m and (m - a) / t
// a reduced argument of exp: x_j is reduced as it comes, so that x_j - m is never rounded.  Where
// |m| is too large for that, a = m; then x_j - m is exact for every term that is not 0.  The factor
// 2^B keeps all terms normal numbers down to those whose share of the sum rounds to 0.
//
// One rule serves every row: x_j - m is 0 where x_j equals m.  It gives softmax its limit for
// entries of -inf and +inf, 1/K for a row of -inf, and NaN for a row that holds a NaN.
//
// With rest the sum of all but one maximal term E_m, log1p(rest / E_m) is the logarithm of the
// normaliser and -rest / (rest + E_m) the slope of a confident right answer: neither is rounded to
// 0.
#pragma once

#include "row.hpp"

namespace deltarule::DELTARULE_ISA {

template <class T>
struct TermConstants;
template <>
struct TermConstants<float> {
    static constexpr int lift = 90;      // B
    static constexpr float range = 149;  // e^-range rounds to 0, 2^B e^-range is a normal number
    static constexpr float log2_e = 1.44269504f;
    // k ln2_high is exact for |k| < 2^12
    static constexpr float ln2_high = 0x1.62ep-1f, ln2_low = 0x1.0bfbe8p-15f;
    static constexpr float ln2 = 0x1.62e430p-1f, ln2_rest = -0x1.05c610p-29f;
    // (e^r - 1 - r) / r^2 on |r| <= ln(2)/2: e^r to 2^-28.3
    static constexpr double series[] = {0.49999993432129290236, 0.16666520399042530069,
                                        0.041668390783547913136, 0.0083687451089425906506,
                                        0.0013814540176801306354};
};
template <>
struct TermConstants<double> {
    static constexpr int lift = 900;
    static constexpr double range = 1330;
    static constexpr double log2_e = 1.4426950408889634074;
    static constexpr double ln2_high = 0x1.62e42f8p-1, ln2_low = 0x1.be8e7bcd5e4f2p-27;
    static constexpr double ln2 = 0x1.62e42fefa39efp-1, ln2_rest = 0x1.abc9e3b39803fp-56;
    // 2^-57.9
    static constexpr double series[] = {0.50000000000000106688,     0.16666666666666411508,
                                        0.041666666666529728134,    0.008333333333494977261,
                                        0.0013888888943759984011,   0.00019841269505773806997,
                                        0.000024801492949617070769, 2.7557586803847070697e-6,
                                        2.7630306255647857359e-7,   2.5000018853083341953e-8};
};

// How (x - a) / t becomes k ln 2 + r: here for t = 1.
template <class T>
struct Unit {
    using V = Vec<T>;
    using C = TermConstants<T>;
    DELTARULE_INLINE V scaled(V x) const { return x; }
    DELTARULE_INLINE V per_step() const { return splat(C::log2_e); }
    DELTARULE_INLINE V step_high() const { return splat(C::ln2_high); }
    DELTARULE_INLINE V step_low() const { return splat(C::ln2_low); }
    DELTARULE_INLINE V range() const { return splat(C::range); }
    DELTARULE_INLINE V divided(V x) const { return x; }
    DELTARULE_INLINE V remainder(V r) const { return r; }
    DELTARULE_INLINE V divided_low(V r) const { return r; }
    DELTARULE_INLINE double exponent(double u) const { return u; }
};

// For any t > 0, with x and t multiplied by the power of two that brings t to [1, 2).
template <class T>
class Temperature {
public:
    using V = Vec<T>;
    using C = TermConstants<T>;
    explicit Temperature(T t) : t_(splat(t)) {
        using Tr = Traits<T>;
        constexpr typename Tr::Int most = 2 * Tr::bias - 1;
        Ints<T> e = bits(t_) >> Tr::mantissa_bits;
        e = e < 1 ? Ints<T>{} + 1 : e > most ? Ints<T>{} + most : e;
        scale_ = power_of_two<T>(Tr::bias - e);
        const V u = t_ * scale_, ln2 = splat(C::ln2), step = u * ln2;
        high_ = (V)(bits(step) & Tr::upper_half);
        low_ = (step - high_) + (product_error(u, ln2, step) + u * splat(C::ln2_rest));
        const DoubleWord<V> q = quotient(DoubleWord<V>{number<V>(1), V{}}, DoubleWord<V>{u, V{}});
        inverse_ = q.high, inverse_low_ = q.low, range_ = u * splat(C::range);
        scaled_ = double(u[0]);
    }
    DELTARULE_INLINE V scaled(V x) const { return x * scale_; }
    DELTARULE_INLINE V per_step() const { return inverse_ * splat(C::log2_e); }
    DELTARULE_INLINE V step_high() const { return high_; }
    DELTARULE_INLINE V step_low() const { return low_; }
    DELTARULE_INLINE V range() const { return range_; }
    DELTARULE_INLINE V divided(V x) const { return x / t_; }
    DELTARULE_INLINE V remainder(V r) const { return madd(r, inverse_, r * inverse_low_); }
    DELTARULE_INLINE V divided_low(V r) const { return r * inverse_; }
    DELTARULE_INLINE double exponent(double u) const { return u / scaled_; }

private:
    V t_, scale_, high_, low_, inverse_, inverse_low_, range_;
    double scaled_;
};

// The sum of the terms of a row.
template <class T>
struct Normaliser {
    using V = Vec<T>;
    Wide<T> top, rest, inverse;  // E_m, rest, 1 / (E_m + rest)
    V high, low;                 // of the inverse

    Normaliser(Wide<T> top_term, Wide<T> others)
        : top(top_term),
          rest(others),
          inverse(Wide<T>(1) / (top_term + others)),
          high(inverse.high()),
          low(inverse.low()) {}
    // The sum of e^((x_j - m) / t), less 1, and its logarithm
    DELTARULE_INLINE V odds() const { return (rest / top).high(); }
    DELTARULE_INLINE V log_total() const { return log1p_of_positive(odds()); }
    DELTARULE_INLINE V probability(V term) const {
        return product_and_rest(term, high, term * low);
    }
    DELTARULE_INLINE V share(Wide<T> terms) const { return (terms * inverse).high(); }
};

template <class T, class Scale>
class Terms;

// The mass p - q of a row.  At the largest p, where q is most of the mass, 1 - p is taken from the
// other terms.
template <class T>
class Residual {
public:
    using V = Vec<T>;
    template <class Scale>
    Residual(const Terms<T, Scale>& terms, const Normaliser<T>& n, V mass)
        : n_(n), mass_(mass), top_(terms(terms.max)), from_others_(mass * n.share(n.rest)) {}
    DELTARULE_INLINE V operator()(V term, V q) const {
        const auto mine = (term == top_) & (number<V>(2) * abs(q) > abs(mass_));
        return mine ? (mass_ - q) - from_others_ : mass_ * n_.probability(term) - q;
    }

private:
    const Normaliser<T>& n_;
    V mass_, top_, from_others_;
};

template <class T, class Scale = Unit<T>>
class Terms {
public:
    using V = Vec<T>;
    using C = TermConstants<T>;

    // m of each lane, where every lane is a row of its own.
    struct Maxima {
        V each;
    };

    template <class R>
    explicit Terms(const R& x, Scale scale = {}) : Terms(Maxima{largest(x)}, scale) {}
    explicit Terms(Maxima m, Scale scale = {}) : max(m.each), scale_(scale) {
        const V range = scale_.range(), zero{};
        const auto near = abs(scale_.scaled(max)) <= range + range;
        shift_ = near ? zero : max;
        top_ = near ? scale_.scaled(max) : zero;
        lowest_ = top_ - range;
        const V magic = splat(Traits<T>::magic);
        k_ = madd(top_, scale_.per_step(), magic) - magic;
        magic_ = (magic + number<V>(C::lift + Traits<T>::bias)) - k_;
    }

    // x - m
    DELTARULE_INLINE V shifted(V x) const { return x == max ? V{} : x - max; }
    // (x - m) / t
    DELTARULE_INLINE V exponent(V x) const { return scale_.divided(shifted(x)); }
    // E
    DELTARULE_INLINE V operator()(V x) const { return term(x, x != max); }
    // The sum; each(block, x, E) sees every term, `sums` are what it adds to.
    template <class R, class F, class... Sums>
    DELTARULE_INLINE Normaliser<T> sum(const R& x, F each, Sums&... sums) const {
        Sum<T> others;
        std::ptrdiff_t smaller = 0;
        for_each_block<T>(
            x.size,
            [&](auto b) {
                const V v = x(b, max);
                const auto other = v != max;
                const V e = term(v, other);
                others.add_where(other, e);
                smaller += count_different(max, v);
                each(b, v, e);
            },
            others, sums...);
        const Wide<T> e = top(), more = double(x.size - smaller - 1);
        return {e, others.total() + more * e};
    }
    template <class R>
    DELTARULE_INLINE Normaliser<T> sum(const R& x) const {
        return sum(x, [](auto, V, V) {});
    }

    // E_m of each lane
    DELTARULE_INLINE DoubleWord<V> top_of_each() const {
        const V high = madd(k_, -scale_.step_high(), top_), down = k_ * scale_.step_low();
        const V r = scale_.remainder(high - down);
        const V r_low = scale_.remainder((high - (high - down)) - down);
        const DoubleWord<V> m = sum_of_ordered(r, madd(r * r, polynomial(r, C::series), r_low));
        const DoubleWord<V> e = sum_of_ordered(number<V>(1), m.high);
        const V lift = power_of_two<T>(Ints<T>{} + C::lift);
        return {e.high * lift, (e.low + m.low) * lift};
    }

    V max;  // m, in every lane as everything here but `Maxima`

private:
    DELTARULE_INLINE V term(V x, Ints<T> other) const {
        const V u = at_least(other ? scale_.scaled(x - shift_) : top_, lowest_);
        const V s = madd(u, scale_.per_step(), magic_), k = s - magic_;
        const V high = madd(k, -scale_.step_high(), u), shifted = madd(k, -scale_.step_low(), high);
        const V lost = madd(k, -scale_.step_low(), high - shifted);
        const V r = scale_.remainder(shifted), power = (V)(bits(s) << Traits<T>::mantissa_bits);
        return raised(power, r + madd(r * polynomial(r, C::series), r, scale_.divided_low(lost)));
    }
    // E_m to nearly twice the digits
    DELTARULE_INLINE Wide<T> top() const {
        if constexpr (sizeof(T) == 4) {
            const double r = scale_.exponent(double(top_[0])) - double(k_[0]) * 0.6931471805599453;
            double p = 0;
            for (std::size_t i = sizeof C::series / sizeof *C::series; i-- > 0;)
                p = p * r + C::series[i];
            return (1 + (r + r * r * p)) * double(1ull << (C::lift / 2)) *
                   double(1ull << (C::lift - C::lift / 2));
        } else {
            return top_of_each();
        }
    }

    Scale scale_;
    V shift_, top_, lowest_, k_, magic_;
};

}  // namespace deltarule::DELTARULE_ISA
