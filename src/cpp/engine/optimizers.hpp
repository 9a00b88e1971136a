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

    double learning_rate() const { return settings_.learning_rate; }
    void set_learning_rate(double rate) { settings_.learning_rate = rate; }

    // Begins the next step: its constants.
    void advance() {
        const OptimizerSettings& s = settings_;
        ++steps_;
        rate_ = s.learning_rate;
        if (s.rule == Rule::sgd) {
            constants_[1] = T(s.momentum);
            constants_[2] = T(s.nesterov ? 1 : 0);
            return;
        }
        const double t = double(steps_);
        rate_ *= std::sqrt(1 - std::pow(s.beta_2, t)) / (1 - std::pow(s.beta_1, t));
        constants_[1] = T(s.beta_1);
        constants_[2] = T(s.beta_2);
        constants_[3] = T(s.epsilon);
    }

    // The step of n parameters w from `at` on, the learning rate times `factor`; any of them, on
    // any thread.
    void update(const kernels::VectorLoops<T>& loops, Index at, Index n, double factor, T* w,
                const T* g) {
        const T a[] = {T(rate_ * factor), constants_[1], constants_[2], constants_[3]};
        if (settings_.rule == Rule::sgd)
            loops.momentum(n, w, g, first_.at(at), a);
        else
            loops.adam(n, w, g, first_.at(at), second_.at(at), a);
    }

    // What a later run needs to go on: velocity, or the two moments, and the number of steps.
    Arena<T>& first() { return first_; }
    Arena<T>& second() { return second_; }
    Index steps() const { return steps_; }
    void set_steps(Index steps) { steps_ = steps; }

private:
    OptimizerSettings settings_;
    Arena<T> first_, second_;
    double rate_ = 0;
    T constants_[4] = {};
    Index steps_ = 0;
};

}  // namespace deltarule::engine
