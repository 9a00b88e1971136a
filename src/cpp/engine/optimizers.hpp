// From gradients to steps: which update of the kernels, with which constants, over which state.
#pragma once

#include <cmath>
#include <stdexcept>
#include <string>

#include "arena.hpp"

namespace deltarule::engine {

// What the engine must know of an optimizer beside its update.
struct Rule {
    const char* name;
    kernels::Update update;
    int states;
    bool normalised;       // a gradient of twice the size gives the same step
    bool unbiased = true;  // epsilon stands beside the unbiased second moment
};

inline constexpr Rule rules[] = {
    {"sgd", kernels::Update::momentum, 1, false},
    {"adam", kernels::Update::adam, 2, true, false},  // as in scikit-learn
    {"adamw", kernels::Update::adam, 2, true},
    {"nadam", kernels::Update::nadam, 2, true},
    {"adagrad", kernels::Update::adagrad, 1, true},
    {"rmsprop", kernels::Update::rmsprop, 1, true},
    {"lion", kernels::Update::lion, 1, true},
};

inline const Rule& rule_of(const std::string& name) {
    for (const Rule& rule : rules)
        if (rule.name == name) return rule;
    throw std::invalid_argument("The engine has no solver '" + name + "'.");
}

struct OptimizerSettings {
    const Rule* rule = &rule_of("adam");
    double learning_rate = 1e-3;
    double momentum = 0.9;
    bool nesterov = true;
    double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
    double rho = 0.9;  // of rmsprop
};

template <class T>
class Optimizer {
public:
    Optimizer(const OptimizerSettings& settings, Index parameters)
        : settings_(settings),
          first_(parameters),
          second_(settings.rule->states > 1 ? parameters : 0) {}

    double learning_rate() const { return settings_.learning_rate; }
    void set_learning_rate(double rate) { settings_.learning_rate = rate; }

    // Begins the next step: its constants.
    void advance() {
        using kernels::Update;
        const OptimizerSettings& s = settings_;
        ++steps_;
        const double t = double(steps_);
        const double unbiased = std::sqrt(1 - std::pow(s.beta_2, t));  // of the second moment
        rate_ = s.learning_rate, epsilon_ = s.epsilon;
        a1_ = s.beta_1, a2_ = s.beta_2;
        switch (s.rule->update) {
            case Update::momentum:
                a1_ = s.momentum, a2_ = s.nesterov ? 1 : 0;
                break;
            case Update::adam:
                rate_ *= unbiased / (1 - std::pow(s.beta_1, t));
                if (s.rule->unbiased) epsilon_ *= unbiased;
                break;
            case Update::nadam: {
                product_ *= look_ahead(t);
                const double next = look_ahead(t + 1);
                moment_rate_ = rate_ * unbiased * next / (1 - product_ * next);
                rate_ *= unbiased * (1 - look_ahead(t)) / (1 - product_);
                epsilon_ *= unbiased;
                break;
            }
            case Update::rmsprop:
                a1_ = s.rho;
                break;
            default:
                break;
        }
    }

    // The step of n parameters w from `at` on, the learning rate times `factor`; any of them, on
    // any thread.  They are `scale` times those that the step is defined for, of which g is then
    // 1 / scale times the gradient.
    void update(const kernels::VectorLoops<T>& loops, Index at, Index n, double factor,
                double scale, T* w, const T* g) {
        const Rule& rule = *settings_.rule;
        const double both = factor * (rule.normalised ? scale : scale * scale);
        const T a[kernels::update_constants] = {T(rate_ * both), T(a1_), T(a2_),
                                                T(epsilon_ / scale), T(moment_rate_ * both)};
        loops.update[int(rule.update)](n, w, g, first_.at(at),
                                       rule.states > 1 ? second_.at(at) : nullptr, a);
    }

    // What a later run needs to go on: the state of the rule, and the number of steps.
    Arena<T>& first() { return first_; }
    Arena<T>& second() { return second_; }
    Index steps() const { return steps_; }
    void set_steps(Index steps) {
        steps_ = steps, product_ = 1;
        if (settings_.rule->update == kernels::Update::nadam)
            for (Index t = 1; t <= steps; ++t) product_ *= look_ahead(double(t));
    }

private:
    // The momentum of a step of nadam, which rises to beta_1.
    double look_ahead(double t) const {
        return settings_.beta_1 * (1 - 0.5 * std::pow(0.96, 0.004 * t));
    }

    OptimizerSettings settings_;
    Arena<T> first_, second_;
    double rate_ = 0, moment_rate_ = 0, epsilon_ = 0, a1_ = 0, a2_ = 0;
    double product_ = 1;  // of the momenta of nadam
    Index steps_ = 0;
};

}  // namespace deltarule::engine
