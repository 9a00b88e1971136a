// The rows that a net learns from, in the order of an epoch, and a batch of them brought together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "net.hpp"
#include "random.hpp"

namespace deltarule::engine {

template <class T>
class RowSource {
public:
    // `data` must outlive this; the rows listed, or all where `count` is 0.
    RowSource(const Net<T>& net, const Batch<T>& data, const std::uint32_t* rows, Index count,
              Index batch)
        : data_(data),
          inputs_(net.inputs()),
          outputs_(net.outputs()),
          positions_(net.positions()),
          x_(batch * net.inputs()),
          listed_(count),
          order_(count ? count : data.rows) {
        if (data.rows > Index{UINT32_MAX}) throw std::length_error("More than 2^32 - 1 rows.");
        std::copy(rows, rows + count, listed_.at(0));
        for (Index i = 0; i < order_.size(); ++i)
            *order_.at(i) = count ? rows[i] : static_cast<std::uint32_t>(i);
        batch_.x.width = inputs_, batch_.x.same = x_.at(0);
        if (data.target.codes) {
            codes_ = Arena<std::int64_t>(batch * positions_);
            batch_.target.codes = codes_.at(0);
        } else {
            targets_ = Arena<T>(batch * outputs_);
            batch_.target.values = targets_.at(0);
        }
        if (data.weights) {
            weights_ = Arena<T>(batch);
            batch_.weights = weights_.at(0);
        }
    }

    Index size() const { return order_.size(); }
    const T* features() const { return x_.at(0); }  // of the batch
    // The batch of so many rows, where they are gathered.
    Batch<T> batch(Index rows) const {
        Batch<T> b = batch_;
        b.rows = rows;
        return b;
    }

    void shuffle(std::uint64_t seed, std::uint64_t epoch) {
        permute(order_.at(0), static_cast<std::uint32_t>(order_.size()), seed, epoch);
        if (listed_.size())
            for (Index i = 0; i < order_.size(); ++i) *order_.at(i) = *listed_.at(*order_.at(i));
    }

    // Rows start ... start + rows - 1 of the batch that begins at place `first` of the order.
    void gather(Index first, Index start, Index rows) {
        constexpr Index ahead = 128;  // rows: memory has the time that these take to compute
        for (Index i = start; i < start + rows; ++i) {
            const Index at = first + i, row = *order_.at(at);
            if (at + ahead < order_.size()) prefetch(*order_.at(at + ahead));
            if (data_.weights && data_.weights[row] == T(0))
                std::fill(x_.at(i * inputs_), x_.at((i + 1) * inputs_), T(0));
            else
                data_.x.copy(row, 1, x_.at(i * inputs_));
            if (data_.target.codes)
                std::copy_n(data_.target.codes + row * positions_, positions_,
                            codes_.at(i * positions_));
            else
                std::memcpy(targets_.at(i * outputs_), data_.target.values + row * outputs_,
                            static_cast<std::size_t>(outputs_) * sizeof(T));
            if (data_.weights) *weights_.at(i) = data_.weights[row];
        }
    }

    double weight_of(Index first, Index rows) const {
        if (!data_.weights) return double(rows);
        double sum = 0;
        for (Index i = 0; i < rows; ++i) sum += double(data_.weights[*order_.at(first + i)]);
        return sum;
    }
    // Behind the last row of the order that has a weight.
    Index end() const {
        Index end = order_.size();
        while (end > 0 && data_.weights && data_.weights[*order_.at(end - 1)] == T(0)) --end;
        return end;
    }

private:
    // Asks for what `gather` will read of a row.
    void prefetch(Index row) const {
        data_.x.prefetch(row);
        if (data_.target.codes)
            __builtin_prefetch(data_.target.codes + row * positions_);
        else
            __builtin_prefetch(data_.target.values + row * outputs_);
        if (data_.weights) __builtin_prefetch(data_.weights + row);
    }

    Batch<T> data_, batch_{};
    Index inputs_, outputs_, positions_;
    Arena<T> x_, targets_, weights_;  // a batch, gathered
    Arena<std::int64_t> codes_;
    Arena<std::uint32_t> listed_;  // what is learned from; empty: every row
    Arena<std::uint32_t> order_;   // of this epoch
};

}  // namespace deltarule::engine
