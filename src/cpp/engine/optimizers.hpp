// From gradients to steps: which update of the kernels, with which constants, over which state.
#pragma once

#include <cmath>

#include "arena.hpp"

namespace deltarule::engine {

enum class Rule { sgd, adam };

struct OptimizerSettings {
    Rule rule = Rule::adam;
    double learning_rate = 1e-3;
    double momentum = 0.9;
    bool nesterov = true;
    double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
};

template <class T>
class Optimizer {
public:
    Optimizer(const OptimizerSettings& settings, Index parameters)
        : settings_(settings),
          first_(parameters),
          second_(settings.rule == Rule::adam ? parameters : 0) {}

    void step(const kernels::VectorLoops<T>& loops, Index n, T* w, const T* g) {
        const OptimizerSettings& s = settings_;
        ++steps_;
        if (s.rule == Rule::sgd) {
            const T a[] = {T(s.learning_rate), T(s.momentum), T(s.nesterov ? 1 : 0), T(0)};
            loops.momentum(n, w, g, first_.at(0), a);
            return;
        }
        const double t = double(steps_);
        const double rate =
            s.learning_rate * std::sqrt(1 - std::pow(s.beta_2, t)) / (1 - std::pow(s.beta_1, t));
        const T a[] = {T(rate), T(s.beta_1), T(s.beta_2), T(s.epsilon)};
        loops.adam(n, w, g, first_.at(0), second_.at(0), a);
    }

private:
    OptimizerSettings settings_;
    Arena<T> first_, second_;  // velocity, or the two moments
    Index steps_ = 0;
};

}  // namespace deltarule::engine
