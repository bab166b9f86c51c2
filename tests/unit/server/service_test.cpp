// The interface of the page, with small programs in place of ours: what they do is told by shell scripts.
#include "renderfm/server/service.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "unit/server/memory_transport.h"

namespace renderfm::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Fails where the scan says so, waits where it says so, else writes what we would.
constexpr const char* kInfer = R"sh(#!/bin/sh
scan="$3" out="$4"
case "$(head -c 4 "$scan")" in
  bad*) echo "error: $scan is no CT" >&2; exit 2 ;;
  wait) sleep 30 ;;
  kill) kill -SEGV $$ ;;
esac
echo '{"step":"network","done":1,"total":4,"seconds_left":3,"note":""}' >&3
echo "warning: $scan has gaps" >&2
printf 'ply\ncomment transfer_function bone\ncomment view_sphere 1 2 3 4\nelement vertex 7\nend_header\n' >"$out"
)sh";
constexpr const char* kView = "#!/bin/sh\necho \"<html>$3</html>\" >\"$5\"\n";
constexpr const char* kFinetune = R"sh(#!/bin/sh
out="$4"
while [ $# -gt 0 ]; do case "$1" in --best) best="$2" ;; --curve) curve="$2" ;; --steps) steps="$2" ;; esac; shift; done
printf 'step,seconds,held_out_psnr_db,gaussians\n0,0,20.5,7\n50,1,22.25,7\n' >"$curve"
printf 'ply\ncomment transfer_function bone\ncomment model primed, fine-tuned\nelement vertex 7\nend_header\n' >"$best"
if [ "$steps" = 77 ]; then sleep 30; fi
cp "$best" "$out"
)sh";

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "renderfm_service_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    ::setenv("TMPDIR", folder_.c_str(), 1);
    for (const auto& [name, text] :
         {std::pair{"renderfm-infer", kInfer}, {"renderfm-view", kView}, {"renderfm-finetune", kFinetune}}) {
      const fs::path path = folder_ / name;
      std::ofstream(path) << text;
      ::chmod(path.c_str(), S_IRWXU);
    }
    ServiceOptions options;
    options.programs = folder_;
    options.presets = {{"bone", "Bone alone."}, {"organs", "All organs."}};
    options.max_upload_bytes = 1 << 20;
    service_ = std::make_unique<Service>(std::move(options));
    const std::string page = body("GET /");
    const std::string mark = "&quot;token&quot;:&quot;";
    token_ = page.substr(page.find(mark) + mark.size(), 48);
  }
  void TearDown() override {
    service_.reset();
    EXPECT_TRUE(workspaces().empty()) << "the server's folder is left behind";
    fs::remove_all(folder_);
    ::unsetenv("TMPDIR");
  }

  std::vector<fs::path> workspaces() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.is_directory()) found.push_back(entry.path());
    }
    return found;
  }

  /// `line`: "GET /path"; the page's own headers stand with it.
  std::string ask(const std::string& line, const std::string& content = "", const std::string& headers = "") {
    return raw(line, content, "Host: localhost:1\r\nX-RenderFM-Token: " + token_ + "\r\n" + headers);
  }
  std::string raw(const std::string& line, const std::string& content, const std::string& headers) {
    return test::answer_to(
        line + " HTTP/1.1\r\n" + headers + "Content-Length: " + std::to_string(content.size()) + "\r\n\r\n" +
            content,
        [this](const Request& request, Body& body) { return service_->handle(request, body); });
  }
  int status(const std::string& line, const std::string& content = "", const std::string& headers = "") {
    return test::status_of(ask(line, content, headers));
  }
  std::string body(const std::string& line, const std::string& content = "") {
    return test::body_of(ask(line, content));
  }
  json answer(const std::string& line, const std::string& content = "") {
    return json::parse(body(line, content));
  }
  std::string send(const std::string& content, const std::string& name = "a.nii.gz") {
    return answer("POST /api/scans?name=" + name, content).value("id", "");
  }
  json wait_for(const std::string& id, const std::function<bool(const json&)>& ready) {
    json state;
    for (int n = 0; n < 1000; ++n) {
      state = answer("GET /api/scans/" + id);
      if (ready(state)) return state;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "waited in vain: " << state.dump();
    return state;
  }
  json ended(const std::string& id) {
    return wait_for(id, [](const json& state) {
      const std::string job = state["job"]["state"];
      return job != "running" && job != "waiting";
    });
  }
  void order(const std::string& id, const std::string& text, int wanted = 202) {
    const std::string got = ask("POST /api/scans/" + id + "/jobs", text);
    EXPECT_EQ(test::status_of(got), wanted) << got;
  }

  fs::path folder_;
  std::unique_ptr<Service> service_;
  std::string token_;
};

TEST_F(ServiceTest, MakesALookWithItsPageAndDownloads) {
  const std::string id = send("scan");
  ASSERT_EQ(id.size(), 32U);
  order(id, R"({"kind":"look","tf":"bone"})");
  const json state = ended(id);
  EXPECT_EQ(state["job"]["state"], "done") << state.dump();
  EXPECT_EQ(state["name"], "a.nii.gz");
  EXPECT_EQ(state["warnings"], json({"a.nii.gz has gaps"}));
  const json look = state["looks"][0];
  EXPECT_EQ(look["title"], "Bone");
  EXPECT_EQ(look["count"], 7);
  EXPECT_EQ(look["sphere"], json({1.0, 2.0, 3.0, 4.0}));
  const std::string page = ask("GET /scans/" + id + "/pages/" + look["page"].get<std::string>());
  EXPECT_NE(page.find("frame-ancestors 'self'"), std::string::npos) << page;
  EXPECT_NE(page.find("<html>"), std::string::npos);
  const std::string ply = ask("GET /scans/" + id + "/looks/0/ply");
  EXPECT_NE(ply.find("attachment; filename=\"a-bone.ply\""), std::string::npos) << ply;
  EXPECT_EQ(test::body_of(ply).rfind("ply\n", 0), 0U);
  EXPECT_EQ(status("GET /scans/" + id + "/looks/0/glb"), 200);
  for (const char* wrong :
       {"/looks/1/ply", "/looks/-1/ply", "/looks/99999/ply", "/looks/0/exe", "/pages/look9", "/looks/0"}) {
    EXPECT_EQ(status("GET /scans/" + id + wrong), 404) << wrong;
  }
  EXPECT_EQ(status("DELETE /api/scans/" + id), 200);
  EXPECT_EQ(status("GET /api/scans/" + id), 404);
  EXPECT_TRUE(fs::is_empty(workspaces().at(0)));
}

TEST_F(ServiceTest, TellsTheProgramsOwnSentenceUnderTheUsersName) {
  const std::string id = send("bad", "CT%20%E2%82%AC.nii.gz");
  order(id, R"({"kind":"look"})");
  EXPECT_EQ(ended(id)["job"]["error"], "CT \xE2\x82\xAC.nii.gz is no CT");
  const std::string crash = send("kill");
  order(crash, R"({"kind":"look"})");
  EXPECT_EQ(ended(crash)["job"]["error"], "renderfm-infer crashed on this file (signal 11)");
}

TEST_F(ServiceTest, FineTunesWithACurveAndKeepsTheBestWhenStopped) {
  const std::string id = send("scan");
  order(id, R"({"kind":"tune"})", 409);  // nothing to fine-tune yet
  order(id, R"({"kind":"look"})");
  ended(id);
  order(id, R"({"kind":"tune","steps":50})");
  json state = ended(id);
  ASSERT_EQ(state["looks"].size(), 2U) << state.dump();
  EXPECT_EQ(state["looks"][1]["tuned"], true);
  EXPECT_EQ(state["looks"][1]["psnr_after_db"], 22.25);
  EXPECT_EQ(state["job"]["curve"].size(), 2U);
  order(id, R"({"kind":"tune","look":0,"steps":77})");
  state = wait_for(id, [](const json& s) { return !s["job"]["preview"].get<std::string>().empty(); });
  EXPECT_EQ(status("GET /scans/" + id + "/pages/" + state["job"]["preview"].get<std::string>()), 200);
  EXPECT_EQ(status("DELETE /api/scans/" + id + "/jobs"), 200);
  state = ended(id);
  EXPECT_EQ(state["job"]["state"], "cancelled");
  EXPECT_EQ(state["looks"].size(), 3U);
  for (const char* wrong : {R"({"kind":"tune","steps":0})", R"({"kind":"tune","views":1e9})",
                            R"({"kind":"tune","size":"x"})", R"({"kind":"look","tf":"../../etc/passwd"})",
                            R"({"kind":"look","tf":7})", R"({"kind":7})", "[]", "{"}) {
    order(id, wrong, 400);
  }
}

TEST_F(ServiceTest, WorksOnOneAtATimeAndBoundsTheQueue) {
  std::vector<std::string> ids;
  for (int n = 0; n < 10; ++n) ids.push_back(send("wait"));
  order(ids[0], R"({"kind":"look"})");
  wait_for(ids[0], [](const json& s) { return s["job"]["state"] == "running"; });
  order(ids[0], R"({"kind":"look"})", 409);
  EXPECT_EQ(status("PUT /api/scans/" + ids[0] + "/labels?name=l.nii", "labels"), 409);
  for (int n = 1; n <= 8; ++n) order(ids[n], R"({"kind":"look"})");
  EXPECT_EQ(answer("GET /api/scans/" + ids[2])["job"]["ahead"], 2);
  order(ids[9], R"({"kind":"look"})", 503);
  EXPECT_FALSE(send("scan").empty());
  EXPECT_FALSE(send("scan").empty());
  EXPECT_EQ(answer("POST /api/scans?name=a.nii", "scan")["error"],
            "this server holds 12 scans already, as many as it may; close one that is no longer needed, or "
            "try again later");
  // Closing the one that runs ends its program.
  EXPECT_EQ(status("DELETE /api/scans/" + ids[0]), 200);
  wait_for(ids[1], [](const json& s) { return s["job"]["state"] == "running"; });
}

TEST_F(ServiceTest, BoundsUploads) {
  EXPECT_EQ(status("POST /api/scans?name=a.nii.gz", std::string((1 << 20) + 1, 'x')), 413);
  EXPECT_EQ(status("POST /api/scans?name=a.exe", "x"), 415);
  EXPECT_EQ(status("POST /api/scans?name=a.nii.gz", ""), 400);
  EXPECT_EQ(status("POST /api/scans", "x"), 400);
  EXPECT_EQ(status("POST /api/scans?name=../../../../etc/cron.d/x", "x"), 415);
  EXPECT_TRUE(fs::is_empty(workspaces().at(0)));
  // Four of the largest; then the disk's share is used up.
  std::vector<std::string> ids;
  for (int n = 0; n < 4; ++n) ids.push_back(send(std::string(1 << 20, 'x')));
  EXPECT_EQ(status("POST /api/scans?name=a.nii.gz", "x"), 507);
  EXPECT_EQ(status("DELETE /api/scans/" + ids[0]), 200);
  const std::string id = send("scan", "..%2f..%2fetc%2fpasswd.nii");
  EXPECT_EQ(answer("GET /api/scans/" + id)["name"], "passwd.nii");
  EXPECT_EQ(status("PUT /api/scans/" + id + "/labels?name=l.nii.gz", "labels"), 201);
  EXPECT_EQ(status("PUT /api/scans/" + id + "/labels?name=l.ply", "labels"), 415);
  const std::string splats = answer("POST /api/scans?name=SPLATS.PLY", "ply").value("id", "");
  EXPECT_EQ(answer("GET /api/scans/" + splats)["kind"], "gaussians");
  EXPECT_EQ(answer("GET /api/scans/" + id)["kind"], "scan");
  struct stat folder {};
  ASSERT_EQ(::stat(workspaces().at(0).c_str(), &folder), 0);
  EXPECT_EQ(folder.st_mode & 0777, 0700);
}

TEST_F(ServiceTest, AnUploadThatStopsShortLeavesNothing) {
  const std::string answer = test::answer_to(
      "POST /api/scans?name=a.nii HTTP/1.1\r\nHost: localhost\r\nX-RenderFM-Token: " + token_ +
          "\r\nContent-Length: 100\r\n\r\nabc",
      [this](const Request& request, Body& body) { return service_->handle(request, body); });
  EXPECT_EQ(test::status_of(answer), 400);
  EXPECT_TRUE(fs::is_empty(workspaces().at(0)));
}

TEST_F(ServiceTest, AnswersItsOwnPageAlone) {
  const std::string id = send("scan");
  const std::string state = "GET /api/scans/" + id, erase = "DELETE /api/scans/" + id;
  EXPECT_EQ(test::status_of(raw(state, "", "")), 403);
  EXPECT_EQ(test::status_of(raw(state, "", "Host: evil.example\r\n")), 403);
  EXPECT_EQ(test::status_of(raw(state, "", "Host: localhost\r\nOrigin: http://evil.example\r\n")), 403);
  EXPECT_EQ(test::status_of(raw(state, "", "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n")), 403);
  EXPECT_EQ(test::status_of(raw(erase, "", "Host: localhost\r\n")), 403);
  EXPECT_EQ(test::status_of(
                raw(erase, "", "Host: localhost\r\nX-RenderFM-Token: " + std::string(48, '0') + "\r\n")),
            403);
  EXPECT_EQ(status(erase, "", "Origin: null\r\n"), 403);
  EXPECT_EQ(status(erase, "", "Origin: http://localhost:2\r\n"), 403);
  EXPECT_EQ(status(state), 200);
  for (const char* path :
       {"/etc/passwd", "/scans", "/api", "/api/scans/x", "/style.css/x", "/index.html", "/scans/x/pages/y"}) {
    EXPECT_EQ(status("GET " + std::string(path)) / 100, 4) << path;
  }
  EXPECT_EQ(status(erase, "", "Origin: http://localhost:1\r\n"), 200);
}

}  // namespace
}  // namespace renderfm::server
