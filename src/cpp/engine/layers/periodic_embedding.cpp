// Every column, the last axis, beside U numbers made of F waves of it (Holzmueller et al. 2024):
//
//   y = x, cos(2 pi x w + b) V + c
//
// waves.hpp has the letters and what is kept.
#include <algorithm>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class PeriodicEmbedding final : public Layer<T> {
public:
    PeriodicEmbedding(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("positions") * r.count("columns")},
                   r.count("positions") * r.count("columns") * (r.count("units") + 1)),
          positions_(r.count("positions")),
          columns_(r.count("columns")),
          frequencies_(r.count("frequencies")),
          units_(r.count("units")) {
        this->add_block("frequency", {columns_, frequencies_}, true);
        this->add_block("phase", {columns_, frequencies_}, true);
        this->add_block("weight", {columns_, frequencies_, units_}, true);
        this->add_block("bias", {columns_, units_}, true);
    }

    bool rereads_output() const override { return false; }
    std::vector<Index> kept(bool) const override { return {2 * positions_ * waves()}; }
    Index scratch(Index, bool) const override { return waves() + units_ * kernels::waves_together; }
    // Rows of other threads begin with a block of their own.
    Index rows_together() const override { return kernels::waves_together; }
    double work() const override {
        return double(positions_) * double(waves()) * (40 + 2.0 * double(units_));
    }

    void forward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        tools.waves().forward(shape(p), arrays(w), p.x[0], p.y, p.kept[0], p.scratch);
    }
    void backward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        tools.waves().backward(shape(p), arrays(w), p.kept[0], p.dy, p.dx[0], p.scratch);
    }

    // Parts are some of the columns.
    std::vector<Tile> parts() const override {
        const Index some = std::max(Index{1}, Index{32} / frequencies_);
        std::vector<Tile> tiles;
        for (Index c = 0; c < columns_; c += some)
            tiles.push_back({c, std::min(some, columns_ - c), 0, 1});
        return tiles;
    }
    std::vector<Range> ranges(const Tile& t) const override {
        std::vector<Range> each;
        const Index widths[] = {frequencies_, frequencies_, frequencies_ * units_, units_};
        for (Index k = 0; k < 4; ++k)
            each.push_back({this->at(k) + t.row * widths[k], t.rows * widths[k],
                            this->blocks()[std::size_t(k)].decays});
        return each;
    }
    Index part_scratch(const Tile&) const override {
        return (frequencies_ * (2 + units_) + 2 * units_) * kernels::waves_together;
    }
    void differentiate(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p, const Tile& t,
                       T* gradient, T* scratch) const override {
        tools.waves().gradient(shape(p), arrays(w), t.row, t.rows, p.x[0], p.kept[0], p.dy,
                               gradient, scratch);
    }

private:
    Index waves() const { return columns_ * frequencies_; }
    kernels::WaveShape shape(const Pass<T>& p) const {
        return {p.rows * positions_, columns_, frequencies_, units_};
    }
    kernels::WaveWeights<T> arrays(const Weights<T>& w) const {
        const auto array = [&](Index k) { return w.parameters + this->at(k); };
        return {array(0), array(1), array(2), array(3)};
    }
    Index positions_, columns_, frequencies_, units_;
};

DELTARULE_LAYER(periodic_embedding, PeriodicEmbedding)

}  // namespace deltarule::engine::layers
