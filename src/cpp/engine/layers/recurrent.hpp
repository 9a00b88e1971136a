// What recurrent layers share.  Letters: S time steps, I features, H units; a row of the batch is a
// sequence.
//
// Arrays of a sequence lie step after step, so that the products that need no recurrence (x W, and
// the gradients of W and U) are one product over all rows and steps; a step of all rows is a matrix
// whose rows are S steps apart.
#pragma once

#include <algorithm>

#include "weights.hpp"

namespace deltarule::engine::layers {

struct Sequence {
    Index steps, inputs, units;
    bool all_steps;   // y is h of every step, else of the last one
    bool backwards;   // the last time step comes first
    Index truncated;  // steps that a slope flows back at most, in blocks; 0: all
    bool masked;      // a second input says which steps exist

    explicit Sequence(const Record& r)
        : steps(r.count("steps")),
          inputs(r.count("inputs")),
          units(r.count("units")),
          all_steps(r.flag("all_steps")),
          backwards(r.flag("backwards")),
          truncated(r.integer("truncated")),
          masked(r.flag("masked")) {}

    std::vector<Index> widths() const {
        if (masked) return {steps * inputs, steps};
        return {steps * inputs};
    }
    Index outputs() const { return all_steps ? steps * units : units; }
    // Which time step comes as the s-th.
    Index time(Index s) const { return backwards ? steps - 1 - s : s; }
    // No slope flows from the s-th to the one before.
    bool cut_before(Index s) const { return truncated > 0 && s % truncated == 0; }
};

// Reads and writes of one pass through a sequence.
template <class T>
class Steps {
public:
    Steps(const Sequence& sequence, const Pass<T>& pass) : s_(sequence), p_(pass) {}

    bool exists(Index row, Index t) const {
        return !s_.masked || p_.x[1][row * s_.steps + t] != T(0);
    }
    // h of time t into y, if it belongs there.
    void put(Index row, Index s, const T* h) const {
        if (s_.all_steps)
            std::copy_n(h, s_.units, p_.y + (row * s_.steps + s_.time(s)) * s_.units);
        else if (s == s_.steps - 1)
            std::copy_n(h, s_.units, p_.y + row * s_.units);
    }
    // The slope that y brings to h of a step, null if none.
    const T* slope(Index row, Index s) const {
        if (s_.all_steps) return p_.dy + (row * s_.steps + s_.time(s)) * s_.units;
        return s == s_.steps - 1 ? p_.dy + row * s_.units : nullptr;
    }
    // Step t of all rows of an array of `width` numbers per step.
    Strided<T> at(T* array, Index t, Index width) const {
        return {array + t * width, s_.steps * width};
    }
    Strided<const T> read(const T* array, Index t, Index width) const {
        return {array + t * width, s_.steps * width};
    }
    T* at(T* array, Index row, Index t, Index width) const {
        return array + (row * s_.steps + t) * width;
    }

private:
    const Sequence& s_;
    const Pass<T>& p_;
};

// Parts of a block of one row.
inline Tile whole_row(Index block, Index count) { return {0, 1, 0, count, int(block)}; }

// What recurrent layers have in common: weights of the input and of the state before for all gates,
// a bias, and perhaps a learned state at the beginning.
template <class T>
class Recurrent : public Layer<T> {
public:
    void place(Layout<T>& transposes, bool pulls_back) override {
        if (pulls_back) input_.place(transposes);
        recurrent_.place_copy(transposes);
    }
    bool rereads_output() const override { return false; }
    bool needs_pull() const override { return true; }
    Index rows_to_fill() const override { return 32; }
    double work() const override {
        return 2.0 * double(s_.steps) * double(input_.size() + recurrent_.size());
    }
    std::vector<Range> ranges(const Tile& t) const override {
        if (t.block == input_.block()) return input_.ranges(t);
        if (t.block == recurrent_.block()) return recurrent_.ranges(t);
        return {{this->at(t.block), t.columns, false}};
    }
    void finish(const Tools<T>& tools, const Weights<T>& w, const Tile& t) const override {
        if (t.block == input_.block()) input_.finish(tools, w, t);
        if (t.block == recurrent_.block()) recurrent_.finish(tools, w, t);
    }

protected:
    // h before the first step.
    void begin(const Steps<T>& steps, const Weights<T>& w, Index rows, T* before) const {
        for (Index b = 0; b < rows; ++b) {
            T* h = steps.at(before, b, s_.time(0), s_.units);
            if (first_ < 0)
                std::fill_n(h, s_.units, T(0));
            else
                std::copy_n(w.parameters + this->at(first_), s_.units, h);
        }
    }
    // The slopes of what was read, from dz of all steps.
    void give_to_inputs(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p,
                        const T* dz) const {
        if (p.dx[0]) input_.apply_transposed(tools, w, p.rows * s_.steps, dz, p.dx[0]);
        if (s_.masked && p.dx[1]) std::fill_n(p.dx[1], p.rows * s_.steps, T(0));
    }

    Recurrent(const Sequence& s, Index gates)
        : Layer<T>(s.widths(), s.outputs()),
          s_(s),
          input_(*this, "weight", s.inputs, gates * s.units),
          recurrent_(*this, "recurrent", s.units, gates * s.units),
          bias_(this->add_block("bias", {gates * s.units})) {}

    const Sequence s_;
    Matrix<T> input_, recurrent_;
    const Index bias_;
    Index first_ = -1;  // the block of h at the beginning, where it is learned
};

// In each layer: what it takes from there.
#define DELTARULE_RECURRENT         \
    using Recurrent<T>::s_;         \
    using Recurrent<T>::input_;     \
    using Recurrent<T>::recurrent_; \
    using Recurrent<T>::bias_;      \
    using Recurrent<T>::first_

}  // namespace deltarule::engine::layers
