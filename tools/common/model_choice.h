// Which network a program uses: the one that is named, else the one that ships.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "renderfm/model/network.h"

namespace renderfm::tools {

CLI::Option* add_model_option(CLI::App& app, std::string& model);

/// The network that ships: beside the programs, in ../share/renderfm/models. Empty where there is none.
std::filesystem::path shipped_model();

/// `model`: a checkpoint; "primed" for none; "" for what RENDERFM_MODEL names, else the one that ships, else
/// none. Empty for none.
std::string model_file(const std::string& model);

/// The network in model_file(model), null for none. `device`: auto, cpu or cuda. Says which it is.
std::unique_ptr<Network> choose_network(const std::string& model, const std::string& device);

}  // namespace renderfm::tools
