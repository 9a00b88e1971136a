// Numbers that rise:  y_0 = x_0, y_k = y_(k-1) + softplus(x_k).
//
//   dx_0 = sum of dy,   dx_k = sigmoid(x_k) * sum of dy_j over j >= k
#include <cmath>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class Ordered final : public Layer<T> {
public:
    Ordered(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("columns")}, r.count("columns")) {}

    bool rereads_output() const override { return false; }
    bool keeps_delta() const override { return true; }
    double work() const override { return 20.0 * double(this->outputs()); }

    void forward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        const Index n = this->outputs();
        for (Index i = 0; i < p.rows; ++i) {
            const T* x = p.x[0] + i * n;
            T sum = p.y[i * n] = x[0];
            for (Index k = 1; k < n; ++k) {
                sum += std::max(x[k], T(0)) + std::log1p(std::exp(-std::abs(x[k])));
                p.y[i * n + k] = sum;
            }
        }
    }
    void backward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        const Index n = this->outputs();
        for (Index i = 0; i < p.rows; ++i) {
            const T* x = p.x[0] + i * n;
            T sum = 0;
            for (Index k = n - 1; k > 0; --k) {
                sum += p.dy[i * n + k];
                const T e = std::exp(-std::abs(x[k]));
                p.dx[0][i * n + k] = sum * (x[k] < T(0) ? e : T(1)) / (1 + e);
            }
            p.dx[0][i * n] = sum + p.dy[i * n];
        }
    }
};

DELTARULE_LAYER(ordered, Ordered)

}  // namespace deltarule::engine::layers
