#include "renderfm/server/service.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>

#include "server/scan_json.h"
#include "server/scan_store.h"
#include "server/uploads.h"
#include "server/web_files.h"

namespace renderfm::server {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::json;

constexpr std::size_t kMaxOrder = 4096;  // bytes of JSON
constexpr int kMaxUploads = 4;           // at a time

// The viewer's page says the same of itself; what a header says cannot be undone by its content.
constexpr const char* kViewerPolicy =
    "default-src 'none'; script-src 'unsafe-inline' blob:; worker-src blob:; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
constexpr const char* kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; img-src "
    "data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct UploadPlace {
  explicit UploadPlace(std::atomic<int>& count) : count_(count) {
    if (++count_ > kMaxUploads) {
      --count_;
      throw HttpError(503,
                      fmt::format("{} files are being uploaded already; try again in a moment", kMaxUploads));
    }
  }
  ~UploadPlace() { --count_; }
  UploadPlace(const UploadPlace&) = delete;
  UploadPlace& operator=(const UploadPlace&) = delete;

 private:
  std::atomic<int>& count_;
};

std::string dumped(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

Response json_response(int status, const json& value) {
  Response response;
  response.status = status;
  response.body = dumped(value);
  return response;
}

Response asset(const char* type, const std::string& text) {
  Response response;
  response.content_type = fmt::format("{}; charset=utf-8", type);
  response.body = text;
  response.headers = {{"Content-Security-Policy", kPagePolicy}};
  return response;
}

/// Where JSON stands in an attribute.
std::string escaped_for_html(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '<')
      out += "&lt;";
    else
      out += c;
  }
  return out;
}

int number_in(const json& order, const char* key, int fallback, int least, int most) {
  const auto at = order.find(key);
  if (at == order.end()) return fallback;
  if (!at->is_number_integer() || *at < least || *at > most) {
    throw HttpError(400, fmt::format("{} must be a whole number from {} to {}", key, least, most));
  }
  return at->get<int>();
}

const char* download_type(const std::string& format) {
  if (format == "html") return "text/html; charset=utf-8";
  if (format == "glb") return "model/gltf-binary";
  return "application/octet-stream";
}

}  // namespace

struct Service::Impl {
  explicit Impl(ServiceOptions given)
      : options(std::move(given)),
        token(random_hex(24)),
        store({options.programs, options.scan_arguments, options.max_upload_bytes}) {}

  void check_sender(const Request& request) const {
    const std::string* const host = request.header("host");
    if (host == nullptr || !host_allowed(*host, options.loopback_only, options.host_name)) {
      throw HttpError(403,
                      "this server does not answer to that name; open it as localhost or by its address");
    }
    const std::string* const origin = request.header("origin");
    if (origin != nullptr && !same_origin(*origin, *host)) {
      throw HttpError(403, "this request comes from a page of another site");
    }
    const std::string* const site = request.header("sec-fetch-site");
    const bool other_site = site != nullptr && (*site == "cross-site" || *site == "same-site");
    // The start page itself holds nothing of a scan, and a link may lead to it.
    if (other_site && request.path != "/")
      throw HttpError(403, "this request comes from a page of another site");
    if (request.method == "GET" || request.method == "HEAD") return;
    const std::string* const sent = request.header("x-renderfm-token");
    if (sent == nullptr || *sent != token) {
      throw HttpError(403, "this request does not come from the server's page; reload the page");
    }
  }

  Response start_page() const {
    json config{{"token", token}, {"max_upload_bytes", options.max_upload_bytes}, {"presets", json::array()}};
    for (const PresetName& preset : options.presets) {
      config["presets"].push_back({{"name", preset.name}, {"description", preset.description}});
    }
    std::string text = web_files().at("index.html");
    constexpr std::string_view kPlace = "@CONFIG@";
    text.replace(text.find(kPlace), kPlace.size(), escaped_for_html(dumped(config)));
    return asset("text/html", text);
  }

  /// Of the request, as an upload; sets the disk's room apart.
  std::string upload_name(const Request& request) const {
    const auto name = request.query.find("name");
    if (name == request.query.end() || name->second.empty()) throw HttpError(400, "the file has no name");
    if (!request.content_length) throw HttpError(411, "the length of the file is not stated");
    if (*request.content_length == 0)
      throw HttpError(400, fmt::format("{} is empty", display_name(name->second)));
    if (*request.content_length > options.max_upload_bytes) {
      throw HttpError(413, fmt::format("{} is larger than the {} MB that this server takes (--max-upload)",
                                       display_name(name->second), options.max_upload_bytes >> 20));
    }
    return name->second;
  }

  /// Writes the body into the scan's folder and counts its bytes.
  void receive(const ScanStore::ScanPtr& scan, Body& body, const fs::path& path) {
    store.workspace().reserve(body.size());
    try {
      server::store(body, path);
    } catch (...) {
      store.workspace().release(body.size());
      throw;
    }
    const std::lock_guard lock(store.mutex());
    if (scan->closed) {
      store.workspace().release(body.size());
      std::error_code ignored;
      fs::remove_all(scan->folder, ignored);
      throw HttpError(404, "the scan was closed while its file arrived");
    }
    scan->bytes += body.size();
  }

  Response take_scan(const Request& request, Body& body) {
    const std::string name = upload_name(request), suffix = scan_suffix(name);
    const UploadPlace place(uploads);
    const ScanStore::ScanPtr scan = store.open(display_name(name));
    try {
      const fs::path path = scan->folder / ("scan" + suffix);
      receive(scan, body, path);
      const std::lock_guard lock(store.mutex());
      scan->data = path;
      scan->gaussians = holds_gaussians(path.filename().string());
      scan->last_seen = std::chrono::steady_clock::now();
    } catch (...) {
      store.close(scan->id);
      throw;
    }
    return json_response(201, {{"id", scan->id}});
  }

  // A job reads the labels' path without the lock.
  static void expect_idle(const Scan& scan) {
    if (scan.busy()) throw HttpError(409, "this scan is being worked on; organ labels come before that");
  }

  Response take_labels(const ScanStore::ScanPtr& scan, const Request& request, Body& body) {
    const std::string name = upload_name(request);
    const fs::path path = scan->folder / ("labels" + labels_suffix(name));
    const UploadPlace place(uploads);
    {
      const std::lock_guard lock(store.mutex());
      expect_idle(*scan);
    }
    receive(scan, body, path);
    const std::lock_guard lock(store.mutex());
    expect_idle(*scan);
    scan->labels = path;
    scan->labels_name = display_name(name);
    return json_response(201, {{"labels", scan->labels_name}});
  }

  std::unique_ptr<Job> ordered(const Scan& scan, const json& order) const {
    auto job = std::make_unique<Job>();
    const std::string kind = order.value("kind", std::string());
    if (kind == "look") {
      job->tf = order.value("tf", std::string("auto"));
      const auto known = [&](const PresetName& preset) { return preset.name == job->tf; };
      if (job->tf != "auto" && std::none_of(options.presets.begin(), options.presets.end(), known)) {
        throw HttpError(400, fmt::format("there is no preset '{}'", display_name(job->tf)));
      }
      return job;
    }
    if (kind != "tune") throw HttpError(400, "a job's kind is look or tune");
    job->tunes = true;
    TuneSettings& tune = job->tune;
    tune.views = number_in(order, "views", tune.views, 1, 200);
    tune.size = number_in(order, "size", tune.size, 16, 1024);
    tune.steps = number_in(order, "steps", tune.steps, 1, 20000);
    tune.samples = number_in(order, "samples", tune.samples, 1, 4096);
    tune.held_out_samples = number_in(order, "held_out_samples", tune.held_out_samples, 1, 4096);
    const std::lock_guard lock(store.mutex());
    if (scan.gaussians)
      throw HttpError(409, "fine-tuning needs the scan itself; this is a file of Gaussians");
    if (scan.looks.empty()) throw HttpError(409, "there is no look of this scan to fine-tune yet");
    tune.look = number_in(order, "look", static_cast<int>(scan.looks.size()) - 1, 0,
                          static_cast<int>(scan.looks.size()) - 1);
    return job;
  }

  Response start_job(const ScanStore::ScanPtr& scan, Body& body) {
    const json order = json::parse(body.read_all(kMaxOrder), nullptr, false);
    if (!order.is_object()) throw HttpError(400, "the order is no JSON object");
    std::unique_ptr<Job> job;
    try {
      job = ordered(*scan, order);
    } catch (const json::exception&) {
      throw HttpError(400, "a value of the order has the wrong type");
    }
    store.start(scan, std::move(job));
    return state(scan, 202);
  }

  Response state(const ScanStore::ScanPtr& scan, int status = 200) const {
    const std::lock_guard lock(store.mutex());
    return json_response(status, scan_json(*scan, store.ahead_of(*scan)));
  }

  Response page(const ScanStore::ScanPtr& scan, const std::string& name) const {
    const std::lock_guard lock(store.mutex());
    const auto at = scan->pages.find(name);
    if (at == scan->pages.end()) throw HttpError(404, "there is no such page of this scan");
    Response response;
    response.content_type = "text/html; charset=utf-8";
    response.file = at->second;
    response.headers = {{"Content-Security-Policy", kViewerPolicy}};
    return response;
  }

  Response download(const ScanStore::ScanPtr& scan, const std::string& look, const std::string& format) {
    constexpr std::size_t kMostDigits = 4;
    if (look.empty() || look.size() > kMostDigits ||
        !std::all_of(look.begin(), look.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      throw HttpError(404, "there is no such look of this scan");
    }
    const std::size_t index = std::stoul(look);
    Response response;
    response.file = store.converted(scan, index, format);
    response.content_type = download_type(format);
    const std::lock_guard lock(store.mutex());
    const Look& shown = scan->looks.at(index);
    const std::string stem = scan->name.substr(0, scan->name.find('.'));
    response.headers = {
        {"Content-Security-Policy", "sandbox"},
        {"Content-Disposition",
         fmt::format("attachment; filename=\"{}.{}\"",
                     safe_file_name(fmt::format("{}{}{}{}", stem, shown.title.empty() ? "" : "-", shown.title,
                                                shown.tuned ? "-tuned" : "")),
                     format)}};
    return response;
  }

  Response scans_api(const Request& request, Body& body, const std::vector<std::string>& parts) {
    const std::string& method = request.method;
    if (parts.size() == 2) {
      if (method != "POST") throw HttpError(405, "scans are sent by POST");
      return take_scan(request, body);
    }
    if (parts.size() == 3 && method == "DELETE") {
      store.find(parts[2]);
      store.close(parts[2]);
      return json_response(200, json::object());
    }
    const ScanStore::ScanPtr scan = store.find(parts[2]);
    if (parts.size() == 3 && (method == "GET" || method == "HEAD")) return state(scan);
    if (parts.size() == 4 && parts[3] == "labels" && method == "PUT") return take_labels(scan, request, body);
    if (parts.size() == 4 && parts[3] == "jobs" && method == "POST") return start_job(scan, body);
    if (parts.size() == 4 && parts[3] == "jobs" && method == "DELETE") {
      store.cancel(scan);
      return state(scan);
    }
    throw HttpError(404, "there is nothing at this address");
  }

  Response route(const Request& request, Body& body) {
    check_sender(request);
    const std::vector<std::string> parts = request.segments();
    if (parts.size() >= 2 && parts[0] == "api" && parts[1] == "scans") return scans_api(request, body, parts);
    if (request.method != "GET" && request.method != "HEAD")
      throw HttpError(405, "this address is only read");
    if (parts.empty()) return start_page();
    if (parts.size() == 1 && parts[0] == "app.js") return asset("text/javascript", script());
    if (parts.size() == 1 && parts[0] == "style.css") return asset("text/css", web_files().at("style.css"));
    if (parts.size() == 4 && parts[0] == "scans" && parts[2] == "pages")
      return page(store.find(parts[1]), parts[3]);
    if (parts.size() == 5 && parts[0] == "scans" && parts[2] == "looks") {
      return download(store.find(parts[1]), parts[3], parts[4]);
    }
    throw HttpError(404, "there is nothing at this address");
  }

  static std::string script() {
    std::string text;
    for (const char* name : {"dom.js", "api.js", "chart.js", "viewer_frame.js", "app.js"}) {
      text += web_files().at(name);
    }
    return "(() => {\n\"use strict\";\n" + text + "})();\n";
  }

  ServiceOptions options;
  std::string token;
  std::atomic<int> uploads{0};
  ScanStore store;
};

Service::Service(ServiceOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Service::~Service() = default;

std::string Service::open_here(const fs::path& scan_path, const fs::path& labels, const std::string& tf) {
  ScanStore& store = impl_->store;
  fs::path absolute = fs::absolute(scan_path).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();  // "slices/"
  const ScanStore::ScanPtr scan = store.open(display_name(absolute.string()));
  {
    const std::lock_guard lock(store.mutex());
    scan->data = absolute;
    scan->gaussians = holds_gaussians(absolute.filename().string());
    if (!labels.empty()) {
      scan->labels = fs::absolute(labels);
      scan->labels_name = display_name(labels.string());
    }
  }
  auto job = std::make_unique<Job>();
  job->tf = tf;
  store.start(scan, std::move(job));
  return "#scan=" + scan->id;
}

Response Service::handle(const Request& request, Body& body) { return impl_->route(request, body); }

}  // namespace renderfm::server
