// An activation that learns its parameters a, one set for the layer:
//
//   y = f(x; a),   dx = dy * f'(x; a),   da[k] = sum of dy * df/da[k] over the batch and the units
#include "rows_of_catalogue.hpp"

namespace deltarule::engine::layers {

template <class T>
class TrainableActivation final : public Layer<T> {
public:
    TrainableActivation(const Tools<T>& tools, const Record& r)
        : Layer<T>({r.count("columns")}, r.count("columns")),
          row_(find_activation(tools, r.word("name"))),
          count_(Index(r.numbers("parameters").size())) {
        if (!row_->facts.trainable)
            throw std::invalid_argument("The activation '" + r.word("name") + "' learns nothing.");
        this->add_block("parameters", {count_});
    }

    void forward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const override {
        row_->template loops<T>().value(p.rows, this->outputs(), p.x[0], p.y, arguments(w).at);
    }
    void backward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const override {
        row_->template loops<T>().vjp(p.rows, this->outputs(), p.x[0], p.y, p.dy, p.dx[0],
                                      arguments(w).at);
    }

    // One part: the whole.
    std::vector<Tile> parts() const override { return {{0, 1, 0, count_}}; }
    std::vector<Range> ranges(const Tile&) const override { return {{this->at(0), count_, false}}; }
    void differentiate(const Tools<T>&, const Weights<T>& w, const Pass<T>& p, const Tile&,
                       T* gradient, T*) const override {
        const Arguments<T> a = arguments(w);
        const auto& slope = row_->template loops<T>().parameter_slope;
        for (Index k = 0; k < count_; ++k)
            gradient[k] = T(slope[k](p.rows * this->outputs(), p.x[0], p.dy, a.at));
    }

private:
    Arguments<T> arguments(const Weights<T>& w) const {
        return Arguments<T>(w.parameters + this->at(0), count_);
    }
    const kernels::ActivationRow* row_;
    Index count_;
};

DELTARULE_LAYER(trainable_activation, TrainableActivation)

}  // namespace deltarule::engine::layers
