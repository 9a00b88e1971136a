// The description of a layer as the engine is given it: named numbers, words and programs.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tape_program.hpp"

namespace deltarule::engine {

class Record {
public:
    using Value = std::variant<Index, double, std::string, std::vector<double>, TapeProgram>;

    void set(const std::string& name, Value value) { values_[name] = std::move(value); }

    Index count(const std::string& name) const {
        const Index n = get<Index>(name);
        if (n < 1) throw std::invalid_argument("'" + name + "' of a layer must be at least 1.");
        return n;
    }
    Index integer(const std::string& name) const { return get<Index>(name); }
    bool flag(const std::string& name) const { return get<Index>(name) != 0; }
    double number(const std::string& name) const { return get<double>(name); }
    const std::string& word(const std::string& name) const { return get<std::string>(name); }
    const std::vector<double>& numbers(const std::string& name) const {
        return get<std::vector<double>>(name);
    }
    const TapeProgram& program(const std::string& name, int inputs, int outputs) const {
        const auto& p = get<TapeProgram>(name);
        if (p.inputs != inputs || p.outputs != outputs)
            throw std::invalid_argument("The program '" + name + "' does not fit its use.");
        return p;
    }

private:
    template <class V>
    const V& get(const std::string& name) const {
        const auto found = values_.find(name);
        const V* value = found == values_.end() ? nullptr : std::get_if<V>(&found->second);
        if (!value) throw std::invalid_argument("A layer lacks its '" + name + "'.");
        return *value;
    }
    std::map<std::string, Value> values_;
};

}  // namespace deltarule::engine
