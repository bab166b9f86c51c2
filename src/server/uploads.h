// Files that come in: which kinds, under which names, and how they are written.
#pragma once

#include <filesystem>
#include <string>

#include "renderfm/server/http_server.h"
#include "server/scan.h"

namespace renderfm::server {

/// What may stand in a message or on a page as the name of a client's file: its last part, no control
/// characters, 120 bytes at most.
std::string display_name(const std::string& client_name);

/// "Thorax.NII.GZ" -> ".nii.gz": the suffix by which programs know a format, from those that are taken.
/// Throws HttpError 415 for another.
std::string scan_suffix(const std::string& client_name);
std::string labels_suffix(const std::string& client_name);
bool holds_gaussians(const std::string& name);

/// Writes the body to `path`, a new file. Removes it again where the body stops short or the disk is full.
void store(Body& body, const std::filesystem::path& path);

}  // namespace renderfm::server
