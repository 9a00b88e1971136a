// The sum of its inputs: where a residual connection meets its branch.  dx = dy for each.
#include <algorithm>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class Add final : public Layer<T> {
public:
    Add(const Tools<T>&, const Record& r)
        : Layer<T>(std::vector<Index>(std::size_t(r.count("inputs")), r.count("columns")),
                   r.count("columns")) {}

    bool overwrites() const override { return true; }
    bool rereads_output() const override { return false; }
    double work() const override { return double(this->outputs() * Index(this->inputs().size())); }

    void forward(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const override {
        const Index n = p.rows * this->outputs();
        if (p.y != p.x[0]) std::copy(p.x[0], p.x[0] + n, p.y);
        for (std::size_t i = 1; i < this->inputs().size(); ++i) tools.vectors().add(n, p.y, p.x[i]);
    }
    void backward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        for (std::size_t i = 0; i < this->inputs().size(); ++i)
            if (p.dx[i] && p.dx[i] != p.dy)
                std::copy(p.dy, p.dy + p.rows * this->outputs(), p.dx[i]);
    }
};

DELTARULE_LAYER(add, Add)

}  // namespace deltarule::engine::layers
