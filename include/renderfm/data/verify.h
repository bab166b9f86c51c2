// Whether a data set is whole.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace renderfm::data {

/// What is wrong with one case, a sentence each; empty where nothing is. Looks at the description, hashes,
/// grid, HU, labels, transfer function, points, cameras (aim, distance, train and test apart) and pictures.
std::vector<std::string> verify_case(const std::filesystem::path& folder);

struct VerifySummary {
  int cases = 0, views = 0;
  std::vector<std::string> problems;  ///< "NAME: sentence"
};

/// Every case of a folder; half-written ones are problems too. Throws kBadInput where there is none.
VerifySummary verify_dataset(const std::filesystem::path& root);

}  // namespace renderfm::data
