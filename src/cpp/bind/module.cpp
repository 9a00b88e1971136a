#include "bind.hpp"

#include <cstdlib>
#include <string>

#include "engine/threads.hpp"

namespace deltarule::bind {
namespace {

const kernels::Table* active = nullptr;

void pick_table() {
    const char* wanted = std::getenv("DELTARULE_ISA");
    active = kernels::find_table(wanted);
    if (active) return;
    std::string have;
    for (const kernels::Table* const* t = kernels::available_tables(); *t; ++t)
        have += (have.empty() ? "" : ", ") + std::string((*t)->isa);
    throw nb::import_error(("DELTARULE_ISA is '" + std::string(wanted) +
                            "', which this build or this processor does not have. Unset it, or set "
                            "it to one of: " +
                            have + ".")
                               .c_str());
}

}  // namespace

const kernels::Table& active_table() { return *active; }

}  // namespace deltarule::bind

NB_MODULE(_core, m) {
    using namespace deltarule::bind;
    nb::set_leak_warnings(false);  // what lives until the interpreter ends is no leak
    pick_table();
    deltarule::engine::survive_forks();
    add_facts(m);
    add_ufuncs(m);
    add_losses(m);
    add_calls(m);
    add_tapes(m);
    add_nets(m);
    add_training(m);
}
