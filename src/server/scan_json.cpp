#include "server/scan_json.h"

#include <cctype>

namespace renderfm::server {
namespace {

using json = nlohmann::json;

const char* name_of(JobState state) {
  switch (state) {
    case JobState::kWaiting: return "waiting";
    case JobState::kRunning: return "running";
    case JobState::kDone: return "done";
    case JobState::kFailed: return "failed";
    default: return "cancelled";
  }
}

/// "bone-and-vessels" -> "Bone and vessels", as the viewer says it.
std::string readable(std::string name) {
  for (char& c : name) {
    if (c == '-' || c == '_') c = ' ';
  }
  if (!name.empty()) name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return name;
}

json look_json(const Look& look) {
  json out{
      {"tf", look.title},  {"title", readable(look.title)}, {"model", look.model},  {"count", look.count},
      {"page", look.page}, {"tuned", look.tuned},           {"sphere", look.sphere}};
  if (look.tuned) {
    out["psnr_before_db"] = look.psnr_before_db;
    out["psnr_after_db"] = look.psnr_after_db;
  }
  return out;
}

json job_json(const Job& job, std::size_t ahead) {
  json out{{"kind", job.tunes ? "tune" : "look"},
           {"tf", job.tf},
           {"state", name_of(job.state)},
           {"ahead", ahead},
           {"step", job.step},
           {"note", job.note},
           {"error", job.error},
           {"message", job.message},
           {"preview", job.preview},
           {"curve", json::array()}};
  if (job.share >= 0) out["share"] = job.share;
  if (job.seconds_left >= 0) out["seconds_left"] = job.seconds_left;
  if (job.tunes) out["steps"] = job.tune.steps;
  for (const CurvePoint& point : job.curve) {
    out["curve"].push_back({{"step", point.step}, {"seconds", point.seconds}, {"psnr_db", point.psnr_db}});
  }
  return out;
}

}  // namespace

json scan_json(const Scan& scan, std::size_t ahead) {
  json out{{"id", scan.id},
           {"name", scan.name},
           {"kind", scan.gaussians ? "gaussians" : "scan"},
           {"labels", scan.labels_name},
           {"warnings", scan.warnings},
           {"looks", json::array()},
           {"job", nullptr}};
  for (const Look& look : scan.looks) out["looks"].push_back(look_json(look));
  if (scan.job) out["job"] = job_json(*scan.job, ahead);
  return out;
}

}  // namespace renderfm::server
