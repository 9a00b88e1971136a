// Elementary functions on vectors.  Each states its range, its error and its source.
//
// Errors are in units in the last place (ulp) of the exact result: the largest met over every
// eleventh float32 between 1e-3 and 80 of both signs on the baseline and on AVX-512, rounded up; of
// double words, relative to their high part and estimated by counting roundings.  What the tests
// assert, against the 800-digit oracle, are the catalogue functions made of these
// (tests/errors.json).  `madd` is fused except on the baseline.
#pragma once

#include "vmath/exponential.hpp"
#include "vmath/logarithm.hpp"
#include "vmath/normal.hpp"
