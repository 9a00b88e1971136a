// A few threads that wait for work.
#pragma once

#include <cstddef>

namespace deltarule::engine {

// How many threads work: DELTARULE_NUM_THREADS or OMP_NUM_THREADS where set, else the processors
// this process may use.
int thread_count();

// Calls task(context, i) for every i in [0, n), the calling thread among those that do.  Which
// thread takes which i changes from run to run, so a result must not depend on it.  Tasks neither
// throw nor call this.  Where the threads are at work for another caller, this one does all itself.
// After fork() the child starts threads of its own when it first needs them.
void parallel_for(std::ptrdiff_t n, void (*task)(void*, std::ptrdiff_t), void* context);

template <class F>
void parallel_for(std::ptrdiff_t n, const F& task) {
    const auto call = [](void* f, std::ptrdiff_t i) { (*static_cast<const F*>(f))(i); };
    parallel_for(n, call, const_cast<F*>(&task));
}

}  // namespace deltarule::engine
