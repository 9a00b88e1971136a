// What a layer is, and what it is given: the tools of the net, its weights and some rows of a
// batch.
//
// Forward and backward are given any rows of a batch, on any thread, and compute each row by
// itself. A layer that needs the whole batch (batch normalisation) is first shown every row:
// `collect`, then once `settle`; only then is it called.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "arena.hpp"
#include "kernels/cells.hpp"
#include "kernels/moments.hpp"
#include "kernels/waves.hpp"
#include "matmul.hpp"

namespace deltarule::engine {

template <class T>
struct Tools {
    const kernels::Table* table;

    const kernels::VectorLoops<T>& vectors() const { return table->template vectors<T>(); }
    const kernels::MomentLoops<T>& moments() const {
        if constexpr (sizeof(T) == 4)
            return table->moments->float32;
        else
            return table->moments->float64;
    }
    const kernels::CellLoops<T>& cells() const {
        if constexpr (sizeof(T) == 4)
            return table->cells->float32;
        else
            return table->cells->float64;
    }
    const kernels::WaveLoops<T>& waves() const {
        if constexpr (sizeof(T) == 4)
            return table->waves->float32;
        else
            return table->waves->float64;
    }
};

// An array among the parameters of a net.
struct Block {
    std::string name;
    std::vector<Index> shape;
    bool decays = false;  // whether penalties are meant for it
    bool trained = true;  // running statistics are not
    Index at = 0;         // offset; the net places it

    Index size() const {
        Index n = 1;
        for (Index s : shape) n *= s;
        return n;
    }
};

// Part of the parameters, one after another.
struct Range {
    Index at, count;
    bool decays;
};

// The parameters, and the transposed weights that follow from them.
template <class T>
struct Weights {
    T* parameters;
    T* transposed;
};

// What the random numbers of a step follow from.
struct Draw {
    std::uint64_t seed = 0, step = 0;
    double dropout = 1;  // factor of the rates of dropout
};

// One layer's share of rows start ... start + rows - 1 of a batch, all row-major.
template <class T>
struct Pass {
    Index rows = 0, start = 0;
    const T* const* x = nullptr;  // one per input
    T* y = nullptr;
    T* dy = nullptr;
    T* const* dx = nullptr;          // one per input; null where nobody wants it
    T* const* kept = nullptr;        // what backward is told by forward
    T* shared = nullptr;             // of the whole batch
    T* scratch = nullptr;            // of this thread
    const T* row_weights = nullptr;  // of these rows; null: all 1
    bool training = false;
    Draw draw{};
};

// The batch that a whole-batch layer has seen.
struct Whole {
    Index rows;
    double momentum;  // weight of the batch in running statistics; negative: what the layer says
};

template <class T>
class Layer {
public:
    virtual ~Layer() = default;

    const std::vector<Index>& inputs() const { return inputs_; }  // numbers per row of each input
    Index outputs() const { return outputs_; }
    const std::vector<Block>& blocks() const { return blocks_; }
    std::vector<Block>& blocks() { return blocks_; }

    // Room for what follows from the weights; `pulls_back`: whether anybody wants dx.
    virtual void place(Layout<T>&, bool /* pulls_back */) {}

    // ---- what its memory is like
    virtual bool overwrites() const { return false; }              // y may be x
    virtual bool rereads_output() const { return true; }           // backward reads y
    virtual bool keeps_delta() const { return !blocks_.empty(); }  // dx must not be dy
    // Whether its gradient needs backward even where nobody wants dx.
    virtual bool needs_pull() const { return false; }
    // Numbers per row of each array that forward leaves for backward, or for itself in predictions.
    virtual std::vector<Index> kept(bool /* training */) const { return {}; }
    virtual Index shared(Index /* rows */) const { return 0; }
    virtual Index scratch(Index /* rows */, bool /* training */) const { return 0; }
    virtual Index rows_to_fill() const { return 1; }   // that make good use of its weights
    virtual Index rows_together() const { return 1; }  // rows come in multiples: a power of two
    virtual double work() const { return 2.0 * double(outputs_); }  // operations of a row forward

    // ---- what it computes
    virtual void forward(const Tools<T>&, const Weights<T>&, const Pass<T>&) const = 0;
    virtual void backward(const Tools<T>&, const Weights<T>&, const Pass<T>&) const = 0;

    virtual bool needs_batch() const { return false; }
    virtual void collect(const Tools<T>&, const Weights<T>&, const Pass<T>&) const {}
    virtual void settle(const Tools<T>&, const Weights<T>&, T* /* shared */, const Whole&) const {}
    virtual void collect_back(const Tools<T>&, const Weights<T>&, const Pass<T>&) const {}
    virtual void settle_back(const Tools<T>&, const Weights<T>&, T*, const Whole&) const {}

    // ---- its gradient, in parts that different threads compute
    // How the parameters are parted depends on their shapes alone.
    virtual std::vector<Tile> parts() const { return {}; }
    virtual std::vector<Range> ranges(const Tile&) const { return {}; }
    virtual Index part_scratch(const Tile&) const { return 0; }  // beyond the gradient itself
    // The gradient of a part over all rows of the batch: that of its ranges, one after another.
    virtual void differentiate(const Tools<T>&, const Weights<T>&, const Pass<T>&, const Tile&,
                               T* /* gradient */, T* /* scratch */) const {}
    // What follows from new parameters of a part.
    virtual void finish(const Tools<T>&, const Weights<T>&, const Tile&) const {}

protected:
    Layer(std::vector<Index> inputs, Index outputs)
        : inputs_(std::move(inputs)), outputs_(outputs) {}
    Index add_block(std::string name, std::vector<Index> shape, bool decays = false,
                    bool trained = true) {
        blocks_.push_back({std::move(name), std::move(shape), decays, trained});
        return Index(blocks_.size()) - 1;
    }
    Index at(Index block) const { return blocks_[std::size_t(block)].at; }

private:
    std::vector<Index> inputs_;
    Index outputs_;
    std::vector<Block> blocks_;
};

}  // namespace deltarule::engine
