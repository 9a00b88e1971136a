// The facts of the catalogue as Python dictionaries.
#include "bind.hpp"

#include <cmath>

namespace deltarule::bind {
namespace {

using namespace kernels;

nb::object optional_text(const char* s) { return s ? nb::object(nb::str(s)) : nb::none(); }

template <class E, std::size_t n>
const char* name_of(E value, const char* const (&names)[n]) {
    return names[static_cast<std::size_t>(value)];
}

nb::list parameters(const Parameter (&all)[max_parameters]) {
    static constexpr const char* domains[] = {
        "real",         "non_negative", "positive",     "unit_interval", "optional_unit_interval",
        "at_least_one", "count",        "tweedie_power"};
    nb::list out;
    for (const Parameter& p : all) {
        if (!p.name) break;
        nb::object value = std::isnan(p.value) ? nb::none() : nb::object(nb::float_(p.value));
        out.append(nb::make_tuple(p.name, value, name_of(p.domain, domains)));
    }
    return out;
}

nb::tuple bound(const double (&ulp)[3]) { return nb::make_tuple(ulp[0], ulp[1], ulp[2]); }

template <class Facts>
nb::dict common(const Facts& f, Kind kind) {
    nb::dict d;
    d["name"] = f.name;
    d["formula"] = f.formula;
    d["source"] = f.source;
    d["kind"] = kind == Kind::elementwise ? "elementwise" : "rowwise";
    d["parameters"] = parameters(f.parameters);
    nb::list aliases;
    for (const char* alias : f.aliases.at)
        if (alias) aliases.append(alias);
    d["aliases"] = aliases;
    d["error_scale"] = optional_text(f.error_scale);
    d["scales"] = nb::make_tuple(optional_text(f.scale.value), optional_text(f.scale.slope),
                                 optional_text(f.scale.curve));
    d["second_derivative"] = optional_text(f.second_derivative);
    d["ulp_float32"] = bound(f.ulp.float32);
    d["ulp_float64"] = bound(f.ulp.float64);
    return d;
}

nb::list activation_facts() {
    static constexpr const char* reads[] = {"nothing", "x", "y"};
    static constexpr const char* symmetry[] = {"none", "odd", "even"};
    static constexpr const char* widths[] = {"same", "one", "half", "twice", "per_pieces"};
    nb::list out;
    for (const ActivationRow& row : active_table().activations) {
        const ActivationFacts& f = row.facts;
        nb::dict d = common(f, row.kind);
        d["slope_reads"] = name_of(f.slope_reads, reads);
        d["derivative"] = optional_text(f.derivative);
        d["range"] = nb::make_tuple(f.low, f.high);
        nb::list kinks;
        for (const Kink& kink : f.kinks)
            if (kink.at) kinks.append(nb::make_tuple(kink.at, kink.slope));
        d["kinks"] = kinks;
        d["slope_root"] = optional_text(f.slope_root);
        d["monotone"] = f.monotone == Monotone::increasing;
        d["symmetry"] = name_of(f.symmetry, symmetry);
        d["saturates"] = nb::make_tuple(f.saturates_low, f.saturates_high);
        d["lipschitz"] = f.lipschitz;
        d["defined_above"] = f.defined_above;
        d["trainable"] = f.trainable;
        d["width"] = name_of(f.width, widths);
        d["axis"] = f.axis;
        d["ordered"] = f.ordered;
        out.append(d);
    }
    return out;
}

nb::list loss_facts() {
    static constexpr const char* links[] = {"identity",    "sigmoid", "softmax",
                                            "exponential", "sign",    "none"};
    static constexpr const char* targets[] = {
        "real", "non_negative", "positive", "above_minus_one", "unit_interval", "signs", "classes"};
    nb::list out;
    for (const LossRow& row : active_table().losses) {
        const LossFacts& f = row.facts;
        nb::dict d = common(f, row.kind);
        d["gradient"] = optional_text(f.gradient);
        d["link"] = name_of(f.link, links);
        d["targets"] = name_of(f.targets, targets);
        d["linear_in_targets"] = f.linear_in_targets;
        d["root_of_mean"] = f.root_of_mean;
        d["input"] = f.input;
        d["defined"] = nb::make_tuple(f.z_above, f.z_below);
        d["kink"] = optional_text(f.kink);
        out.append(d);
    }
    return out;
}

nb::dict build_info() {
    nb::dict d;
    nb::list isas;
    for (const Table* const* t = available_tables(); *t; ++t) isas.append((*t)->isa);
    d["version"] = DELTARULE_VERSION;
    d["isa"] = active_table().isa;
    d["available_isas"] = isas;
    d["compiler"] = __VERSION__;
    return d;
}

}  // namespace

void add_facts(nb::module_& m) {
    m.def("activation_facts", activation_facts);
    m.def("loss_facts", loss_facts);
    m.def("build_info", build_info);
}

}  // namespace deltarule::bind
