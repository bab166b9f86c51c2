// Organ labels: reading them, their names, and the groups that users speak of.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "renderfm/volume/scan_report.h"
#include "renderfm/volume/volume.h"

namespace renderfm {

/// Reads labels onto the grid of `ct`: a TotalSegmentator multi-label file, a folder of masks
/// (<organ>.nii.gz), or a single mask. Names come from the file's extension, the file names, or the numbers
/// when `version` says which TotalSegmentator numbering it is ("v1", "v2"). With "", bare numbers are read
/// only where they or the anatomy prove one numbering, which is reported; else they are refused. A grid that
/// only differs in sampling is resampled and reported; one that does not cover the CT's body, and labels that
/// contradict the CT's densities, are refused.
LabelVolume read_labels(const std::filesystem::path& path, const CtVolume& ct, const std::string& version,
                        ScanReport& report);

/// Reads labels of a file whose numbers the caller names, as a data set's own table does. A file in which
/// nothing is labelled is fine; the same checks as above otherwise.
LabelVolume read_named_labels(const std::filesystem::path& path, const CtVolume& ct,
                              const std::map<std::uint8_t, std::string>& names, ScanReport& report);

/// Name of TotalSegmentator v2 label 1..117, "" elsewhere.
std::string_view total_segmentator_name(int label);
/// Its number, 0 for an unknown name.
int total_segmentator_label(std::string_view name);

/// Groups that --organs and transfer functions accept, beside single names: skeleton, ribs, spine, skull,
/// vessels, heart, organs, lungs, muscles, ... and all.
std::vector<std::string> group_names();

/// True if the organ called `name` is `term` itself or belongs to the group `term`.
bool organ_matches(std::string_view name, std::string_view term);

/// Terms one by one: "heart,vessels" are two.
std::vector<std::string> split_at_commas(const std::vector<std::string>& terms);

/// One flag per label: label l is selected. Terms are names or groups; a leading '-' removes. An unknown term
/// throws kBadInput with the nearest known one; a known term that selects nothing in these labels is a
/// warning.
std::array<bool, 256> select_organs(const LabelVolume& labels, const std::vector<std::string>& terms);

}  // namespace renderfm
