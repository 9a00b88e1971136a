// A few threads that wait for work.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace deltarule::engine {

// How many threads work unless a caller wants fewer: DELTARULE_NUM_THREADS or OMP_NUM_THREADS where
// set, else the processors this process may use.
int thread_count();

inline constexpr int most_threads = 256;

// To be called once, before anything else here: after fork() the child then starts threads of its
// own when it first needs them.
void survive_forks();

// One of several threads at one task.
class Member {
public:
    // What the threads of a task share.
    struct Meeting {
        std::atomic<int> arrived{0};
        std::atomic<std::uint32_t> round{0};
    };
    Member(int i, int n, Meeting& meeting) : index(i), count(n), meeting_(meeting) {}

    const int index, count;

    // Returns when every member has come here: what they wrote before is seen by all after.
    void wait_for_all();

private:
    Meeting& meeting_;
};

// The threads that pay for a step of so many floating-point operations, at which they meet so often
// beyond twice.
inline int useful_threads(int most, double work, double meetings) {
    constexpr double work_of_thread = 1.5e6, work_of_meeting = 3e5;
    return int(std::clamp(work / (work_of_thread + meetings * work_of_meeting), 1.0, double(most)));
}

using TeamTask = void (*)(void* context, Member& member);

// Calls task(context, member) on up to `threads` threads at once, the calling one among them;
// member.count says how many they are: one where the threads are at work for another caller.
// Tasks neither throw nor call this.  A thread that waits spins for some microseconds, then sleeps.
void together(int threads, TeamTask task, void* context);

template <class F>
void together(int threads, const F& task) {
    const auto call = [](void* f, Member& member) { (*static_cast<const F*>(f))(member); };
    together(threads, call, const_cast<F*>(&task));
}

// Calls task(i) for every i in [0, n) on up to `threads` threads.  Which thread takes which i
// changes from run to run, so a result must not depend on it.
template <class F>
void parallel_for(std::ptrdiff_t n, int threads, const F& task) {
    std::atomic<std::ptrdiff_t> next{0};
    together(n < threads ? static_cast<int>(n) : threads, [&](Member& member) {
        for (std::ptrdiff_t i = next.fetch_add(1); i < n; i = next.fetch_add(1))
            if constexpr (requires { task(i, member.index); })
                task(i, member.index);
            else
                task(i);
    });
}
template <class F>
void parallel_for(std::ptrdiff_t n, const F& task) {
    parallel_for(n, thread_count(), task);
}

}  // namespace deltarule::engine
