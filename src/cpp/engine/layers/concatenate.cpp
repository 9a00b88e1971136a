// Its inputs side by side along the last axis.
#include <algorithm>
#include <numeric>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class Concatenate final : public Layer<T> {
public:
    Concatenate(const Tools<T>&, const Record& r)
        : Concatenate(r.count("positions"), widths(r.numbers("widths"))) {}

    bool rereads_output() const override { return false; }
    bool keeps_delta() const override { return true; }
    double work() const override { return double(this->outputs()); }

    void forward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        Index column = 0;
        for (std::size_t k = 0; k < widths_.size(); column += widths_[k++])
            for (Index i = 0; i < p.rows * positions_; ++i)
                std::copy_n(p.x[k] + i * widths_[k], widths_[k], p.y + i * width_ + column);
    }
    void backward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        Index column = 0;
        for (std::size_t k = 0; k < widths_.size(); column += widths_[k++]) {
            if (!p.dx[k]) continue;
            for (Index i = 0; i < p.rows * positions_; ++i)
                std::copy_n(p.dy + i * width_ + column, widths_[k], p.dx[k] + i * widths_[k]);
        }
    }

private:
    static std::vector<Index> widths(const std::vector<double>& numbers) {
        std::vector<Index> all;
        for (double n : numbers) {
            if (!(n >= 1)) throw std::invalid_argument("An input of a concatenation has columns.");
            all.push_back(Index(n));
        }
        return all;
    }
    static std::vector<Index> times(std::vector<Index> all, Index positions) {
        for (Index& n : all) n *= positions;
        return all;
    }
    Concatenate(Index positions, const std::vector<Index>& all)
        : Layer<T>(times(all, positions),
                   positions * std::accumulate(all.begin(), all.end(), Index{0})),
          positions_(positions),
          widths_(all),
          width_(this->outputs() / positions) {}

    Index positions_;
    std::vector<Index> widths_;
    Index width_;
};

DELTARULE_LAYER(concatenate, Concatenate)

}  // namespace deltarule::engine::layers
