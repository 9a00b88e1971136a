// The element-wise activations: one struct each.
//
//   value(x, a)     f(x), with a the parameters in the order of the catalogue row
//   slope(x, y, a)  f'(x), which may also read y = f(x); the row says which of the two it reads
//
// Written on vectors; x, y and each a[i] are `Vec<T>`.  A slope is computed from what keeps its
// digits: y (1 - y) is 0 in the tail of a sigmoid, t / (1 + t)^2 with t = e^-|x| is right
// everywhere. At a kink the slope is 0 if 0 lies between the one-sided slopes, else the slope from
// the left.
#pragma once

#include "vmath.hpp"

namespace deltarule::DELTARULE_ISA {

template <class V>
DELTARULE_INLINE V number(double value) {
    return splat(Element<V>(value));
}

// e^-u is 0: keeps inf * 0 out.
template <class V>
DELTARULE_INLINE auto vanishes(V u) {
    return u > splat(-Constants<Element<V>>::exp_lowest);
}

// u, or the nearest number where e^-|u| is 0 already.
template <class V>
DELTARULE_INLINE V bounded(V u) {
    const V end = splat(-Constants<Element<V>>::exp_lowest);
    return min(max(u, -end), end);
}

struct Identity {
    template <class V>
    static V value(V x, const V*) {
        return x;
    }
    template <class V>
    static V slope(V, V, const V*) {
        return number<V>(1);
    }
};

struct Sigmoid {
    template <class V>
    static V value(V x, const V*) {
        const Exponential<V> e = exponential(-abs(x));
        const V t = e.value(), d = number<V>(1) + t;
        return x < V{} ? e.scale(e.mantissa / d) : unless_nan(x, number<V>(1) / d);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const Exponential<V> e = exponential(-abs(x));
        const V d = number<V>(1) + e.value();
        return e.scale(e.mantissa / (d * d));
    }
};

struct Tanh {
    template <class V>
    static V value(V x, const V*) {
        return tanh(x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const Exponential<V> e = exponential(number<V>(-2) * abs(x));
        const V d = number<V>(1) + e.value();
        return e.scale(number<V>(4) * e.mantissa / (d * d));
    }
};

struct Relu {
    template <class V>
    static V value(V x, const V*) {
        return x <= V{} ? V{} : x;
    }
    template <class V>
    static V slope(V, V y, const V*) {
        return y > V{} ? number<V>(1) : y;  // y is 0 or NaN
    }
};

struct LeakyRelu {
    template <class V>
    static V value(V x, const V* a) {
        const V scaled = a[0] == V{} ? unless_nan(x, V{}) : a[0] * x;  // 0 * -inf is 0 here
        return x > V{} ? x : scaled;
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        return x > V{} ? number<V>(1) : unless_nan(x, a[0]);
    }
};

struct Elu {
    template <class V>
    static V value(V x, const V* a) {
        return x > V{} ? x : a[0] * expm1_of_negative(x);
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const Exponential<V> e = exponential(x);
        return x > V{} ? number<V>(1) : e.scale(a[0] * e.mantissa);
    }
};

struct Selu {
    static constexpr double scale = 1.0507009873554804934193349852946;
    static constexpr double scale_alpha = 1.7580993408473768599402175208123;
    template <class V>
    static V value(V x, const V*) {
        return x > V{} ? number<V>(scale) * x : number<V>(scale_alpha) * expm1_of_negative(x);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const Exponential<V> e = exponential(x);
        return x > V{} ? number<V>(scale) : e.scale(number<V>(scale_alpha) * e.mantissa);
    }
};

struct Softplus {
    template <class V>
    static V value(V x, const V* a) {
        const V t = exponential_of_product(-abs(x), a[0]).value();
        return max(x, V{}) + log1p_of_positive(t) / a[0];
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const Exponential<V> e = exponential_of_product(-abs(x), a[0]);
        const V d = number<V>(1) + e.value();
        return x < V{} ? e.scale(e.mantissa / d) : unless_nan(x, number<V>(1) / d);
    }
};

struct Gelu {
    static constexpr double density_at_zero = 0.39894228040143267793994605993438;  // 1/sqrt(2 pi)
    template <class V>
    static V value(V x, const V*) {
        const NormalTail<V> q = normal_tail(x);
        const V left = -q.density.times(q.z * q.ratio);
        return x < V{} ? left : x * (number<V>(1) - q.density.value() * q.ratio);
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const NormalTail<V> q = normal_tail(x);
        const V left = q.density.mantissa * (q.ratio - q.z * number<V>(density_at_zero));
        return x < V{} ? q.density.scale(left) : number<V>(1) - q.density.scale(left);
    }
};

struct Silu {
    template <class V>
    static V value(V x, const V* a) {
        const Exponential<V> e = exponential_of_product(-abs(x), a[0]);
        const V d = number<V>(1) + e.value(), left = e.times(x / d);
        return x < V{} ? (vanishes(-a[0] * x) ? -V{} : left) : x / d;
    }
    template <class V>
    static V slope(V x, V, const V* a) {
        const Exponential<V> e = exponential_of_product(-abs(x), a[0]);
        const V d = number<V>(1) + e.value(), u = bounded(a[0] * x);
        const V left = e.mantissa * (d + u) / (d * d);
        const V right = e.scale(e.mantissa * u / (d * d)) + number<V>(1) / d;
        return x < V{} ? e.scale(left) : right;
    }
};

// With t = e^-|x|:  x <= 0: tanh(softplus(x)) = t (t + 2) / (t (t + 2) + 2)
//                   x >  0: tanh(softplus(x)) = (1 + 2 t) / (1 + 2 t + 2 t^2)
struct Mish {
    template <class V>
    static V value(V x, const V*) {
        const Exponential<V> e = exponential(-abs(x));
        const V t = e.value(), two = number<V>(2), n = t * (t + two);
        const V left = bounded(x) * ((t + two) / (n + two));
        const V m = madd(two, t, number<V>(1));
        return x <= V{} ? e.times(left) : x * (m / madd(two * t, t, m));
    }
    template <class V>
    static V slope(V x, V, const V*) {
        const Exponential<V> e = exponential(-abs(x));
        const V t = e.value(), two = number<V>(2), four = number<V>(4), unit = number<V>(1);
        const V b = bounded(x);
        const V d = madd(t, t + two, two);
        const V left = e.mantissa * madd((t + two), d, four * b * (unit + t)) / (d * d);
        const V m = madd(two, t, unit), q = madd(two * t, t, m);
        const V right = madd(m, q, four * b * t * t * (unit + t)) / (q * q);
        return x <= V{} ? e.scale(left) : unless_nan(x, right);
    }
};

struct Step {
    template <class V>
    static V value(V x, const V* a) {
        return x >= a[0] ? number<V>(1) : unless_nan(x, V{});
    }
    template <class V>
    static V slope(V x, V, const V*) {
        return unless_nan(x, V{});
    }
};

}  // namespace deltarule::DELTARULE_ISA
