// Normalisation of every row of every position over its C numbers: layer normalisation (Ba et al.
// 2016), and without centring and beta RMS normalisation (Zhang and Sennrich 2019).
//
//   m = mean of x (0 for RMS),  k = 1 / sqrt(mean of (x - m)^2 + epsilon)
//   y = gamma (x - m) k + beta
#include <algorithm>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class RowNorm final : public Layer<T> {
public:
    RowNorm(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("positions") * r.count("columns")},
                   r.count("positions") * r.count("columns")),
          positions_(r.count("positions")),
          columns_(r.count("columns")),
          epsilon_(T(r.number("epsilon"))),
          centred_(r.flag("centred")) {
        this->add_block("gamma", {columns_});
        if (centred_) this->add_block("beta", {columns_});
    }

    bool rereads_output() const override { return false; }
    std::vector<Index> kept(bool) const override { return {2 * positions_}; }
    double work() const override { return 8.0 * double(this->outputs()); }

    void forward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        tools.moments().rows(p.rows * positions_, columns_, p.x[0], centred_, epsilon_,
                             w.parameters + this->at(0),
                             centred_ ? w.parameters + this->at(1) : nullptr, p.y, p.kept[0]);
    }
    void backward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        tools.moments().rows_back(p.rows * positions_, columns_, p.x[0], p.dy, centred_,
                                  w.parameters + this->at(0), p.kept[0], p.dx[0]);
    }

    // Parts are some of the columns.
    std::vector<Tile> parts() const override {
        constexpr Index some = 128;
        std::vector<Tile> tiles;
        for (Index j = 0; j < columns_; j += some)
            tiles.push_back({0, 1, j, std::min(some, columns_ - j)});
        return tiles;
    }
    std::vector<Range> ranges(const Tile& t) const override {
        std::vector<Range> both = {{this->at(0) + t.column, t.columns, false}};
        if (centred_) both.push_back({this->at(1) + t.column, t.columns, false});
        return both;
    }
    void differentiate(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p, const Tile& t,
                       T* gradient, T*) const override {
        tools.moments().rows_gradient(p.rows * positions_, columns_, t.column, t.columns, p.x[0],
                                      p.dy, p.kept[0], gradient,
                                      centred_ ? gradient + t.columns : nullptr);
    }

private:
    Index positions_, columns_;
    T epsilon_;
    bool centred_;
};

DELTARULE_LAYER(row_norm, RowNorm)

}  // namespace deltarule::engine::layers
