// A user's formula as a layer:  y = f(x),  dx = dy f'(x), both run as tapes.
#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class CustomActivation final : public Layer<T> {
public:
    CustomActivation(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("columns")}, r.count("columns")),
          value_(r.program("value", 1, 1)),
          pullback_(r.program("pullback", 3, 1)) {}

    // Where the slope does not read x, y may overwrite it.
    bool overwrites() const override { return !pullback_.reads(0); }
    bool rereads_output() const override { return pullback_.reads(1); }

    void forward(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const override {
        T* out[] = {p.y};
        value_.run(*tools.table, p.rows * this->outputs(), p.x, out);
    }
    void backward(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const override {
        const T* in[] = {p.x[0], p.y, p.dy};
        T* out[] = {p.dx[0]};
        pullback_.run(*tools.table, p.rows * this->outputs(), in, out);
    }

private:
    TapeProgram value_;     // of x
    TapeProgram pullback_;  // of x, y and dy
};

DELTARULE_LAYER(custom_activation, CustomActivation)

}  // namespace deltarule::engine::layers
