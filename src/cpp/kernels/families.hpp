// The families of the catalogue, in the order readers see: each is one file of activations/ or
// losses/, compiled once per instruction set, and defines a function of its name.
#pragma once

#include "table.hpp"

#define DELTARULE_ACTIVATION_FAMILIES(X) \
    X(sigmoidal)                         \
    X(rectified)                         \
    X(hard)                              \
    X(shrinking)                         \
    X(exponential_units)                 \
    X(softplus_like)                     \
    X(gelu_like)                         \
    X(smooth_gates)                      \
    X(algebraic)                         \
    X(polynomials)                       \
    X(periodic)                          \
    X(normalised)                        \
    X(rescaled)                          \
    X(reductions)                        \
    X(gated)

#define DELTARULE_LOSS_FAMILIES(X) \
    X(regression)                  \
    X(robust)                      \
    X(quantile)                    \
    X(relative)                    \
    X(angular)                     \
    X(counts)                      \
    X(binary)                      \
    X(focal)                       \
    X(margins)                     \
    X(multiclass)
